//! Scripts that run around backups, sealed.

use async_trait::async_trait;
use restic_manager_proto::{HostId, SourceGroupId, Timestamp, UserId};

use crate::{Error, SealedBlob};

/// Whose hooks: a host's run for those of its source groups that have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete: hooks are set at the one or the other")]
pub enum HookOwner {
    /// A host.
    Host(HostId),
    /// A source group.
    SourceGroup(SourceGroupId),
}

impl HookOwner {
    /// The bytes of the id: what the seal is bound to.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        match self {
            Self::Host(host) => host.as_bytes(),
            Self::SourceGroup(group) => group.as_bytes(),
        }
    }
}

/// The hooks of one host or source group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    /// Whose.
    pub owner: HookOwner,
    /// The scripts.
    pub sealed: SealedBlob,
    /// When they were set.
    pub set: Timestamp,
    /// By whom.
    pub set_by: Option<UserId>,
    /// Counts the changes; 1 at first.
    pub version: i64,
}

/// Queries about hooks.
#[async_trait]
pub trait HookQueries: Send {
    /// The hooks of one host or source group.
    async fn find(&mut self, owner: HookOwner) -> Result<Option<Hooks>, Error>;
}

/// Changes to hooks. They go with their source group.
#[async_trait]
pub trait HookChanges: HookQueries {
    /// Sets hooks in place of what was there; answers the new version. `NotFound` when the owner doesn't exist or its
    /// host is deleted, `Conflict` when the stored version is not `expected`, which is 0 when there are none.
    async fn set(&mut self, hooks: &Hooks, expected: i64) -> Result<i64, Error>;
    /// Removes hooks; `false` when there were none.
    async fn remove(&mut self, owner: HookOwner) -> Result<bool, Error>;
}
