//! From an address to a WebSocket.

use core::{fmt, pin::Pin, time::Duration};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_util::client::legacy::connect::{HttpConnector, dns::GaiResolver, proxy::Tunnel};
use restic_manager_core::link::socket_settings;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use rustls_native_certs::CertificateResult;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::{WebSocketStream, client_async_with_config, tungstenite};
use tower_service::Service;

use crate::config::{Config, ProxyUrl, ServerUrl};

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

/// TCP, through a proxy where the configuration names one, and TLS with the machine's root certificates and those that the
/// configuration adds.
#[derive(Clone, Debug, Default)]
pub struct TcpDialer {
    proxy: Option<ProxyUrl>,
    ca_file: Option<PathBuf>,
}

impl TcpDialer {
    /// The way that a configuration says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { proxy: config.proxy.clone(), ca_file: config.ca_file.clone() }
    }

    async fn connect(&self, server: &ServerUrl) -> io::Result<TcpStream> {
        let endpoint = server.endpoint().map_err(io::Error::other)?;
        let mut connector = connector(GaiResolver::new());
        let stream = match &self.proxy {
            None => connector.call(endpoint).await.map_err(plain)?,
            Some(proxy) => Tunnel::new(proxy.uri(), connector)
                .call(endpoint)
                .await
                .map_err(|error| io::Error::other(format!("the proxy {}: {}", proxy.uri(), plain(error))))?,
        };
        Ok(stream.into_inner())
    }
}

impl Dial for TcpDialer {
    fn dial<'a>(&'a self, server: &'a ServerUrl) -> DialFuture<'a> {
        Box::pin(async move {
            let stream = self.connect(server).await?;
            if !server.is_tls() {
                return Ok(Box::new(stream) as Box<dyn Socket>);
            }
            let name = ServerName::try_from(server.host().to_owned()).map_err(io::Error::other)?;
            let ca_file = self.ca_file.clone();
            let settings = tokio::task::spawn_blocking(move || tls_settings(ca_file.as_deref()));
            let settings = settings.await.map_err(io::Error::other)??;
            let stream = TlsConnector::from(settings).connect(name, stream).await?;
            Ok(Box::new(stream) as Box<dyn Socket>)
        })
    }
}

/// Tries the addresses of a name in turn; while one family is silent, those of the other are tried beside it.
fn connector<R>(resolver: R) -> HttpConnector<R> {
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.set_nodelay(true);
    connector
}

/// An error and its causes, in one line.
fn plain(error: impl core::error::Error) -> io::Error {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    io::Error::other(text)
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

/// Says once what is given up where there is no TLS.
pub(super) fn warn_of_plain(server: &ServerUrl) {
    if server.is_plain() {
        tracing::warn!(
            %server,
            "the connection is not encrypted: secrets are sealed by themselves, but others on the way can read file \
             names and logs, and cut the connection; use https"
        );
    }
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

fn tls_settings(ca_file: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    let roots = roots(rustls_native_certs::load_native_certs(), ca_file)?;
    let settings = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(settings))
}

/// The machine's root certificates, and those of a file. What is wrong with the machine's is told when nothing is left.
fn roots(found: CertificateResult, ca_file: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    let errors: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
    if !errors.is_empty() || unusable > 0 {
        tracing::debug!(?errors, unusable, "some of this machine's root certificates cannot be used");
    }
    if let Some(path) = ca_file {
        let unusable = |problem: String| io::Error::other(format!("ca_file {}: {problem}", path.display()));
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
            .and_then(|all| all.collect())
            .map_err(|error| unusable(error.to_string()));
        let certificates = certificates?;
        if certificates.is_empty() {
            return Err(unusable("it holds no certificate".to_owned()));
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
    }
    if roots.is_empty() {
        let why = if errors.is_empty() {
            "install the package ca-certificates".to_owned()
        } else {
            errors.join("; ")
        };
        return Err(io::Error::other(format!("this machine has no usable root certificates: {why}")));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::SocketAddr;
    use hyper_util::client::legacy::connect::dns::Name;
    use std::task::{Context, Poll};
    use tokio::net::{TcpListener, TcpSocket};

    /// Gives the same addresses for every name.
    #[derive(Clone)]
    struct Fixed(Vec<SocketAddr>);

    impl Service<Name> for Fixed {
        type Response = std::vec::IntoIter<SocketAddr>;
        type Error = io::Error;
        type Future = core::future::Ready<io::Result<Self::Response>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Name) -> Self::Future {
            core::future::ready(Ok(self.0.clone().into_iter()))
        }
    }

    /// A port of IPv6 that drops whoever asks: its queue is full, and nobody is taken from it.
    async fn silent(port: u16) -> (tokio::net::TcpListener, Vec<tokio::task::JoinHandle<()>>) {
        let socket = TcpSocket::new_v6().expect("IPv6");
        let address: SocketAddr = format!("[::1]:{port}").parse().expect("an address");
        socket.bind(address).expect("the port is free");
        let listener = socket.listen(1).expect("it listens");
        let knocks = (0..8).map(|_| {
            tokio::spawn(async move {
                let held = tokio::net::TcpStream::connect(address).await;
                core::future::pending::<()>().await;
                drop(held);
            })
        });
        let knocks = knocks.collect();
        tokio::task::yield_now().await;
        (listener, knocks)
    }

    #[tokio::test]
    async fn ipv4_is_tried_while_ipv6_is_silent() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let (_silent, knocks) = silent(port).await;
        let addresses = ["[::1]:0", "127.0.0.1:0"].map(|text| text.parse().expect("an address"));
        let server: ServerUrl = format!("http://server.test:{port}").parse().expect("an address");
        let mut connector = connector(Fixed(addresses.to_vec()));
        let stream =
            connector.call(server.endpoint().expect("a URL")).await.expect("IPv4 answers").into_inner();
        assert!(stream.peer_addr().expect("an address").is_ipv4());
        knocks.iter().for_each(tokio::task::JoinHandle::abort);
    }

    #[test]
    fn what_is_wrong_with_the_machines_certificates_is_told() {
        let mut found = CertificateResult::default();
        found.errors.push(rustls_native_certs::Error {
            context: "failed to open file",
            kind: rustls_native_certs::ErrorKind::Io {
                inner: io::Error::from(io::ErrorKind::NotFound),
                path: "/etc/ssl/typo.pem".into(),
            },
        });
        let error = roots(found, None).expect_err("there is none").to_string();
        assert!(error.contains("/etc/ssl/typo.pem") && !error.contains("install"), "{error}");
        let error = roots(CertificateResult::default(), None).expect_err("there is none").to_string();
        assert!(error.contains("install the package ca-certificates"), "{error}");
        let error =
            roots(CertificateResult::default(), Some("/nowhere/ca.pem".as_ref())).expect_err("no file");
        assert!(error.to_string().contains("ca_file /nowhere/ca.pem"), "{error}");
    }
}
