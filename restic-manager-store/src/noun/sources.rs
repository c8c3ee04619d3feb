//! What is backed up on a host, and to where.

use async_trait::async_trait;
use restic_manager_proto::{
    CommandSource, HostId, RepositoryId, Retention, SourceGroupId, SourceOptions, Timestamp,
};

use crate::{Error, hosts::LastBackup};

/// A source group.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceGroup {
    /// Which.
    pub id: SourceGroupId,
    /// Of which host.
    pub host: HostId,
    /// Unique under [`fold`](crate::fold) on its host.
    pub name: String,
    /// What is backed up; nothing when a command's output is.
    pub includes: Vec<String>,
    /// What of it isn't.
    pub excludes: Vec<String>,
    /// The snapshots' tag.
    pub tag: String,
    /// Where it goes; the host must be attached to it.
    pub repository: RepositoryId,
    /// Which of its snapshots are kept.
    pub retention: Retention,
    /// What else shapes a backup.
    pub options: SourceOptions,
    /// The command whose output is backed up.
    pub command: Option<CommandSource>,
    /// The last backup that says whether its data is safe: none that was skipped or cancelled.
    pub last_backup: Option<LastBackup>,
    /// When the record was made.
    pub created: Timestamp,
    /// Counts the changes; 1 at first.
    pub version: i64,
}

/// Queries about source groups.
#[async_trait]
pub trait SourceGroupQueries: Send {
    /// One source group.
    async fn find(&mut self, id: SourceGroupId) -> Result<Option<SourceGroup>, Error>;
    /// Those of a host, by name.
    async fn of_host(&mut self, host: HostId) -> Result<Vec<SourceGroup>, Error>;
    /// Since when it backs up what it does now; the first moment of all if that never changed.
    async fn reads_since(&mut self, id: SourceGroupId) -> Result<Timestamp, Error>;
    /// Those that go to a repository and have a retention policy, oldest first.
    async fn with_retention_in(&mut self, repository: RepositoryId) -> Result<Vec<SourceGroup>, Error>;
}

/// Changes to source groups.
#[async_trait]
pub trait SourceGroups: SourceGroupQueries {
    /// Adds a source group, at version 1 and without a backup. `Taken` when its host has one of that name, `NotFound` when the host is
    /// not attached to the repository.
    async fn add(&mut self, group: &SourceGroup) -> Result<(), Error>;
    /// Changes everything but id, host, creation and last backup; answers the new version. `Conflict` when the stored version is
    /// not `expected`; else as [`SourceGroups::add`].
    async fn update(&mut self, group: &SourceGroup, expected: i64) -> Result<i64, Error>;
    /// Notes that it backs up something else from now on. A group that is gone is passed over.
    async fn note_reads(&mut self, id: SourceGroupId, now: Timestamp) -> Result<(), Error>;
    /// Removes one. `InUse` while a schedule points at it.
    async fn delete(&mut self, id: SourceGroupId) -> Result<(), Error>;
}
