//! Serving the pages over HTTP, under limits, until asked to stop.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use restic_manager_web::remote::ClientAddress;
use restic_manager_web::{Body, BoxError, web};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{Service, ServiceExt as _};

use crate::config::Config;
use crate::logging;
use crate::settings::Refusal;

/// Further connections wait in the operating system's queue.
const CONNECTIONS: usize = 4096;
const HEADER_TIME: Duration = Duration::from_secs(10);
const HEADER_COUNT: usize = 64;
const HEADER_BYTES: usize = 32 * 1024;
/// For requests under way to end when the program stops.
const DRAIN_TIME: Duration = Duration::from_secs(20);

pub(crate) fn run(config: Config) -> Result<(), Refusal> {
    logging::start(&config.log, &config.log_format).map_err(Refusal)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Refusal(format!("could not start: {error}")))?;
    runtime.block_on(serve(config.listen, web(config.api)))
}

async fn serve<S>(listen: SocketAddr, pages: S) -> Result<(), Refusal>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error: Into<BoxError>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let refused = |error| Refusal(format!("could not listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    tracing::info!("listening on {address}");
    let stopping = CancellationToken::new();
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let builder = builder();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = terminate.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        };
        let pages = pages.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress(peer.ip()));
            request
        });
        let connection =
            builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages)).with_upgrades();
        let stopping = stopping.clone();
        connections.spawn(async move {
            let _place = place;
            let mut connection = pin!(connection);
            let served = tokio::select! {
                served = connection.as_mut() => served,
                () = stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, client.address = %peer, "a connection broke");
            }
        });
    }
    tracing::info!("asked to stop");
    stopping.cancel();
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = tokio::time::sleep(DRAIN_TIME) => tracing::info!("some connections were cut off"),
        // Who asks twice does not want to wait.
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(HEADER_COUNT);
    builder.max_buf_size(HEADER_BYTES);
    builder
}
