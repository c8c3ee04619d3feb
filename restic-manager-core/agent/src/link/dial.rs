//! From an address to a WebSocket.

use core::{fmt, pin::Pin, time::Duration};
use std::{io, sync::Arc};

use restic_manager_core::link::socket_settings;
use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};

use crate::config::ServerUrl;

/// Name resolution, TCP, TLS and the WebSocket upgrade together take no longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream of bytes to a server.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// The future of [`Dial::dial`].
pub type DialFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Socket>>> + Send + 'a>>;

/// Opens a stream to a server. [`TcpDialer`] is the usual one; replace it to go another way, such as through a
/// proxy or a tunnel.
///
/// ```
/// use restic_manager_agent::{config::ServerUrl, link::{Dial, DialFuture, Socket}};
///
/// /// Everything goes through one program on this machine.
/// #[derive(Debug)]
/// struct Tunnel;
///
/// impl Dial for Tunnel {
///     fn dial<'a>(&'a self, _server: &'a ServerUrl) -> DialFuture<'a> {
///         Box::pin(async {
///             let stream = tokio::net::TcpStream::connect(("127.0.0.1", 8443)).await?;
///             Ok(Box::new(stream) as Box<dyn Socket>)
///         })
///     }
/// }
/// ```
pub trait Dial: fmt::Debug + Send + Sync {
    /// Connects; for a server that speaks TLS the stream is what is inside.
    fn dial<'a>(&'a self, server: &'a ServerUrl) -> DialFuture<'a>;
}

/// TCP, and TLS with the machine's root certificates.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpDialer;

impl Dial for TcpDialer {
    fn dial<'a>(&'a self, server: &'a ServerUrl) -> DialFuture<'a> {
        Box::pin(async move {
            let stream = TcpStream::connect((server.host(), server.port())).await?;
            stream.set_nodelay(true)?;
            if !server.is_tls() {
                return Ok(Box::new(stream) as Box<dyn Socket>);
            }
            let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
            let stream = TlsConnector::from(tls_settings()?).connect(name, stream).await?;
            Ok(Box::new(stream) as Box<dyn Socket>)
        })
    }
}

/// A server cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The network, or TLS.
    #[error("reach {server}: {source}")]
    Network {
        /// Where to.
        server: String,
        /// Why not.
        source: io::Error,
    },
    /// Something answers, but not as a server does.
    #[error(
        "talk to {server}: {reason}; check the address, and that a proxy in between lets WebSockets through"
    )]
    Answer {
        /// Where to.
        server: String,
        /// What it answered.
        reason: String,
    },
    /// It took too long.
    #[error("reach {server}: no answer in {} seconds", PATIENCE.as_secs())]
    Slow {
        /// Where to.
        server: String,
    },
}

/// Opens a WebSocket to one of a server's places for agents.
pub(crate) async fn open(
    dialer: &dyn Dial,
    server: &ServerUrl,
    url: &str,
) -> Result<WebSocketStream<Box<dyn Socket>>, ConnectError> {
    tokio::time::timeout(PATIENCE, upgrade(dialer, server, url))
        .await
        .unwrap_or_else(|_| Err(ConnectError::Slow { server: server.to_string() }))
}

async fn upgrade(
    dialer: &dyn Dial,
    server: &ServerUrl,
    url: &str,
) -> Result<WebSocketStream<Box<dyn Socket>>, ConnectError> {
    let network = |source| ConnectError::Network { server: server.to_string(), source };
    let stream = dialer.dial(server).await.map_err(network)?;
    match client_async_with_config(url, stream, Some(socket_settings())).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Io(source)) => Err(network(source)),
        Err(tungstenite::Error::Http(response)) => Err(ConnectError::Answer {
            server: server.to_string(),
            reason: format!("it answers with status {}", response.status()),
        }),
        Err(error) => Err(ConnectError::Answer { server: server.to_string(), reason: error.to_string() }),
    }
}

fn tls_settings() -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = "this machine has no root certificates; install the package ca-certificates";
        return Err(io::Error::other(reason));
    }
    let settings = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}
