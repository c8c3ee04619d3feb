//! The HTTP API as a program uses it, typed by the endpoints of proto.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full};
use hyper::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN, SET_COOKIE};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use restic_manager_proto::api::jobs::{Job, JobUpdate};
use restic_manager_proto::api::{Endpoint, Problem, jobs, server, session};
use restic_manager_proto::{JobId, LogLine, Progress, SecretText};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::failure::{Failure, Outcome};

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A signed-in caller. Speaks to the server itself, past any proxy that stands before it.
#[derive(Debug, Clone)]
pub struct Api {
    address: SocketAddr,
    base_url: String,
    cookie: String,
    csrf_token: String,
}

/// Why a call did not succeed.
#[derive(Debug)]
pub struct Refusal(pub Problem);

/// All that a live view showed until the job's end.
#[derive(Debug, Default)]
pub struct JobView {
    /// The lines, in the order of arrival.
    pub lines: Vec<LogLine>,
    /// The figures, in the order of arrival.
    pub progress: Vec<Progress>,
}

impl Api {
    /// Makes the first admin and signs in.
    pub async fn bootstrap(
        address: SocketAddr,
        base_url: &str,
        token: &str,
        name: &str,
        password: &str,
    ) -> Outcome<Self> {
        let anonymous = Self::anonymous(address, base_url);
        let admin = server::FirstAdmin {
            token: SecretText::new(token),
            name: name.to_owned(),
            password: SecretText::new(password),
        };
        anonymous.call::<server::CreateFirstAdmin>(&[], None, Some(&admin)).await?;
        Self::sign_in(address, base_url, name, password).await
    }

    /// Signs in.
    pub async fn sign_in(address: SocketAddr, base_url: &str, name: &str, password: &str) -> Outcome<Self> {
        let mut api = Self::anonymous(address, base_url);
        let login = session::Login { name: name.to_owned(), password: SecretText::new(password) };
        let response = api.send::<session::Create>(&[], None, Some(&login)).await?;
        api.cookie = cookie_of(&response)?;
        let session = read::<session::Create>(response).await?.map_err(Failure::from_refusal)?;
        api.csrf_token = session.csrf_token.into_exposed();
        Ok(api)
    }

    /// A caller without a session.
    pub fn anonymous(address: SocketAddr, base_url: &str) -> Self {
        Self { address, base_url: base_url.to_owned(), cookie: String::new(), csrf_token: String::new() }
    }

    /// The same caller at another address, after the server moved.
    pub fn moved_to(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Calls an endpoint; `path` fills the braces of its path in order.
    pub async fn call<E: Endpoint>(
        &self,
        path: &[&str],
        query: Option<&E::Query>,
        body: Option<&E::Body>,
    ) -> Outcome<E::Response> {
        self.attempt::<E>(path, query, body).await?.map_err(Failure::from_refusal)
    }

    /// Changes configuration that has this version.
    pub async fn change<E: Endpoint>(
        &self,
        path: &[&str],
        version: i64,
        body: &E::Body,
    ) -> Outcome<E::Response> {
        let response = self.send_expecting::<E>(path, None, Some(body), Some(version)).await?;
        read::<E>(response).await?.map_err(Failure::from_refusal)
    }

    /// Calls an endpoint whose refusal is of interest.
    pub async fn attempt<E: Endpoint>(
        &self,
        path: &[&str],
        query: Option<&E::Query>,
        body: Option<&E::Body>,
    ) -> Outcome<Result<E::Response, Refusal>> {
        read::<E>(self.send::<E>(path, query, body).await?).await
    }

    /// Downloads what an endpoint offers as a file.
    pub async fn download<E: Endpoint>(&self, path: &[&str], query: Option<&E::Query>) -> Outcome<Bytes> {
        let response = self.send::<E>(path, query, None).await?;
        if response.status().as_u16() != E::STATUS {
            return Err(Failure::new(format!("{} answered {}", E::NAME, response.status())));
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }

    /// A page as a browser without script gets it.
    pub async fn page(&self, path: &str) -> Outcome<String> {
        let request =
            Request::builder().uri(path).header(HOST, self.authority()).header("Accept", "text/html");
        let request = request.header(COOKIE, &self.cookie).body(Full::new(Bytes::new()))?;
        let response = self.exchange(request).await?;
        if !response.status().is_success() {
            return Err(Failure::new(format!("{path} answered {}", response.status())));
        }
        Ok(String::from_utf8(response.into_body().collect().await?.to_bytes().to_vec())?)
    }

    /// One job as it is now.
    pub async fn job(&self, job: JobId) -> Outcome<Job> {
        self.call::<jobs::Show>(&[&job.to_string()], None, None).await
    }

    /// Follows a job's live view from a line on until `enough` says so or the view ends.
    pub async fn watch(
        &self,
        job: JobId,
        after: u64,
        within: Duration,
        mut enough: impl FnMut(&JobView) -> bool,
    ) -> Outcome<JobView> {
        let path = format!("/api/v1/jobs/{job}/stream?after={after}");
        let mut request = format!("ws://{}{path}", self.authority()).into_client_request()?;
        request.headers_mut().insert(COOKIE, self.cookie.parse()?);
        request.headers_mut().insert(ORIGIN, self.base_url.parse()?);
        let stream = TcpStream::connect(self.address).await?;
        let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        let mut view = JobView::default();
        let watching = async {
            while let Some(message) = socket.next().await {
                let Message::Text(text) = message? else { continue };
                match serde_json::from_str(&text)? {
                    JobUpdate::Lines { lines } => view.lines.extend(lines),
                    JobUpdate::Progress { progress } => view.progress.push(progress),
                    JobUpdate::End {} => break,
                    _ => {}
                }
                if enough(&view) {
                    break;
                }
            }
            Ok::<_, Failure>(())
        };
        let timed_out =
            |_| Failure::new(format!("the live view of {job} went on for {} s", within.as_secs()));
        tokio::time::timeout(within, watching).await.map_err(timed_out)??;
        Ok(view)
    }

    async fn send<E: Endpoint>(
        &self,
        path: &[&str],
        query: Option<&E::Query>,
        body: Option<&E::Body>,
    ) -> Outcome<Response<Incoming>> {
        self.send_expecting::<E>(path, query, body, None).await
    }

    async fn send_expecting<E: Endpoint>(
        &self,
        path: &[&str],
        query: Option<&E::Query>,
        body: Option<&E::Body>,
        version: Option<i64>,
    ) -> Outcome<Response<Incoming>> {
        let uri = format!("{}{}", fill(E::PATH, path)?, query_string(query)?);
        let mut request =
            Request::builder().method(E::METHOD.as_str()).uri(uri).header(HOST, self.authority());
        if !self.cookie.is_empty() {
            request = request.header(COOKIE, &self.cookie);
        }
        if !E::METHOD.is_safe() {
            request = request.header(ORIGIN, &self.base_url).header("X-CSRF-Token", &self.csrf_token);
        }
        if let Some(version) = version {
            request = request.header("If-Match", format!("\"{version}\""));
        }
        let bytes = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Bytes::from(serde_json::to_vec(body)?)
            }
            None => Bytes::new(),
        };
        self.exchange(request.body(Full::new(bytes))?).await
    }

