//! What the tests share: a server's end made of the protocol's own parts, and an agent that talks to it through memory.

mod host;
mod restic;
mod server;

pub(crate) use host::{TestAgent, TestHost, secret};
pub(crate) use restic::{backup_of, find_every_restic, find_restic, password, repository_order, restic};
pub(crate) use server::{Peer, TestServer, strange};

/// A folder that goes with the test; in memory where the machine has such a place, because the tests sync a lot.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}
