//! Which host uses which repository, and whether that works.

use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::RepositoryState};

use crate::Error;

/// A host's use of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which host.
    pub host: HostId,
    /// Which repository.
    pub repository: RepositoryId,
    /// The location as seen from that host, when it differs.
    pub location: Option<String>,
    /// What is known of the repository as that host sees it.
    pub state: RepositoryState,
    /// In words.
    pub detail: Option<String>,
    /// When it was last looked at.
    pub checked: Option<Timestamp>,
    /// Whether the next job must look first.
    pub needs_check: bool,
    /// When the host's snapshots in it were last listed.
    pub listed: Option<Timestamp>,
    /// How many there were.
    pub snapshots: u64,
    /// When the newest of them was made, of those that count.
    pub newest: Option<Timestamp>,
    /// Counts the changes of the location; 1 at first.
    pub version: i64,
}

/// Queries about attachments.
#[async_trait]
pub trait AttachmentQueries: Send {
    /// One attachment.
    async fn find(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Attachment>, Error>;
    /// The attachments of a host, oldest repository first.
    async fn of_host(&mut self, host: HostId) -> Result<Vec<Attachment>, Error>;
    /// The attachments of a repository to hosts that somebody sees, oldest host first.
    async fn of_repository(
        &mut self,
        repository: RepositoryId,
        seen_by: &Scope,
    ) -> Result<Vec<Attachment>, Error>;
    /// Whether the repository is so as any of its hosts sees it that is not deleted.
    async fn any_in_state(&mut self, repository: RepositoryId, state: RepositoryState)
    -> Result<bool, Error>;
    /// Whether a host of a scope uses the repository.
    async fn any_within(&mut self, repository: RepositoryId, scope: &Scope) -> Result<bool, Error>;
}

/// Changes to attachments.
#[async_trait]
pub trait Attachments: AttachmentQueries {
    /// Attaches a host: unverified, to be checked, at version 1. `Taken` when it is attached already, `NotFound`
    /// when host or repository don't exist or are deleted.
    async fn attach(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
    ) -> Result<(), Error>;
    /// Changes the location as seen from the host, which must be checked again; answers the new version. `Conflict`
    /// when the stored version is not `expected`.
    async fn relocate(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
        expected: i64,
    ) -> Result<i64, Error>;
    /// Notes what a look at the repository showed; no further check is needed.
    async fn record_check(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error>;
    /// Notes what a job met there, which is no look of its own: what the next job must do stays.
    async fn note_state(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
    ) -> Result<(), Error>;
    /// Asks every host of a repository to look again, as after a change of credentials; says how many.
    async fn request_checks(&mut self, repository: RepositoryId) -> Result<u64, Error>;
    /// Ends the use, and forgets the host's snapshots listed there. `InUse` while a source group goes there, or the
    /// host is the repository's runner.
    async fn detach(&mut self, host: HostId, repository: RepositoryId) -> Result<(), Error>;
}
