//! The public API as pages call it: typed, on behalf of the browser that asked.

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request,
};
use hyper::upgrade::OnUpgrade;
use restic_manager_proto::api::{Code, Endpoint, Method, Nothing, Problem};
use serde::Serialize;
use std::{
    future::Future,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tower::{ServiceExt as _, util::BoxCloneSyncService};

use crate::body::{self, Body, BoxError};

/// Longest JSON answer that a page reads.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
/// How long a page waits for the API.
const PATIENCE: Duration = Duration::from_secs(30);

/// Headers of the browser's request by which the API knows the caller and the way it came.
static FORWARDED: [HeaderName; 10] = [
    header::COOKIE,
    header::USER_AGENT,
    header::HOST,
    header::ORIGIN,
    header::FORWARDED,
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Why the API gave no answer to show.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It refused, and says why.
    #[error("the API refused: {}", .0.title)]
    Refused(Box<Problem>),
    /// It could not be asked.
    #[error("the API could not be reached")]
    Unreachable(#[source] BoxError),
    /// It answered something that is not the API.
    #[error("the API's answer could not be read: {0}")]
    Unreadable(String),
    /// A page could not be made from it.
    #[error("the page could not be rendered")]
    Template(#[from] minijinja::Error),
}

impl Failure {
    fn late(_late: tokio::time::error::Elapsed) -> Self {
        Self::Unreachable("no answer within 30 s".into())
    }

    pub(crate) fn code(&self) -> Option<Code> {
        match self {
            Self::Refused(problem) => Some(problem.code),
            _ => None,
        }
    }
}

/// A call under way; boxed and owning all it needs, so that pages can join several.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// The API, called as the browser's user.
#[derive(Clone)]
pub(crate) struct Api {
    service: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
    headers: HeaderMap,
    extensions: Extensions,
    once: Option<String>,
    cookies: Arc<Mutex<Vec<HeaderValue>>>,
    /// Set when a call was refused because it asks for a recent proof of identity.
    proof_needed: Arc<AtomicBool>,
}

impl Api {
    /// Takes over what tells the caller: some headers, and what the server noted about the connection.
    pub(crate) fn new(
        service: BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>,
        parts: &request::Parts,
    ) -> Self {
        let mut headers = HeaderMap::new();
        for name in &FORWARDED {
            for value in parts.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let mut extensions = parts.extensions.clone();
        extensions.remove::<OnUpgrade>();
        Self {
            service,
            headers,
            extensions,
            once: None,
            cookies: Arc::default(),
            proof_needed: Arc::default(),
        }
    }

    /// The same caller with the proof that a form came from our own page.
    pub(crate) fn with_csrf(mut self, token: &str) -> Self {
        if let Ok(token) = HeaderValue::from_str(token) {
            self.headers.insert("x-csrf-token", token);
        }
        self
    }

    /// The same caller sending a form that carries a name: sent twice, it is done once.
    pub(crate) fn with_once(mut self, once: Option<&str>) -> Self {
        self.once = once.map(str::to_owned);
        self
    }

    /// The same browser before it signed in: of its cookies only the one that tells that it was here before.
    pub(crate) fn without_session(mut self) -> Self {
        let cookies = self.headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).map(str::trim);
        let device =
            pairs.find(|pair| pair.split('=').next().is_some_and(|name| name.ends_with("rm_device")));
        let device = device.and_then(|pair| HeaderValue::from_str(pair).ok());
        self.headers.remove(header::COOKIE);
        if let Some(device) = device {
            self.headers.insert(header::COOKIE, device);
        }
        self
    }

    /// Reads.
    pub(crate) fn get<E>(&self, path: E::Path, query: E::Query) -> Pending<E::Response>
    where
        E: Endpoint<Body = Nothing>,
    {
        self.ask::<E>(&path, &query, &Nothing {}, None)
    }

    /// Creates, starts or removes something.
    pub(crate) fn send<E>(&self, path: E::Path, body: E::Body) -> Pending<E::Response>
    where
        E: Endpoint<Query = Nothing>,
    {
        self.ask::<E>(&path, &Nothing {}, &body, None)
    }

    /// Changes configuration that is still at `version`.
    pub(crate) fn change<E>(&self, path: E::Path, body: E::Body, version: i64) -> Pending<E::Response>
    where
        E: Endpoint<Query = Nothing>,
    {
        self.ask::<E>(&path, &Nothing {}, &body, Some(version))
    }

    /// Asks for a download; the body is not read yet.
    pub(crate) fn download<E>(&self, path: E::Path, query: E::Query, body: E::Body) -> Pending<Response<Body>>
    where
        E: Endpoint,
    {
        let request = self.request::<E>(&path, &query, &body, None);
        exchange(self.clone(), request)
    }

    /// Whether the API has asked for a recent proof of identity since the last time this was called.
    pub(crate) fn take_proof_needed(&self) -> bool {
        self.proof_needed.swap(false, Ordering::Relaxed)
    }

    /// What the API's answers set: the browser must get it, whichever call it came from.
    pub(crate) fn take_cookies(&self) -> Vec<HeaderValue> {
        std::mem::take(&mut self.cookies.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        body: &E::Body,
        version: Option<i64>,
    ) -> Pending<E::Response> {
        let request = self.request::<E>(path, query, body, version);
        let api = self.clone();
        Box::pin(async move { read::<E>(exchange(api, request).await?).await })
    }

    fn request<E: Endpoint>(
        &self,
        path: &E::Path,
        query: &E::Query,
        body: &E::Body,
        version: Option<i64>,
    ) -> Result<Request<Body>, Failure> {
        let mut request = Request::builder().method(E::METHOD.as_str()).uri(uri::<E>(path, query)?);
        if let Some(version) = version {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let json = json(body)?;
        if let (Method::Post, Some(once)) = (E::METHOD, &self.once) {
            let key = call_key(once, request.uri_ref(), &json);
            request = request.header("idempotency-key", format!("{key}-{}", E::NAME));
        }
        if !json.is_empty() {
            request = request
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::CONTENT_LENGTH, json.len());
        }
        let mut request =
            request.body(body::full(json)).map_err(|error| Failure::Unreachable(error.into()))?;
        request.headers_mut().extend(self.headers.clone());
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        *request.extensions_mut() = self.extensions.clone();
        Ok(request)
    }
}

/// Names one call of a form: another address or another body is another call, the form sent twice is the same.
fn call_key(once: &str, uri: Option<&Uri>, body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    (uri, body).hash(&mut hasher);
    format!("{once}-{:016x}", hasher.finish())
}

fn exchange(api: Api, request: Result<Request<Body>, Failure>) -> Pending<Response<Body>> {
    let request = match request {
        Ok(request) => request,
        Err(failure) => return Box::pin(std::future::ready(Err(failure))),
    };
    let answer = api.service.oneshot(request).map_err(Failure::Unreachable);
    let (cookies, proof_needed) = (api.cookies, api.proof_needed);
    Box::pin(async move {
        let response = tokio::time::timeout(PATIENCE, answer).await.map_err(Failure::late)??;
        let set = response.headers().get_all(header::SET_COOKIE).iter().cloned();
        cookies.lock().unwrap_or_else(PoisonError::into_inner).extend(set);
        if response.status().is_success() {
            return Ok(response);
        }
        let failure = refusal(response).await;
        proof_needed.fetch_or(failure.code() == Some(Code::ProofNeeded), Ordering::Relaxed);
        Err(failure)
    })
}

fn json<T: Serialize + 'static>(body: &T) -> Result<Bytes, Failure> {
    if std::any::TypeId::of::<T>() == std::any::TypeId::of::<Nothing>() {
        return Ok(Bytes::new());
    }
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| Failure::Unreadable(error.to_string()))
}

/// Fills the braces of the endpoint's path and appends the query's fields that are set.
fn uri<E: Endpoint>(path: &E::Path, query: &E::Query) -> Result<String, Failure> {
    let mut uri = E::PATH.to_owned();
    for (name, value) in fields(path)? {
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        uri = uri.replace(&format!("{{{name}}}"), &encoded);
    }
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields(query)? {
        pairs.append_pair(&name, &value);
    }
    let pairs = pairs.finish();
    Ok(if pairs.is_empty() { uri } else { format!("{uri}?{pairs}") })
}

fn fields<T: Serialize>(value: &T) -> Result<Vec<(String, String)>, Failure> {
    let value = serde_json::to_value(value).map_err(|error| Failure::Unreadable(error.to_string()))?;
    let serde_json::Value::Object(fields) = value else { return Ok(Vec::new()) };
    Ok(fields
        .into_iter()
        .filter_map(|(name, value)| match value {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some((name, text)),
            other => Some((name, other.to_string())),
        })
        .collect())
}

async fn read<E: Endpoint>(response: Response<Body>) -> Result<E::Response, Failure> {
    let bytes = collect(response).await?;
    let json: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(json).map_err(|error| Failure::Unreadable(format!("{}: {error}", E::NAME)))
}

async fn refusal(response: Response<Body>) -> Failure {
    let status = response.status();
    match collect(response).await {
        Ok(bytes) => match serde_json::from_slice::<Problem>(&bytes) {
            Ok(problem) => Failure::Refused(Box::new(problem)),
            Err(_) => Failure::Refused(Box::new(unexplained(status))),
        },
        Err(failure) => failure,
    }
}

/// A refusal without a problem document, such as a proxy's.
fn unexplained(status: StatusCode) -> Problem {
    let code =
        Code::ALL.iter().copied().find(|code| code.status() == status.as_u16()).unwrap_or(Code::Unavailable);
    Problem::new(
        code,
        format!("the server answered {status} without an explanation"),
        "look into the server's log",
    )
}

async fn collect(response: Response<Body>) -> Result<Bytes, Failure> {
    let body = body::collect(response.into_body(), MAX_ANSWER_BYTES);
    tokio::time::timeout(PATIENCE, body).await.map_err(Failure::late)?.map_err(Failure::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::{
        api::{Cursor, hosts},
        vocabulary::Health,
    };

    #[test]
    fn addresses_are_filled_and_escaped() {
        let query = hosts::Filter {
            text: Some("a&b=ü".to_owned()),
            health: Some(Health::Overdue),
            limit: Some(50),
            after: Some(Cursor::new("x+y")),
            ..hosts::Filter::default()
        };
        assert_eq!(
            uri::<hosts::List>(&Nothing {}, &query).unwrap(),
            "/api/v1/hosts?after=x%2By&health=overdue&limit=50&text=a%26b%3D%C3%BC"
        );
        let host: restic_manager_proto::HostId = "01932f6e-1c2d-7a4b-8e9f-0123456789ab".parse().unwrap();
        assert_eq!(
            uri::<hosts::Show>(&hosts::ByHost { host }, &Nothing {}).unwrap(),
            "/api/v1/hosts/01932f6e-1c2d-7a4b-8e9f-0123456789ab"
        );
    }
}
