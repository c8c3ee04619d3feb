//! From a request to a WebSocket, with buffers for thousands of quiet ones.

use core::time::Duration;
use futures_util::SinkExt as _;
use http::{HeaderMap, Method, Response, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use restic_manager_core::link::socket_settings;
use restic_manager_proto::api::Code;
use serde::Serialize;
use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::OwnedSemaphorePermit,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        handshake::server::create_response,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

use super::{
    body::{Body, full},
    reply::Driver,
};
use crate::failure::Failure;

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a WebSocket may lie on.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A peer that does not take what it is sent within this time is gone.
const SEND_TIME: Duration = Duration::from_secs(15);
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

/// Sends a value as one JSON text message; false when the peer is gone or takes nothing.
pub(crate) async fn send_json<S: Stream, T: Serialize>(socket: &mut WebSocketStream<S>, value: &T) -> bool {
    match serde_json::to_string(value) {
        Ok(text) => send(socket, Message::text(text)).await,
        Err(error) => {
            tracing::error!(error = &error as &dyn core::error::Error, "could not write a message as JSON");
            false
        }
    }
}

/// Ends a socket with a reason that its peer can show.
pub(crate) async fn close<S: Stream>(socket: &mut WebSocketStream<S>, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    if send(socket, Message::Close(Some(frame))).await {
        // The peer answers with a close of its own; then the connection may go.
        let _ = tokio::time::timeout(Duration::from_secs(2), futures_util::StreamExt::next(socket)).await;
    }
}

async fn send<S: Stream>(socket: &mut WebSocketStream<S>, message: Message) -> bool {
    matches!(tokio::time::timeout(SEND_TIME, socket.send(message)).await, Ok(Ok(())))
}

fn not_a_handshake(error: &dyn core::fmt::Display) -> Failure {
    Failure::new(
        Code::Malformed,
        format!("this is no WebSocket handshake: {error}"),
        "open the address with a WebSocket client; a proxy in between must pass upgrades on",
    )
}
