//! A server in memory whose clock is set by hand, for tests of what happens by itself.

use restic_manager_core::clock::ManualClock;
use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_proto::{
    HostId, RepositoryId, Retention, SourceGroupId, SourceOptions, Timestamp, vocabulary::PresenceMode,
};
use restic_manager_store::{
    Audit, PublicKey, Store, TokenHash, hosts::NewHost, memory::MemoryStore, repositories::Repository,
    sources::SourceGroup,
};
use std::sync::Arc;

use crate::{Config, Notifier, server::Server};

pub(super) const ROUTINE: Audit = Audit::Routine("a fixture");

/// It is two o'clock at night.
pub(super) async fn server() -> (Server, Arc<ManualClock>) {
    server_on(Arc::new(MemoryStore::new()), None).await
}

/// The same on a store, with a notifier that is registered as `heard`.
pub(super) async fn server_on(
    store: Arc<dyn Store>,
    heard: Option<Arc<dyn Notifier>>,
) -> (Server, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at("2026-11-22T02:00:00Z".parse().unwrap()));
    let random = Arc::new(SeededRandom::new(3));
    let config = Config::new("https://backup.example.com".parse().unwrap());
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let builder =
        Server::builder(store, keyring, identity, config).clock(Arc::clone(&clock) as _).random(random);
    let server = match heard {
        Some(heard) => builder.notifier("heard", heard).build(),
        None => builder.build(),
    };
    server.prepare().await.unwrap();
    (server, clock)
}

/// What ids, keys and hashes of a number are made of.
pub(super) fn bytes<const N: usize>(number: u16) -> [u8; N] {
    core::array::from_fn(|place| number.to_be_bytes()[place % 2])
}

pub(super) fn host(number: u16) -> HostId {
    HostId::from_bytes(bytes(number))
}

pub(super) fn repository() -> RepositoryId {
    RepositoryId::from_bytes([77; 16])
}

pub(super) fn main_repository() -> Repository {
    Repository {
        id: repository(),
        name: "main".into(),
        location: "/srv/main".into(),
        backend: "local".into(),
        password: None,
        password_set: None,
        runner: None,
        parallel: None,
        created: Timestamp::from_milliseconds(1),
        version: 1,
        deleted: None,
    }
}

pub(super) fn new_host(number: u16, presence_mode: PresenceMode) -> NewHost {
    NewHost {
        id: host(number),
        name: format!("web-{number}"),
        restic_name: format!("web-{number}"),
        tags: Vec::new(),
        presence_mode,
        public_key: PublicKey::new(bytes(number)),
        agent_token: TokenHash::new(bytes(number)),
        enrolled: Timestamp::from_milliseconds(1),
    }
}

pub(super) fn group(number: u16, created: Timestamp) -> SourceGroup {
    SourceGroup {
        id: SourceGroupId::from_bytes(bytes(number)),
        host: host(number),
        name: "default".into(),
        includes: vec!["/srv".into()],
        excludes: Vec::new(),
        tag: "default".into(),
        repository: repository(),
        retention: Retention::default(),
        options: SourceOptions::default(),
        command: None,
        last_backup: None,
        created,
        version: 1,
    }
}
