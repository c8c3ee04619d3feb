//! Alerts by means of one's own: a notifier that is registered under a name takes what channels of the kind `custom` with
//! that name are told. Everything around it is the server's: routes, grouping, tries, and who was told what.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use restic_manager_core::shutdown::Shutdown;
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_examples::Browser;
use restic_manager_server::{BoxError, Config, Message, Notifier, NotifierFuture, Outcome, Server};
use restic_manager_store::memory::MemoryStore;
use serde_json::json;
use std::sync::Arc;
use tokio::{net::TcpListener, sync::mpsc};

/// Puts messages onto a queue of this program; a real one might write into a ticket system.
struct Queue(mpsc::Sender<String>);

impl Notifier for Queue {
    fn notify<'a>(&'a self, message: &'a Message) -> NotifierFuture<'a> {
        Box::pin(async move {
            let line = format!("{}: {}", message.kind, message.title);
            match self.0.try_send(line) {
                Ok(()) => Outcome::Delivered,
                // It is tried again, under the same id.
                Err(_) => Outcome::again("the queue is full"),
            }
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let random = SystemRandom::new();
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new(format!("http://{}", listener.local_addr()?).parse()?);
    let shutdown = Shutdown::new();
    let (queue, mut queued) = mpsc::channel(100);
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config)
        .shutdown(shutdown.clone())
        .notifier("queue", Arc::new(Queue(queue)))
        .build();
    let token = server.prepare().await?.bootstrap_token.ok_or("the server has an admin")?;
    let service = server.service();
    let program = service.clone();
    let serving = tokio::spawn(async move { server.serve(listener, program).await });

    let mut browser = Browser::open(service);
    browser.sign_up(token.expose()).await?;
    let channel =
        json!({ "name": "Queue", "kind": "custom", "fields": { "notifier": "queue" }, "secrets": {} });
    let channel = browser.post("/api/v1/channels", channel).await?;
    let id = channel["id"].as_str().ok_or("a channel has an id")?;
    browser.post(&format!("/api/v1/channels/{id}/test"), json!({})).await?;
    println!("{}", queued.recv().await.ok_or("nothing was told")?);
    shutdown.request();
    println!("ended: {:?}", serving.await?);
    Ok(())
}
