//! Serving the pages over HTTP, under limits, until asked to stop.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::{Request, Response, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use restic_manager_web::remote::ClientAddress;
use restic_manager_web::{Body, BoxError, web};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tower::{Service, ServiceExt as _};

use crate::config::Config;
use crate::logging;
use crate::settings::Refusal;

/// Further connections wait in the operating system's queue.
const CONNECTIONS: u32 = 4096;
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

/// Generic, because inside a task the compiler cannot see through a boxed error.
async fn serve<S>(listen: SocketAddr, pages: S) -> Result<(), Refusal>
where
    S: Service<Request<Incoming>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let refused = |error| Refusal(format!("could not listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
    tracing::info!("listening on {address}");
    let stopping = watch::Sender::new(());
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
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
        let connection = connection(stream, peer, pages.clone(), stopping.subscribe());
        tokio::spawn(async move {
            connection.await;
            drop(place);
        });
    }
    tracing::info!("asked to stop");
    stopping.send_replace(());
    // All places are free again when the last connection has ended.
    let _ = tokio::time::timeout(DRAIN_TIME, places.acquire_many(CONNECTIONS)).await;
    Ok(())
}

async fn connection<S>(stream: TcpStream, peer: SocketAddr, pages: S, mut stopping: watch::Receiver<()>)
where
    S: Service<Request<Incoming>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(peer.ip()));
        pages.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME).max_headers(HEADER_COUNT);
    builder.max_buf_size(HEADER_BYTES);
    let serving = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut serving = pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        _ = stopping.changed() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, client.address = %peer, "a connection broke");
    }
}
