//! Machines with an agent.

use async_trait::async_trait;
use restic_manager_proto::{
    HostFacts, HostId, JobId, OutboxId, Scope, Timestamp,
    vocabulary::{Cause, JobState, PresenceMode},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Page, PageRequest, PublicKey, TokenHash};

/// A host, with what its list shows kept on the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Which.
    pub id: HostId,
    /// Unique under [`fold`](crate::fold) among hosts that are not deleted.
    pub name: String,
    /// In the order given.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// Its agent's identity.
    pub public_key: PublicKey,
    /// What its agent shows to connect; unique.
    pub agent_token: TokenHash,
    /// What its agent was offered in place of that, and may show from now on.
    pub next_token: Option<TokenHash>,
    /// What its agent showed before that, and must not show again.
    pub last_token: Option<TokenHash>,
    /// Since when the token is in force; absent when another is wanted at once.
    pub token_since: Option<Timestamp>,
    /// When its present agent enrolled.
    pub enrolled: Timestamp,
    /// When its agent was last heard.
    pub last_seen: Option<Timestamp>,
    /// Counts its connections: the one with the highest number is the valid one.
    pub generation: i64,
    /// What its agent said of the machine when it last connected.
    pub facts: HostFacts,
    /// The address it last connected from.
    pub address: Option<String>,
    /// The backup that ended last.
    pub last_backup: Option<LastBackup>,
    /// When a backup last succeeded.
    pub last_good_backup: Option<Timestamp>,
    /// The newest snapshot that a listing showed.
    pub last_snapshot: Option<Timestamp>,
    /// How many snapshots the last listings showed, over all repositories.
    pub snapshots: u64,
    /// The job that started last and has not ended.
    pub running_job: Option<JobId>,
    /// How far its agent's outbox is stored.
    pub outbox: Option<OutboxPosition>,
    /// Counts the changes of settings; 1 at first.
    pub version: i64,
    /// When it was removed.
    pub deleted: Option<Timestamp>,
}

/// How a host's last backup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// Which job.
    pub job: JobId,
    /// How it ended.
    pub state: JobState,
    /// Why.
    pub cause: Cause,
    /// When.
    pub ended: Timestamp,
    /// How much it read.
    pub bytes_processed: u64,
}

/// How far an outbox is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxPosition {
    /// Which life of the outbox.
    pub outbox: OutboxId,
    /// The number of the last item that is stored; 0 for none.
    pub sequence: u64,
}

/// A host at its enrolment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHost {
    /// Which.
    pub id: HostId,
    /// What it is called.
    pub name: String,
    /// In the order wanted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// Its agent's identity.
    pub public_key: PublicKey,
    /// What its agent shows to connect.
    pub agent_token: TokenHash,
    /// When.
    pub enrolled: Timestamp,
}

/// What people may change of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSettings {
    /// What it is called.
    pub name: String,
    /// In the order wanted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
}

/// Which hosts a list shows. Deleted ones never are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFilter {
    /// Only hosts within this scope.
    pub scope: Scope,
    /// Only hosts with this tag.
    pub tag: Option<String>,
    /// Only hosts whose last backup ended so.
    pub last_backup: Option<JobState>,
    /// Only hosts whose newest snapshot was made at this moment or later.
    pub snapshot_since: Option<Timestamp>,
    /// Only hosts whose newest snapshot was made before this moment; not those without any.
    pub snapshot_before: Option<Timestamp>,
    /// Only hosts whose name contains this, compared under [`fold`](crate::fold).
    pub search: Option<String>,
}

/// A host's place in the list: by name under [`fold`](crate::fold), then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostCursor {
    /// The folded name.
    pub name: String,
    /// The id.
    pub id: HostId,
}

impl Host {
    /// Its place in the list.
    #[must_use]
    pub fn cursor(&self) -> HostCursor {
        HostCursor { name: crate::fold(&self.name), id: self.id }
    }

    /// Whether somebody of this scope sees it. A deleted host has left the tags it had.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.holds(self.id, if self.deleted.is_none() { &self.tags } else { &[] })
    }
}

/// How many hosts there are, kept as counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostTallies {
    /// All that are not deleted.
    pub hosts: u64,
    /// By how the last backup ended, in the order of [`JobState::ALL`]; those without any are missing here.
    pub by_last_backup: Vec<(JobState, u64)>,
}