    /// One connection per request: nothing is shared with a connection that a test breaks.
    async fn exchange(&self, request: Request<Full<Bytes>>) -> Outcome<Response<Incoming>> {
        let exchanging = async {
            let stream = TcpStream::connect(self.address).await?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            Ok::<_, Failure>(sender.send_request(request).await?)
        };
        let timed_out = |_| Failure::new(format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
        tokio::time::timeout(ANSWER_WITHIN, exchanging).await.map_err(timed_out)?
    }

    fn authority(&self) -> &str {
        self.base_url
            .split_once("://")
            .map_or(self.base_url.as_str(), |(_, authority)| authority.trim_end_matches('/'))
    }
}

impl Failure {
    fn from_refusal(refusal: Refusal) -> Self {
        let Refusal(problem) = refusal;
        let fields: Vec<_> =
            problem.fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect();
        Self::new(format!("{} {} {} {}", problem.status, problem.title, problem.detail, fields.join("; ")))
    }
}

async fn read<E: Endpoint>(response: Response<Incoming>) -> Outcome<Result<E::Response, Refusal>> {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    if status >= 400 {
        let problem = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(format!(
                "{} answered {status} with {:?}: {error}",
                E::NAME,
                String::from_utf8_lossy(&bytes)
            ))
        })?;
        return Ok(Err(Refusal(problem)));
    }
    if status != E::STATUS {
        return Err(Failure::new(format!("{} answered {status}, not {}", E::NAME, E::STATUS)));
    }
    let text = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
    Ok(Ok(serde_json::from_slice(text)?))
}

/// Puts values into the braces of a path, in order.
fn fill(path: &str, values: &[&str]) -> Outcome<String> {
    let mut filled = String::new();
    let mut values = values.iter();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let missing = || Failure::new(format!("{path} needs more values"));
        let (_, behind) = after.split_once('}').ok_or_else(missing)?;
        filled.push_str(before);
        filled.push_str(values.next().ok_or_else(missing)?);
        rest = behind;
    }
    Ok(filled + rest)
}

fn query_string<Q: serde::Serialize>(query: Option<&Q>) -> Outcome<String> {
    let Some(query) = query else { return Ok(String::new()) };
    let Value::Object(fields) = serde_json::to_value(query)? else { return Ok(String::new()) };
    let pairs: Vec<String> = fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), escape)))
        .collect();
    Ok(if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) })
}

fn escape(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn cookie_of<B>(response: &Response<B>) -> Outcome<String> {
    let cookies: Vec<&str> = response
        .headers()
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .collect();
    if cookies.is_empty() { Err(Failure::new("signing in set no cookie")) } else { Ok(cookies.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_filled() {
        assert_eq!(fill("/a/{x}/b/{y}", &["1", "2"]).unwrap(), "/a/1/b/2");
        assert!(fill("/a/{x}", &[]).is_err());
        let filter = jobs::Filter { limit: Some(5), ..Default::default() };
        assert_eq!(query_string(Some(&filter)).unwrap(), "?limit=5");
        assert_eq!(escape("a b/ü"), "a%20b%2F%C3%BC");
    }
}
