//! Connections: accepted up to a limit, served over HTTP/1.1, drained at the end.

use bytes::Bytes;
use core::{pin::pin, time::Duration};
use http::{StatusCode, Version, header};
use http_body_util::{Either, Full};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use restic_manager_core::shutdown::Finish;
use std::{io, sync::Arc};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tower::ServiceExt as _;

use crate::{BoxError, PeerAddress, config::Limits, http::ConnectionPlace, parts::Parts};

/// After the system ran out of sockets or memory: long enough for some to come back.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve<S, B>(parts: &Arc<Parts>, listener: TcpListener, service: S) -> Finish
where
    S: tower::Service<http::Request<Incoming>, Response = http::Response<B>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let limits = parts.config.limits;
    let places = &parts.places;
    let builder = builder(&limits);
    loop {
        let accepted = tokio::select! {
            () = parts.shutdown.requested() => break,
            accepted = accept(&listener, places) => accepted,
        };
        let (stream, peer, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = &error as &dyn core::error::Error, "could not accept a connection");
                sleep(PAUSE).await;
                continue;
            }
        };
        let place = ConnectionPlace(Arc::new(place));
        let held = place.clone();
        let service = service.clone();
        let with_peer = tower::service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(PeerAddress(peer));
            // A WebSocket outlives its connection's task and holds on to the place.
            request.extensions_mut().insert(held.clone());
            let service = names_host_once(&request).then(|| service.clone());
            async move {
                match service {
                    Some(service) => service.oneshot(request).await.map(|answer| answer.map(Either::Right)),
                    None => Ok(host_unclear().map(Either::Left)),
                }
            }
        });
        let connection = builder
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(with_peer))
            .with_upgrades();
        let stop = parts.shutdown.clone();
        parts.shutdown.spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            let done = tokio::select! {
                done = connection.as_mut() => done,
                () = stop.requested() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = done {
                tracing::debug!(error = &error as &dyn core::error::Error, "a connection ended early");
            }
        });
    }
    drop(listener);
    parts.shutdown.finish(limits.drain_time).await
}

/// A request names the host that it is for, and two names may mean two things to two readers (RFC 9112, 3.2).
fn names_host_once<B>(request: &http::Request<B>) -> bool {
    let count = request.headers().get_all(header::HOST).iter().count();
    count == 1 || (count == 0 && request.version() < Version::HTTP_11)
}

fn host_unclear() -> http::Response<Full<Bytes>> {
    let mut answer = http::Response::new(Full::from("name the host once\n"));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.header_count)
        .max_buf_size(limits.header_bytes.max(8192));
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, core::net::SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, peer, place))
}
