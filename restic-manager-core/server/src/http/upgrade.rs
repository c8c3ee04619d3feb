//! From a request to a WebSocket, with buffers for thousands of quiet ones.

use core::time::Duration;
use http::{HeaderMap, Method, Response, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use restic_manager_core::link::socket_settings;
use restic_manager_proto::api::Code;
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{handshake::server::create_response, protocol::Role},
};

use crate::{
    call::{
        body::{Body, full},
        reply::Driver,
    },
    failure::Failure,
};

const UPGRADE_TIME: Duration = Duration::from_secs(10);

/// The parts of a request that an upgrade needs, taken before the request is consumed.
pub(super) struct Upgrade {
    request: http::Request<()>,
    ready: Option<OnUpgrade>,
    place: Option<ConnectionPlace>,
}

/// One of the connections that the server allows itself; given back when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct ConnectionPlace(
    #[expect(dead_code, reason = "held, never read")] pub(crate) Arc<OwnedSemaphorePermit>,
);

impl Upgrade {
    pub(super) fn of(head: &mut http::request::Parts) -> Self {
        let mut request = http::Request::new(());
        *request.method_mut() = head.method.clone();
        *request.version_mut() = head.version;
        *request.headers_mut() = head.headers.clone();
        let place = head.extensions.remove::<ConnectionPlace>();
        Self { request, ready: head.extensions.remove::<OnUpgrade>(), place }
    }

    /// The answer that switches protocols, and what drives the socket once it was sent.
    pub(super) fn accept(
        self,
        driver: Driver,
    ) -> Result<(Response<Body>, impl Future<Output = ()> + Send + 'static), Failure> {
        let response = create_response(&self.request).map_err(|error| not_a_handshake(&error))?;
        let ready = self.ready.ok_or_else(|| not_a_handshake(&"the connection cannot be upgraded"))?;
        let place = self.place;
        let driven = async move {
            let _place = place;
            if let Ok(Ok(upgraded)) = tokio::time::timeout(UPGRADE_TIME, ready).await {
                let io = TokioIo::new(upgraded);
                driver(WebSocketStream::from_raw_socket(io, Role::Server, Some(socket_settings())).await)
                    .await;
            }
        };
        Ok((response.map(|()| full("")), driven))
    }
}

/// Whether a request asks for a WebSocket at all.
pub(super) fn is_wanted(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    let upgrade = headers.get(http::header::UPGRADE).and_then(|value| value.to_str().ok());
    method == Method::GET
        && version >= Version::HTTP_11
        && upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
}

fn not_a_handshake(error: &dyn core::fmt::Display) -> Failure {
    Failure::new(
        Code::Malformed,
        format!("this is no WebSocket handshake: {error}"),
        "open the address with a WebSocket client; a proxy in between must pass upgrades on",
    )
}
