//! What changes in the fleet, for pages that stay open.

use futures_util::StreamExt as _;
use restic_manager_core::shutdown::Shutdown;
use restic_manager_proto::api::events::{FleetEvent, Stream};
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::frame::coding::CloseCode};

use crate::{
    failure::Failure,
    http::{self, Cx, Reply, Request, close, send_json},
};

pub(crate) async fn stream(cx: Cx, _: Request<Stream>) -> Result<Reply<FleetEvent>, Failure> {
    let events = cx.shared().events.subscribe();
    let shutdown = cx.shared().shutdown.clone();
    Ok(Reply::socket(|socket| follow(socket, events, shutdown)))
}

async fn follow<S: http::Stream>(
    mut socket: WebSocketStream<S>,
    mut events: Receiver<FleetEvent>,
    shutdown: Shutdown,
) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::EVENT_BACKLOG;
    use restic_manager_proto::HostId;
    use tokio::sync::broadcast;
    use tokio_tungstenite::tungstenite::{Message, protocol::Role};

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed_and_goes_on() {
        let (server, page) = tokio::io::duplex(64 * 1024);
        let server = WebSocketStream::from_raw_socket(server, Role::Server, None).await;
        let mut page = WebSocketStream::from_raw_socket(page, Role::Client, None).await;
        let (sender, receiver) = broadcast::channel(EVENT_BACKLOG);
        for n in 0..=EVENT_BACKLOG {
            let host = HostId::from_bytes([u8::try_from(n % 256).unwrap(); 16]);
            sender.send(FleetEvent::Host { host }).unwrap();
        }
        let shutdown = Shutdown::new();
        let following = tokio::spawn(follow(server, receiver, shutdown.clone()));
        let mut next = async || match page.next().await.unwrap().unwrap() {
            Message::Text(text) => text.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(next().await, r#"{"type":"missed"}"#);
        for _ in 0..EVENT_BACKLOG {
            assert!(next().await.contains(r#""type":"host""#));
        }
        shutdown.request();
        let Message::Close(Some(frame)) = page.next().await.unwrap().unwrap() else {
            panic!("no reason given")
        };
        assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "the server is stopping"));
        following.await.unwrap();
    }
}
