//! A clock and a source of randomness of one's own: two servers that share nothing live through the same moment
//! and make the same ids. For simulations; whoever knows the randomness knows every key.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use restic_manager_core::clock::Clock;
use restic_manager_crypto::{Identity, Keyring, Random};
use restic_manager_examples::Browser;
use restic_manager_proto::Timestamp;
use restic_manager_server::{BoxError, Config, Server};
use restic_manager_store::memory::MemoryStore;
use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// It is always the same moment.
#[derive(Debug)]
struct Standing(Timestamp);

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// One byte after the other.
#[derive(Default)]
struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    for name in ["first", "second"] {
        let session = sign_in().await?;
        println!("{name}: user {}, session until {}", session["user"], session["expires_at"]);
    }
    Ok(())
}

async fn sign_in() -> Result<serde_json::Value, BoxError> {
    let random = Arc::new(Counting::default());
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new("https://backup.example.com".parse()?);
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config)
        .clock(Arc::new(Standing("2100-01-01T00:00:00Z".parse()?)))
        .random(random)
        .build();
    let token = server.prepare().await?.bootstrap_token.ok_or("the server has an admin")?;
    Browser::open(server.service()).sign_up(token.expose()).await
}
