//! A server in memory whose clock is set by hand, for tests of what happens by itself.

use restic_manager_core::clock::ManualClock;
use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_store::{Audit, memory::MemoryStore};
use std::sync::Arc;

use crate::{Config, server::Server};

pub(super) const ROUTINE: Audit = Audit::Routine("a fixture");

/// It is two o'clock at night.
pub(super) async fn server() -> (Server, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-11-22T02:00:00Z".parse().unwrap()));
    let random = Arc::new(SeededRandom::new(3));
    let config = Config::new("https://backup.example.com".parse().unwrap());
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config)
        .clock(Arc::clone(&clock) as _)
        .random(random)
        .build();
    server.prepare().await.unwrap();
    (server, clock)
}
