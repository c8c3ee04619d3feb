//! Requests that the server makes to elsewhere: over HTTP or HTTPS, one at a time, no redirect is followed.

use bytes::Bytes;
use core::{fmt, time::Duration};
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{io, sync::OnceLock};

/// For all of a request: name, connection, TLS and the head of the answer.
const TIME: Duration = Duration::from_secs(15);
const USER_AGENT: &str = concat!("restic-manager/", env!("CARGO_PKG_VERSION"));

type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// Makes requests. The system's trusted certificates are read when one is first needed.
#[derive(Default)]
pub(crate) struct Outgoing(OnceLock<HttpClient>);

/// Why there was no answer. It never holds the address, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutgoingError {
    #[error("the system's trusted certificates could not be read")]
    Certificates(#[source] io::Error),
    #[error("it could not be asked")]
    Request(#[source] hyper_util::client::legacy::Error),
    #[error("it did not answer within {} seconds", TIME.as_secs())]
    Timeout,
    #[error("the request cannot be made")]
    Malformed(#[source] http::Error),
}

impl Outgoing {
    /// Asks for what is at an address; what it answers with is not read, but for its status.
    pub(crate) async fn get(&self, address: &Uri) -> Result<StatusCode, OutgoingError> {
        let request = Request::get(address).header(header::USER_AGENT, USER_AGENT).body(Empty::new());
        let request = request.map_err(OutgoingError::Malformed)?;
        let answered = tokio::time::timeout(TIME, self.client()?.request(request)).await;
        let answer = answered.map_err(|_| OutgoingError::Timeout)?.map_err(OutgoingError::Request)?;
        Ok(answer.status())
    }

    fn client(&self) -> Result<&HttpClient, OutgoingError> {
        if let Some(client) = self.0.get() {
            return Ok(client);
        }
        let made = make().map_err(OutgoingError::Certificates)?;
        Ok(self.0.get_or_init(|| made))
    }
}

fn make() -> io::Result<HttpClient> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_http1()
        .build();
    // A connection that is kept would be found closed at the next request, a minute later.
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outgoing")
    }
}
