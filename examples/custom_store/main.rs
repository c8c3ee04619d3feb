//! A store of one's own: it wraps another one and tells each audit entry to a second place once it was kept.
//! That it is a store in all ways is shown by the public conformance suite: see `tests/custom_store.rs`.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod mirrored;

use mirrored::Mirrored;
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_examples::Browser;
use restic_manager_server::{BoxError, Config, Server};
use restic_manager_store::memory::MemoryStore;
use serde_json::json;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let store = Mirrored::new(MemoryStore::new(), |entry| println!("{}: {:?}", entry.action, entry.outcome));

    let random = SystemRandom::new();
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new("https://backup.example.com".parse()?);
    let server = Server::builder(Arc::new(store), keyring, identity, config).build();
    let token = server.prepare().await?.bootstrap_token.ok_or("the server has an admin")?;

    let mut browser = Browser::open(server.service());
    browser.sign_up(token.expose()).await?;
    browser.post("/api/v1/repositories", json!({ "name": "offsite", "location": "/srv/backup" })).await?;
    Ok(())
}
