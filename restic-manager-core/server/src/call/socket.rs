//! WebSockets once they are open.

use core::time::Duration;
use futures_util::SinkExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

/// An open WebSocket.
pub(crate) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a WebSocket may lie on.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A peer that does not take what it is sent within this time is gone.
const SEND_TIME: Duration = Duration::from_secs(15);

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
