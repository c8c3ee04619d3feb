//! Hosts that announced themselves and wait for an admin.

use async_trait::async_trait;
use restic_manager_proto::{HostFacts, HostId, PendingHostId, Timestamp, vocabulary::PendingHostState};

use crate::{Error, PublicKey};

/// A host that announced itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingHost {
    /// Which.
    pub id: PendingHostId,
    /// Its agent's identity; unique.
    pub public_key: PublicKey,
    /// What its agent says of the machine.
    pub facts: HostFacts,
    /// The address it came from.
    pub address: Option<String>,
    /// The network that counts for its limits.
    pub network: String,
    /// When it first announced itself.
    pub first_seen: Timestamp,
    /// When its agent was last seen.
    pub last_seen: Timestamp,
    /// When the row expires: the announcement, or what is remembered of the decision.
    pub expires: Timestamp,
    /// When an admin first looked at it.
    pub looked_at: Option<Timestamp>,
    /// What was decided.
    pub state: PendingHostState,
    /// The host that it became.
    pub host: Option<HostId>,
}

/// An announcement that is made again, with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// What the agent says now.
    pub facts: HostFacts,
    /// The address it came from.
    pub address: Option<String>,
    /// The network that counts for its limits.
    pub network: String,
    /// When.
    pub seen: Timestamp,
}

/// Queries about announced hosts.
#[async_trait]
pub trait PendingHostQueries: Send {
    /// One announced host, in whatever state.
    async fn find(&mut self, id: PendingHostId) -> Result<Option<PendingHost>, Error>;
    /// The announced host with a key, in whatever state.
    async fn with_key(&mut self, key: &PublicKey) -> Result<Option<PendingHost>, Error>;
    /// All on which nothing was decided, oldest first. Whoever adds keeps them few.
    async fn waiting(&mut self) -> Result<Vec<PendingHost>, Error>;
}

/// Changes to announced hosts.
#[async_trait]
pub trait PendingHosts: PendingHostQueries {
    /// Adds one that waits. `Taken` when its key is known.
    async fn add(&mut self, host: &PendingHost) -> Result<(), Error>;
    /// Notes that it announced itself again.
    async fn see(&mut self, id: PendingHostId, sighting: &Sighting) -> Result<(), Error>;
    /// Notes that its agent was seen. Those that are gone are passed over.
    async fn note_last_seen(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error>;
    /// Notes that an admin looked at it; the first time stays.
    async fn look_at(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error>;
    /// Makes it a host; the decision is remembered until `expires`. `Conflict` when it does not wait.
    async fn accept(&mut self, id: PendingHostId, host: HostId, expires: Timestamp) -> Result<(), Error>;
    /// Sends it away; the decision is remembered until `expires`. `Conflict` when it does not wait.
    async fn reject(&mut self, id: PendingHostId, expires: Timestamp) -> Result<(), Error>;
    /// Forgets one; says whether it was there.
    async fn remove(&mut self, id: PendingHostId) -> Result<bool, Error>;
    /// Forgets all that wait; says how many those were.
    async fn clear(&mut self) -> Result<u64, Error>;
    /// Forgets those that died before `now`; says how many those were.
    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error>;
}
