//! What a connection costs in memory while nothing happens on it: of its futures, and of itself.

use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_store::memory::MemoryStore;
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::{Config, server::Server};

/// Most bytes of the future that waits for an agent.
const FUTURE: usize = 1280;
/// Most bytes of a connection, without what it points to.
const CONNECTION: usize = 3 * 1024;

#[tokio::test]
async fn a_quiet_connection_is_small() {
    let random = Arc::new(SeededRandom::new(3));
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new("https://backup.example.com".parse().unwrap());
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config).build();
    let (socket, _peer) = tokio::io::duplex(64);
    let socket = WebSocketStream::from_raw_socket(socket, Role::Server, None).await;
    let served = serve(Arc::clone(server.parts()), socket, Entrance::Agents, None);
    let (future, connection) = (size_of_val(&served), size_of::<Connection<DuplexStream>>());
    println!("bytes of the future: {future}, of the connection: {connection}");
    assert!(future <= FUTURE, "{future} bytes of {FUTURE}");
    assert!(connection <= CONNECTION, "{connection} bytes of {CONNECTION}");
}
