//! The whole API as one tower service.

use core::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::Response;
use http_body_util::BodyExt as _;
use restic_manager_proto::api::Code;
use std::sync::Arc;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{dispatch, error, layers, route::Access, router::Router, routes::ROUTES};
use crate::{
    call::{
        body::{Body, BodyError, BoxError},
        caller::RequestFacts,
        device,
    },
    failure::Failure,
    parts::Parts,
};

/// The server's HTTP: the API, the sockets of browsers and agents, installers. Clones are cheap and share everything.
///
/// It takes any body and never fails: what goes wrong is an answer. Put a [`PeerAddress`](crate::PeerAddress) into
/// each request's extensions, so that limits and the audit log know where it came from.
#[derive(Clone)]
pub struct ServerService {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Arc<Parts>,
    router: Router,
}

impl ServerService {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        let offers_metrics = parts.config.metrics.are_offered();
        let routes = ROUTES.iter().filter(|route| offers_metrics || route.access != Access::Scraper);
        Self { inner: Arc::new(Inner { router: Router::new(routes), parts }) }
    }
}

impl core::fmt::Debug for ServerService {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ServerService")
    }
}

impl<B> tower::Service<http::Request<B>> for ServerService
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let inner = Arc::clone(&self.inner);
        let request = request.map(|body| body.map_err(BodyError::new).boxed_unsync());
        async move { Ok(inner.respond(request).await) }.boxed()
    }
}

impl Inner {
    async fn respond(&self, request: http::Request<Body>) -> Response<Body> {
        let facts = self.facts(&request);
        let id = facts.id;
        let span = tracing::info_span!(
            "request",
            request.id = %id,
            http.method = %request.method(),
            http.path = request.uri().path(),
            client.address = facts.address.map(tracing::field::display),
        );
        async {
            let limit = self.parts.config.limits.request_time;
            let answered = dispatch::dispatch(&self.parts, &self.router, request, facts);
            // What a panic leaves behind is dropped with the future; the parts that outlive it bear a poisoned lock.
            let done = timeout(limit, AssertUnwindSafe(answered).catch_unwind()).await;
            let mut response = match done {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(failure))) => error::failure_response(failure, id),
                Ok(Err(_)) => error::failure_response(Failure::Internal("a use case panicked", None), id),
                Err(_) => error::failure_response(too_slow(), id),
            };
            layers::add_security_headers(response.headers_mut());
            if let Ok(value) = http::HeaderValue::try_from(id.to_string()) {
                response.headers_mut().insert("x-request-id", value);
            }
            tracing::debug!(http.status = response.status().as_u16(), "answered");
            response
        }
        .instrument(span)
        .await
    }

    fn facts(&self, request: &http::Request<Body>) -> RequestFacts {
        let config = &self.parts.config;
        let user_agent =
            request.headers().get(http::header::USER_AGENT).and_then(|value| value.to_str().ok());
        RequestFacts {
            id: self.parts.mint.request(),
            at: self.parts.now(),
            address: layers::caller_address(request.extensions(), request.headers(), &config.trusted_proxies),
            user_agent: user_agent.map(|text| text.chars().take(256).collect()),
            device: device::shown(request.headers(), config.cookies),
        }
    }
}

fn too_slow() -> Failure {
    Failure::new(
        Code::Timeout,
        "no answer was found in time",
        "look whether it was done before you try again",
    )
}
