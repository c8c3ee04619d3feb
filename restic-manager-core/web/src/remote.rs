//! The API of a server elsewhere, as the tower service that [`web`](crate::web) expects.
//!
//! Requests keep the browser's `Host`, so that the server judges `Origin` as if the browser spoke to it
//! directly: the server's base URL must be the address of this UI. Upgrades to WebSocket are joined byte by byte.

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, Version, header, uri};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use std::{
    fmt,
    future::Future,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tower::Service;

use crate::body::{self, Body, BoxError};

/// How long a connection to the server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Headers that end with one connection and are never passed on.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
];

/// Headers by which a proxy tells whose request it passes on.
const ADDRESSES: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];

/// What the server is told about the browser's address. It believes it only from its trusted proxies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forwarding {
    /// Nothing; what the browser claims is taken off.
    #[default]
    Nothing,
    /// The address of the connection, from the request's [`ClientAddress`]; what the browser claims is taken off.
    Connection,
    /// What the request says, as it is: for a UI behind a proxy that sets the headers itself.
    AsReceived,
}

/// The address a request came from; whoever accepts connections puts it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The base URL of the server is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a server's address: {0}; an address looks like https://backup.example.com")]
pub struct InvalidServer(String);

/// Why a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its address cannot be.
    #[error(transparent)]
    Server(#[from] InvalidServer),
    /// The system's trusted certificates cannot be read.
    #[error("the system's trusted certificates could not be read")]
    Certificates(#[source] io::Error),
}

/// A server elsewhere.
#[derive(Clone)]
pub struct Api {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    scheme: uri::Scheme,
    authority: uri::Authority,
    forwarding: Forwarding,
}

impl Api {
    /// The server at a base URL, which is `http://` or `https://`, a name and maybe a port.
    ///
    /// # Errors
    /// When the address is not one, or the system's trusted certificates cannot be read.
    pub fn new(server: &str, forwarding: Forwarding) -> Result<Self, SetupError> {
        let (scheme, authority) = parse(server)?;
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(SetupError::Certificates)?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, scheme, authority, forwarding })
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({}://{})", self.scheme, self.authority)
    }
}

impl Service<Request<Body>> for Api {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let browser =
            upgrading(request.headers()).then(|| request.extensions_mut().remove::<OnUpgrade>()).flatten();
        if let Err(error) = self.readdress(&mut request, browser.is_some()) {
            return Box::pin(std::future::ready(Err(error)));
        }
        let answer = self.client.request(request);
        Box::pin(async move {
            let mut response = answer.await?;
            match browser {
                Some(browser) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                    let server = hyper::upgrade::on(&mut response);
                    tokio::spawn(join(browser, server));
                    Ok(response.map(|_| body::empty()))
                }
                _ => {
                    strip(response.headers_mut(), false);
                    Ok(response.map(body::boxed))
                }
            }
        })
    }
}

impl Api {
    fn readdress(&self, request: &mut Request<Body>, upgrade: bool) -> Result<(), BoxError> {
        let path = request.uri().path_and_query().map_or("/", uri::PathAndQuery::as_str).to_owned();
        *request.uri_mut() = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path)
            .build()?;
        *request.version_mut() = Version::HTTP_11;
        let client = request.extensions().get::<ClientAddress>().copied();
        let headers = request.headers_mut();
        strip(headers, upgrade);
        if self.forwarding != Forwarding::AsReceived {
            ADDRESSES.iter().for_each(|name| drop(headers.remove(name)));
        }
        if let (Forwarding::Connection, Some(ClientAddress(address))) = (self.forwarding, client) {
            headers.insert("x-forwarded-for", HeaderValue::from_str(&address.to_string())?);
        }
        Ok(())
    }
}

fn parse(server: &str) -> Result<(uri::Scheme, uri::Authority), InvalidServer> {
    let invalid = || InvalidServer(server.to_owned());
    let parts = server.parse::<Uri>().map_err(|_| invalid())?.into_parts();
    let bare = parts.path_and_query.is_none_or(|path| path == "/");
    match (parts.scheme, parts.authority) {
        (Some(scheme), Some(authority))
            if bare
                && !authority.as_str().contains('@')
                && (scheme == uri::Scheme::HTTP || scheme == uri::Scheme::HTTPS) =>
        {
            Ok((scheme, authority))
        }
        _ => Err(invalid()),
    }
}

fn upgrading(headers: &HeaderMap) -> bool {
    headers
        .get(header::UPGRADE)
        .is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn strip(headers: &mut HeaderMap, upgrade: bool) {
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(name)));
    if upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    } else {
        headers.remove(header::UPGRADE);
    }
}

/// Passes bytes both ways until both sides have closed or one failed.
async fn join(browser: OnUpgrade, server: OnUpgrade) {
    let joined: Result<(Upgraded, Upgraded), hyper::Error> = tokio::try_join!(browser, server);
    match joined {
        Ok((browser, server)) => {
            let ended =
                tokio::io::copy_bidirectional(&mut TokioIo::new(browser), &mut TokioIo::new(server)).await;
            if let Err(error) = ended {
                tracing::debug!(%error, "live connection was cut");
            }
        }
        Err(error) => tracing::debug!(%error, "live connection was not upgraded"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_http_addresses_are_servers() {
        for valid in ["https://backup.example.com", "http://127.0.0.1:8080/", "https://[::1]:8443"] {
            assert!(parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "backup.example.com",
            "ftp://backup.example.com",
            "https://backup.example.com/path",
            "https://user:secret@backup.example.com",
            "https://backup.example.com/?a=b",
        ] {
            assert!(parse(invalid).is_err(), "{invalid}");
        }
    }
}
