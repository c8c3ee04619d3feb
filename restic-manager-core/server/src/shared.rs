//! The parts that every use case gets.

use restic_manager_core::{clock::Clock, mint::Mint, shutdown::Shutdown};
use restic_manager_crypto::{Identity, Keyring, Random};
use restic_manager_proto::{Timestamp, api::events::FleetEvent};
use restic_manager_store::Store;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, broadcast};

use crate::{
    agents::{Hub, Lobby, Setups},
    app::{fleet::LastCount, install::Builds},
    background::Proof,
    config::Config,
    http::Running,
    passwords::PasswordQueue,
};

/// Events that a slow reader may be behind before it has to read everything again.
pub(crate) const EVENT_BACKLOG: usize = 256;

/// The server's parts, one of each.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) mint: Mint,
    pub(crate) keyring: Keyring,
    pub(crate) identity: Identity,
    pub(crate) passwords: PasswordQueue,
    pub(crate) idempotency: Running,
    pub(crate) builds: Builds,
    pub(crate) fleet: LastCount,
    pub(crate) agents: Arc<Hub>,
    /// The announced hosts that wait here.
    pub(crate) lobby: Lobby,
    pub(crate) setups: Setups,
    /// Held while this server claims a job.
    pub(crate) claims: tokio::sync::Mutex<()>,
    /// What changes, for open pages. Sending to nobody is no error.
    pub(crate) events: broadcast::Sender<FleetEvent>,
    /// Somebody signed out: open sockets look whether they may stay.
    pub(crate) sessions_changed: Notify,
    /// What is known of the audit log's proof.
    pub(crate) proof: Mutex<Proof>,
    /// Detached work is spawned here, so that the server waits for it when it stops.
    pub(crate) shutdown: Shutdown,
}

impl Shared {
    /// What is known of the audit log's proof.
    pub(crate) fn proof(&self) -> Proof {
        self.proof.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes what is known of the audit log's proof.
    pub(crate) fn set_proof(&self, change: impl FnOnce(&mut Proof)) {
        change(&mut self.proof.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells open pages that something changed. Call it after the commit.
    pub(crate) fn announce(&self, event: FleetEvent) {
        self.fleet.outdate();
        // An error means that no page is open.
        let _ = self.events.send(event);
    }
}
