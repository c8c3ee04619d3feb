//! Metrics for monitoring systems. A scrape reads rows that are there anyway: it asks no host and no repository.

mod exporter;
mod families;
mod gather;
mod own;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{
    HeaderValue,
    header::{CONTENT_ENCODING, VARY},
};
use restic_manager_proto::api::{Code, Nothing};
use std::{io::Write as _, sync::Arc};

use crate::{
    call::{Cx, Download, Payload, Reply, Request, plain},
    failure::Failure,
    parts::{Parts, scrapes::Figures},
};
use families::{CONTENT_TYPE, Family};

pub(crate) use own::reference;

/// Under our own names.
pub(crate) async fn own(cx: Cx, request: Request<plain::Metrics>) -> Result<Reply<Nothing>, Failure> {
    let view = own::View { figures: figures(&cx).await?, live: own::Live::of(cx.parts()) };
    answer(own::FAMILIES, view, request.takes_gzip).await
}

/// Under the names of the exporter.
pub(crate) async fn exporter(
    cx: Cx,
    request: Request<plain::ExporterMetrics>,
) -> Result<Reply<Nothing>, Failure> {
    let (figures, repository) = (figures(&cx).await?, request.query.repository);
    if let Some(name) = &repository
        && !figures.repositories.iter().any(|known| known.name == *name)
    {
        return Err(Failure::new(
            Code::NotFound,
            "there is no repository of this name",
            "write its name as the list of repositories shows it",
        ));
    }
    answer(exporter::FAMILIES, exporter::View { figures, repository }, request.takes_gzip).await
}

async fn figures(cx: &Cx) -> Result<Arc<Figures>, Failure> {
    let parts: &Parts = cx.parts();
    parts.scrapes.get(cx.now(), gather::gather(parts, cx.now())).await
}

/// Writing tens of megabytes takes a while: not where others wait for their turn.
async fn answer<V: Send + Sync + 'static>(
    families: &'static [Family<V>],
    view: V,
    takes_gzip: bool,
) -> Result<Reply<Nothing>, Failure> {
    let written = tokio::task::spawn_blocking(move || write(families, view, takes_gzip)).await;
    let bytes = written.map_err(|error| Failure::internal("metrics were not written", error))??;
    let download = Download { content_type: CONTENT_TYPE, file_name: None, payload: Payload::Bytes(bytes) };
    let reply = Reply::download(download).with_header(VARY, HeaderValue::from_static("accept-encoding"));
    let gzip = HeaderValue::from_static("gzip");
    Ok(if takes_gzip { reply.with_header(CONTENT_ENCODING, gzip) } else { reply })
}

fn write<V: Send + Sync + 'static>(
    families: &'static [Family<V>],
    view: V,
    packed: bool,
) -> Result<Bytes, Failure> {
    let text = families::text(families, view);
    let text = text.map_err(|error| Failure::internal("metrics cannot be written", error))?;
    if !packed {
        return Ok(text.into());
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
    packed.map(Bytes::from).map_err(|error| Failure::internal("metrics cannot be packed", error))
}
