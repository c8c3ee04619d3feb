//! Metrics for monitoring systems. A scrape reads rows that are there anyway: it asks no host and no repository.

mod exporter;
mod families;
mod gather;
mod own;

use bytes::Bytes;
use restic_manager_proto::api::{Code, Nothing};
use std::sync::Arc;

use crate::{
    call::{Cx, Download, Payload, Reply, Request, plain},
    failure::Failure,
    parts::{Parts, scrapes::Figures},
};
use families::{CONTENT_TYPE, Family};

pub(crate) use own::reference;

/// Under our own names.
pub(crate) async fn own(cx: Cx, _: Request<plain::Metrics>) -> Result<Reply<Nothing>, Failure> {
    let view = own::View { figures: figures(&cx).await?, live: own::Live::of(cx.parts()) };
    answer(own::FAMILIES, view).await
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
    answer(exporter::FAMILIES, exporter::View { figures, repository }).await
}

async fn figures(cx: &Cx) -> Result<Arc<Figures>, Failure> {
    let parts: &Parts = cx.parts();
    parts.scrapes.get(cx.now(), gather::gather(parts, cx.now())).await
}

/// Writing tens of megabytes takes a while: not where others wait for their turn.
async fn answer<V: Send + Sync + 'static>(
    families: &'static [Family<V>],
    view: V,
) -> Result<Reply<Nothing>, Failure> {
    let written = tokio::task::spawn_blocking(move || families::text(families, view)).await;
    let text = written.map_err(|error| Failure::internal("metrics were not written", error))?;
    let text = text.map_err(|error| Failure::internal("metrics cannot be written", error))?;
    Ok(Reply::download(Download {
        content_type: CONTENT_TYPE,
        file_name: None,
        payload: Payload::Bytes(Bytes::from(text)),
    }))
}
