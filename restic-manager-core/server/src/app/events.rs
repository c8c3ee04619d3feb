//! What changes in the fleet, for pages that stay open.

use futures_util::StreamExt as _;
use restic_manager_core::shutdown::Shutdown;
use restic_manager_proto::{
    Scope,
    api::events::{FleetEvent, Stream},
};
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::frame::coding::CloseCode};

use crate::{
    call::{Cx, Reply, Request, close, send_json, socket},
    failure::Failure,
    parts::Parts,
};

pub(crate) async fn stream(cx: Cx, _: Request<Stream>) -> Result<Reply<FleetEvent>, Failure> {
    let events = cx.parts().pages.subscribe();
    let shutdown = cx.parts().shutdown.clone();
    let sight = match cx.scope() {
        Scope::All => Sight::All,
        scope => Sight::Within(Arc::clone(cx.parts()), scope.clone()),
    };
    Ok(Reply::socket(|socket| follow(socket, events, sight, shutdown)))
}

/// Which events a page is told.
enum Sight {
    All,
    Within(Arc<Parts>, Scope),
}

impl Sight {
    async fn sees(&self, event: &FleetEvent) -> bool {
        let Self::Within(parts, scope) = self else { return true };
        let seen = async {
            let mut read = parts.store.read().await?;
            let host = match *event {
                FleetEvent::Host { host } | FleetEvent::Job { host, .. } => host,
                FleetEvent::Repository { repository } => {
                    return read.attachments().any_within(repository, scope).await;
                }
                FleetEvent::Enrolment { enrolment } => {
                    let row = read.enrolments().find(enrolment).await?;
                    return Ok(row.is_some_and(|row| row.is_within(scope)));
                }
                FleetEvent::Missed {} | FleetEvent::Alerts {} => return Ok(true),
                _ => return Ok(false),
            };
            Ok(read.hosts().find(host).await?.is_some_and(|host| host.is_within(scope)))
        };
        seen.await.unwrap_or_else(|error: restic_manager_store::Error| {
            tracing::warn!(
                error = &error as &dyn core::error::Error,
                "could not look whether an event is within a scope"
            );
            false
        })
    }
}

async fn follow<S: socket::Stream>(
    mut socket: WebSocketStream<S>,
    mut events: Receiver<FleetEvent>,
    sight: Sight,
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
            Ok(event) if !sight.sees(&event).await => continue,
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
    use crate::limits::EVENT_BACKLOG;
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
        let following = tokio::spawn(follow(server, receiver, Sight::All, shutdown.clone()));
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
