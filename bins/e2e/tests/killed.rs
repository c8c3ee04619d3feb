//! A server that is killed between what happened and what is told: the alert is there, and it is told once.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use restic_manager_e2e::{Outcome, World, WorldOptions, until};
use restic_manager_proto::SecretText;
use restic_manager_proto::api::Page;
use restic_manager_proto::api::alerts::{Alert, Filter, List};
use restic_manager_proto::api::channels::{
    Create as CreateChannel, Deliveries, Delivery, DeliveryFilter, NewChannel,
};
use restic_manager_proto::vocabulary::{AlertKind, ChannelKind, DeliveryState, JobState};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::sample;

/// Messages of a group leave after half a minute, and rounds come every five seconds.
const SOON: Duration = Duration::from_secs(90);

/// Takes webhooks, and keeps what it was told.
#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<String>>>);

impl Receiver {
    async fn listen(&self) -> Outcome<SocketAddr> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, receiver) = (listener.local_addr()?, self.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let request = receiver.take(stream).await.unwrap_or_default();
                receiver.0.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            }
        });
        Ok(address)
    }

    /// A request with all of its body, answered.
    async fn take(&self, mut stream: TcpStream) -> Outcome<String> {
        let mut request = String::new();
        let mut piece = [0; 4096];
        while !is_whole(&request) {
            let length = stream.read(&mut piece).await?;
            if length == 0 {
                break;
            }
            request.push_str(&String::from_utf8_lossy(&piece[..length]));
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await?;
        Ok(request)
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    length.is_none_or(|length| body.len() >= length)
}

#[tokio::test]
async fn a_failed_backup_is_told_after_the_server_was_killed_and_once() -> Outcome {
    let settings = vec![("RM_OUTGOING_ALLOW".to_owned(), "127.0.0.0/8".to_owned())];
    let mut world = World::with(WorldOptions { settings, ..WorldOptions::default() }).await?;
    let receiver = Receiver::default();
    let channel = NewChannel {
        name: "Ops".to_owned(),
        kind: ChannelKind::Webhook,
        fields: [("url".to_owned(), format!("http://{}/hook", receiver.listen().await?))].into(),
        secrets: [("secret".to_owned(), SecretText::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))].into(),
    };
    world.api.call::<CreateChannel>(&[], None, Some(&channel)).await?;
    let files = sample(&world, "files", 1)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    std::fs::remove_dir_all(&files)?;
    let job = world.ended(world.ask_for_backup(agent.host()?).await?.id).await?;
    assert_eq!(job.state, JobState::Failed);
    // Where the end of the job is seen, its alert is committed; it waits for others of its kind.
    world.server.kill().await?;
    assert!(receiver.told().is_empty(), "{:?}", receiver.told());
    world.restart_server().await?;
    let filter = Filter { kind: Some(AlertKind::SourceMissing), ..Filter::default() };
    let raised: Page<Alert> = world.api.call::<List>(&[], Some(&filter), None).await?;
    assert_eq!(raised.items.iter().map(|alert| alert.count).collect::<Vec<_>>(), [1]);

    let over = until("the notification to arrive", SOON, async || {
        let sent: Page<Delivery> =
            world.api.call::<Deliveries>(&[], Some(&DeliveryFilter::default()), None).await?;
        Ok(Some(sent.items).filter(|all| all.iter().any(|one| one.state == DeliveryState::Delivered)))
    });
    let over = over.await?;
    assert_eq!(
        over.iter().map(|one| (one.state, one.attempts)).collect::<Vec<_>>(),
        [(DeliveryState::Delivered, 1)]
    );
    let told = receiver.told();
    let [message] = told.as_slice() else { panic!("once: {told:?}") };
    assert!(message.contains("alert.raised") && message.contains("source-missing"), "{message}");
    assert!(message.to_ascii_lowercase().contains(&format!("webhook-id: {}", over[0].id)), "{message}");
    Ok(())
}
