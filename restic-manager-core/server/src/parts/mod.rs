//! The server's parts, one of each: values that live in memory and know no layer above.

pub(crate) mod audit_proof;
pub(crate) mod builds;
mod change;
pub(crate) mod claims;
pub(crate) mod damage;
pub(crate) mod down;
pub(crate) mod fleet_count;
pub(crate) mod fleet_size;
pub(crate) mod hub;
pub(crate) mod lobby;
pub(crate) mod mark;
pub(crate) mod outside;
pub(crate) mod pages;
pub(crate) mod passwords;
pub(crate) mod places;
mod presence;
pub(crate) mod refusals;
pub(crate) mod running_keys;
pub(crate) mod scrapes;
pub(crate) mod setups;
pub(crate) mod shares;
pub(crate) mod tasks;
pub(crate) mod throttle;
pub(crate) mod turns;

use bytes::Bytes;
use restic_manager_core::{clock::Clock, mint::Mint, shutdown::Shutdown};
use restic_manager_crypto::{Identity, Keyring, Random};
use restic_manager_proto::{Timestamp, api::events::FleetEvent};
use restic_manager_store::Store;
use std::sync::{Arc, LazyLock};

use crate::{config::Config, notify::Courier};

pub(crate) use change::{Change, Follow};

/// What every use case gets.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) mint: Mint,
    pub(crate) keyring: Keyring,
    pub(crate) identity: Identity,
    pub(crate) passwords: passwords::PasswordQueue,
    pub(crate) running_keys: running_keys::RunningKeys,
    pub(crate) builds: builds::Builds,
    /// Background tasks that do not run.
    pub(crate) down: down::Down,
    /// How those that run are doing.
    pub(crate) tasks: tasks::Tasks,
    /// What was last told to those who scrape metrics.
    pub(crate) scrapes: scrapes::Scrapes,
    /// How the outside watch was reached.
    pub(crate) outside: outside::Outside,
    /// Requests to elsewhere.
    /// Connections that are open, as the places that are left.
    pub(crate) places: Arc<tokio::sync::Semaphore>,
    pub(crate) started: Timestamp,
    pub(crate) damage: damage::Damage,
    /// How far the database had come, beside it.
    pub(crate) mark: mark::DatabaseMark,
    pub(crate) fleet_count: fleet_count::FleetCount,
    pub(crate) fleet_size: fleet_size::FleetSize,
    pub(crate) hub: Arc<hub::Hub>,
    /// Of agents that are proving themselves.
    pub(crate) handshakes: places::Places,
    pub(crate) refusals: refusals::Refusals,
    /// The announced hosts whose agents wait for a verdict on this server.
    pub(crate) lobby: lobby::Lobby,
    pub(crate) setups: setups::Setups,
    pub(crate) shares: shares::Shares,
    /// The hosts that ask for jobs.
    pub(crate) claims: claims::Claims,
    pub(crate) pages: pages::OpenPages,
    /// Takes notifications out of the house.
    pub(crate) courier: Courier,
    pub(crate) audit_proof: audit_proof::AuditProof,
    /// The OpenAPI document, written when it is first asked for.
    pub(crate) api_document: LazyLock<Bytes>,
    /// Detached work is spawned here, so that the server waits for it when it stops.
    pub(crate) shutdown: Shutdown,
}

impl Parts {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells open pages that something changed.
    fn announce(&self, event: FleetEvent) {
        self.fleet_count.outdate();
        self.pages.tell(event);
    }
}
