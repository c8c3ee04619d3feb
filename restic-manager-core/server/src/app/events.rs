//! What changes in the fleet, for pages that stay open.

use futures_util::StreamExt as _;
use restic_manager_core::shutdown::Shutdown;
use restic_manager_proto::api::events::{FleetEvent, Stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{
    failure::Failure,
    http::{Cx, Reply, Request, Socket, close, send_json},
};

pub(crate) async fn stream(cx: Cx, _: Request<Stream>) -> Result<Reply<FleetEvent>, Failure> {
    let events = cx.shared().events.subscribe();
    let shutdown = cx.shared().shutdown.clone();
    Ok(Reply::socket(|socket| follow(socket, events, shutdown)))
}

async fn follow(mut socket: Socket, mut events: Receiver<FleetEvent>, shutdown: Shutdown) {
    loop {
        let event = tokio::select! {
            event = events.recv() => event,
            // Nothing is expected from the page: a message is passed over, and its end is the end.
            message = socket.next() => match message {
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return,
            },
            () = shutdown.requested() => Err(RecvError::Closed),
        };
        let sent = match event {
            Ok(event) => send_json(&mut socket, &event).await,
            Err(RecvError::Lagged(_)) => send_json(&mut socket, &FleetEvent::Missed {}).await,
            Err(RecvError::Closed) => {
                return close(&mut socket, CloseCode::Away, "the server is stopping").await;
            }
        };
        if !sent {
            return;
        }
    }
}
