//! The tower service: pages are answered here, everything else by the API service below.

use bytes::Bytes;
use futures_util::TryFutureExt as _;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use restic_manager_crypto::{Random, SystemRandom};
use restic_manager_proto::Timestamp;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tower::{Service, ServiceExt as _, util::BoxCloneSyncService};

use crate::{
    api::Api,
    assets,
    body::{self, Body, BoxError},
    headers,
    kept::Kept,
    pages::{self, Ambient, Cx},
};

/// Puts the pages in front of an API service, whose answers may have any body.
pub fn web<A, R>(api: A) -> Web<A>
where
    A: Service<Request<Body>, Response = Response<R>> + Clone,
{
    let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
    Web { api, clock: Arc::new(system_time), kept: Arc::new(Kept::new(Arc::clone(&random))), random }
}

/// Pages in front of an API service; made by [`web`].
#[derive(Clone)]
pub struct Web<A> {
    api: A,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    random: Arc<dyn Random>,
    kept: Arc<Kept>,
}

impl<A> Web<A> {
    /// Tells relative times by this clock instead of the system's.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    fn ambient(&self) -> Ambient {
        let mut once = [0; 12];
        self.random.fill(&mut once);
        Ambient { now: (self.clock)(), once, kept: Arc::clone(&self.kept) }
    }
}

impl<A> fmt::Debug for Web<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<A, R, B> Service<Request<B>> for Web<A>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    A: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    A::Error: Into<BoxError> + Send,
    A::Future: Send,
{
    type Response = Response<Body>;
    type Error = A::Error;
    type Future = Answering<A::Error>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        // The API's readiness is awaited by each request, on a clone of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = request.map(body::boxed);
        let api = self.api.clone();
        if let Some(response) = asset(&request) {
            return Box::pin(std::future::ready(Ok(response)));
        }
        match pages::find(request.uri().path()) {
            Some(found) => {
                let (cx, body) =
                    Cx::new(request, found.parameters, &self.ambient(), |parts| Api::new(erase(api), parts));
                Box::pin(async move { Ok(secured(pages::serve(found.route, cx, body).await)) })
            }
            None => pass(api, request),
        }
    }
}

fn erase<A, R>(api: A) -> BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>
where
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    A: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    A::Error: Into<BoxError> + Send,
    A::Future: Send,
{
    BoxCloneSyncService::new(
        api.map_response(|response: Response<R>| response.map(body::boxed)).map_err(Into::into),
    )
}

/// Not a page: the API answers. Only where a person's browser finds nothing, a page says so.
fn pass<A, R>(api: A, request: Request<Body>) -> Answering<A::Error>
where
    R: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    A: Service<Request<Body>, Response = Response<R>> + Send + 'static,
    A::Error: Send,
    A::Future: Send,
{
    let path = request.uri().path();
    let lost = !MACHINE_PATHS.iter().any(|prefix| path.starts_with(prefix)) && is_navigation(&request);
    Box::pin(api.oneshot(request).map_ok(move |response| {
        if lost && response.status() == StatusCode::NOT_FOUND {
            secured(pages::not_found())
        } else {
            response.map(body::boxed)
        }
    }))
}

/// Where programs call; their answers are never replaced.
const MACHINE_PATHS: &[&str] = &["/api/", "/ws/", "/agent/", "/install/", "/healthz", "/readyz", "/metrics"];

fn is_navigation<B>(request: &Request<B>) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    request.method() == Method::GET && accept.is_some_and(|accept| accept.contains("text/html"))
}

fn asset<B>(request: &Request<B>) -> Option<Response<Body>> {
    let path = request.uri().path();
    if !path.starts_with("/assets/") {
        return None;
    }
    let mut response = match assets::find(path) {
        Some(asset) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            let packed = takes_gzip(request);
            let mut response = Response::new(if packed {
                body::full(asset.packed.clone())
            } else {
                body::full(asset.bytes)
            });
            if packed {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
            let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
            response.headers_mut().insert(header::CACHE_CONTROL, forever);
            response
        }
        Some(_) => status(StatusCode::METHOD_NOT_ALLOWED),
        None => status(StatusCode::NOT_FOUND),
    };
    headers::secure(response.headers_mut());
    Some(response)
}

fn takes_gzip<B>(request: &Request<B>) -> bool {
    let accepted =
        request.headers().get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|line| line.split(',')).any(|coding| matches!(coding.trim(), "gzip" | "*"))
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
}

fn secured(mut response: Response<Body>) -> Response<Body> {
    headers::secure(response.headers_mut());
    response
}

#[expect(clippy::disallowed_methods, reason = "the one clock of this crate; `Web::with_clock` replaces it")]
fn system_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_milliseconds(0).after(since)
}
