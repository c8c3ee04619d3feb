//! One request over HTTP, on a connection of its own. Redirects are not followed, proxies not asked, little is read.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use restic_manager_core::notify::HttpRequest;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::trust;

/// How much of an answer is read; the rest is nobody's business.
const MOST_BODY: usize = 64 * 1024;
/// Headers of an answer.
const MOST_HEADERS: usize = 100;

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Bytes,
}

pub(super) async fn send(request: &HttpRequest, stream: TcpStream) -> Result<Answer, String> {
    if !request.target.is_https {
        return exchange(request, stream).await;
    }
    let name = ServerName::try_from(request.target.host.clone()).map_err(|error| error.to_string())?;
    let connector = TlsConnector::from(trust::client_config()?);
    let stream = connector.connect(name, stream).await.map_err(|error| format!("TLS failed: {error}"))?;
    exchange(request, stream).await
}

async fn exchange<S>(request: &HttpRequest, stream: S) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: hyper::Error| format!("the request failed: {error}");
    let mut builder = http1::Builder::new();
    builder.max_headers(MOST_HEADERS).max_buf_size(MOST_BODY);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let _driven = AbortOnDropHandle::new(tokio::spawn(async move {
        // What ends it ends the request as well, which tells why.
        let _ended = connection.await;
    }));
    let answer = sender.send_request(written(request)?).await.map_err(failed)?;
    let status = answer.status().as_u16();
    let retry_after = answer.headers().get(header::RETRY_AFTER);
    let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok(Answer { status, retry_after, body: beginning(answer.into_body()).await })
}

/// The beginning of a body. One that is too long or breaks off counts as far as it came.
async fn beginning(body: Incoming) -> Bytes {
    let mut limited = Limited::new(body, MOST_BODY);
    let mut read = Vec::new();
    while let Some(Ok(frame)) = limited.frame().await {
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
    }
    read.into()
}

fn written(request: &HttpRequest) -> Result<Request<Full<Bytes>>, String> {
    let mut builder = Request::builder()
        .method(request.method)
        .uri(&request.target.path)
        .header(header::HOST, request.target.authority())
        .header(header::USER_AGENT, concat!("restic-manager/", env!("CARGO_PKG_VERSION")));
    for (name, value) in &request.headers {
        // Neither is shown where it is wrong: both may be secrets.
        let mut value =
            HeaderValue::from_str(value).map_err(|_| format!("the header {name} cannot be written"))?;
        value.set_sensitive(true);
        builder = builder.header(HeaderName::from_static(name), value);
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    builder.body(body).map_err(|_| "the address cannot be written".to_owned())
}