/// How many hosts stand alike, for a count of what is well and what isn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostStanding {
    /// How their last backup ended; `None` for hosts without any.
    pub last_backup: Option<JobState>,
    /// Whether their newest snapshot is from the moment asked about or later; `None` for hosts without any.
    pub is_fresh: Option<bool>,
    /// How many.
    pub hosts: u64,
}

/// Queries about hosts.
#[async_trait]
pub trait HostQueries: Send {
    /// One host, deleted ones too.
    async fn find(&mut self, id: HostId) -> Result<Option<Host>, Error>;
    /// The host of a name that is not deleted, compared under [`fold`](crate::fold).
    async fn named(&mut self, name: &str) -> Result<Option<Host>, Error>;
    /// The host whose agent shows a token, unless it is deleted.
    async fn with_agent_token(&mut self, token: &TokenHash) -> Result<Option<Host>, Error>;
    /// Hosts by name.
    async fn page(
        &mut self,
        filter: &HostFilter,
        request: PageRequest<HostCursor>,
    ) -> Result<Page<Host, HostCursor>, Error>;
    /// The hosts of a scope that are not deleted, oldest first, `limit` at most.
    async fn within(&mut self, scope: &Scope, limit: usize) -> Result<Vec<HostId>, Error>;
    /// All tags in use, sorted.
    async fn tags(&mut self) -> Result<Vec<String>, Error>;
    /// How all hosts of a scope stand, in any order: by the end of their last backup, and by whether their newest snapshot is from
    /// `fresh_since` or later. Costs a look at an index entry per host.
    async fn standings(&mut self, scope: &Scope, fresh_since: Timestamp) -> Result<Vec<HostStanding>, Error>;
    /// How many there are.
    async fn tallies(&mut self) -> Result<HostTallies, Error>;
}

/// Changes to hosts.
///
/// The facts of last backup and running job are kept by [`Jobs`](crate::jobs::Jobs), those of snapshots by
/// [`Snapshots`](crate::snapshots::Snapshots).
#[async_trait]
pub trait Hosts: HostQueries {
    /// Adds a host, at version 1. `Taken` when the name or the token is in use.
    async fn enrol(&mut self, host: &NewHost) -> Result<(), Error>;
    /// Gives a known host to a new agent: other key, other token, no outbox yet, never heard.
    async fn take_over(
        &mut self,
        id: HostId,
        public_key: &PublicKey,
        agent_token: &TokenHash,
        enrolled: Timestamp,
    ) -> Result<(), Error>;
    /// Changes the settings; answers the new version. `Conflict` when the stored version is not `expected`,
    /// `Taken` when the name is in use.
    async fn configure(&mut self, id: HostId, settings: &HostSettings, expected: i64) -> Result<i64, Error>;
    /// Offers the agent another token. `Conflict` while another offer is open.
    async fn offer_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error>;
    /// Puts the offered token in force and revokes the one before it. `Conflict` when another was offered or none.
    async fn confirm_token(&mut self, id: HostId, token: &TokenHash, now: Timestamp) -> Result<(), Error>;
    /// Withdraws an open offer, if there is one.
    async fn withdraw_token(&mut self, id: HostId) -> Result<(), Error>;
    /// Asks that the agent's token be replaced as soon as it can be.
    async fn age_token(&mut self, id: HostId) -> Result<(), Error>;
    /// Puts another agent token in place, as if no other had ever been.
    async fn rotate_token(&mut self, id: HostId, token: &TokenHash) -> Result<(), Error>;
    /// Notes a new connection and what the agent said; answers the connection's generation.
    async fn connect(
        &mut self,
        id: HostId,
        now: Timestamp,
        facts: &HostFacts,
        address: Option<&str>,
    ) -> Result<i64, Error>;
    /// Notes what the agent says of a machine that changed while it was connected.
    async fn describe(&mut self, id: HostId, facts: &HostFacts) -> Result<(), Error>;
    /// Notes that an agent was heard. Hosts that are gone are passed over.
    async fn hear(&mut self, id: HostId, now: Timestamp) -> Result<(), Error>;
    /// Notes how far an agent's outbox is stored. `Conflict` when it would go back within the same outbox.
    async fn advance_outbox(&mut self, id: HostId, position: OutboxPosition) -> Result<(), Error>;
    /// Removes a host from lists and revokes its agent; its history stays. `NotFound` when that was done already.
    async fn delete(&mut self, id: HostId, now: Timestamp) -> Result<(), Error>;
}
