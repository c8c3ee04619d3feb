//! Forget and prune that are paused.

use async_trait::async_trait;
use restic_manager_proto::{
    FreezeId, RepositoryId, SourceGroupId, Timestamp, UserId, vocabulary::FreezeCause,
};

use crate::Error;

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Which.
    pub id: FreezeId,
    /// In which repository; it follows its source group.
    pub repository: RepositoryId,
    /// The source group whose forget is frozen; forget and prune of the whole repository when there is none.
    pub source_group: Option<SourceGroupId>,
    /// What led to it.
    pub cause: FreezeCause,
    /// Why, in words.
    pub reason: String,
    /// Since when.
    pub created: Timestamp,
    /// Who froze it; the server itself when nobody did.
    pub created_by: Option<UserId>,
}

impl Freeze {
    /// Whether it is of the same thing for the same cause.
    pub(crate) fn is_twin(&self, other: &Self) -> bool {
        let of = |freeze: &Self| match freeze.source_group {
            Some(group) => (None, Some(group)),
            None => (Some(freeze.repository), None),
        };
        (of(self), self.cause) == (of(other), other.cause)
    }
}

/// Queries about freezes.
#[async_trait]
pub trait FreezeQueries: Send {
    /// The freeze of an id.
    async fn find(&mut self, id: FreezeId) -> Result<Option<Freeze>, Error>;
    /// Those of a repository and of its source groups, the oldest first.
    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Freeze>, Error>;
}

/// Changes to freezes.
#[async_trait]
pub trait Freezes: FreezeQueries {
    /// Adds a freeze; says whether it is news: the same thing is frozen once for a cause. `NotFound` without its
    /// repository or source group.
    async fn add(&mut self, freeze: &Freeze) -> Result<bool, Error>;
    /// Removes a freeze; says whether there was one.
    async fn lift(&mut self, id: FreezeId) -> Result<bool, Error>;
}
