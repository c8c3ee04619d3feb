//! What listings of repositories showed.

use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SnapshotSeen, Timestamp};

use crate::{Error, Page, PageRequest};

/// A snapshot as one host sees it in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which host listed it.
    pub host: HostId,
    /// In which repository.
    pub repository: RepositoryId,
    /// What restic says of it.
    pub seen: SnapshotSeen,
    /// When a listing first showed it.
    pub first_seen: Timestamp,
}

/// A snapshot's place in a list: by time, then id, then host and repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotCursor {
    /// When it was made.
    pub time: Timestamp,
    /// The full id.
    pub id: String,
    /// Which host listed it.
    pub host: HostId,
    /// In which repository.
    pub repository: RepositoryId,
}

impl Snapshot {
    /// Whether it counts wherever the newest one is looked for.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.seen.counts(self.first_seen)
    }

    /// Its place in a list.
    #[must_use]
    pub fn cursor(&self) -> SnapshotCursor {
        SnapshotCursor {
            time: self.seen.time,
            id: self.seen.id.clone(),
            host: self.host,
            repository: self.repository,
        }
    }
}

/// Which snapshots a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotScope {
    /// Those of a host, in all repositories.
    Host(HostId),
    /// Those of a host in one repository.
    HostRepository(HostId, RepositoryId),
}

/// What a listing changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListingChange {
    /// Snapshots that were not known.
    pub added: u64,
    /// Snapshots that are there no more.
    pub removed: u64,
}

/// The tag of a snapshot that has no other.
pub(crate) fn only_tag(seen: &SnapshotSeen) -> Option<&str> {
    if let [tag] = seen.tags.as_slice() { Some(tag) } else { None }
}

/// Queries about snapshots.
#[async_trait]
pub trait SnapshotQueries: Send {
    /// One snapshot by its full id.
    async fn find(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        id: &str,
    ) -> Result<Option<Snapshot>, Error>;
    /// The newest snapshot of a host in a repository that counts, and has this tag and no other.
    async fn newest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error>;
    /// The full ids of a host's snapshots in a repository, in any order.
    async fn ids(&mut self, host: HostId, repository: RepositoryId) -> Result<Vec<String>, Error>;
    /// The oldest snapshot of a host in a repository that has this tag and no other, whether it counts or not.
    async fn oldest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error>;
    /// The newest snapshot of a host in a repository that counts.
    async fn newest(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Snapshot>, Error>;
    /// Those of a host that do not count, the latest first; `limit` at most. Two of one id in two repositories are in no
    /// certain order.
    async fn uncounted(&mut self, host: HostId, limit: usize) -> Result<Vec<Snapshot>, Error>;
    /// Snapshots, newest first.
    async fn page(
        &mut self,
        scope: SnapshotScope,
        request: PageRequest<SnapshotCursor>,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error>;
}

/// Changes to snapshots.
#[async_trait]
pub trait Snapshots: SnapshotQueries {
    /// Adds snapshots that a listing shows, ahead of the listing as a whole; says how many were not known. Attachment and
    /// host follow but for the moment of the listing. `NotFound` when the host is not attached.
    async fn add_listed(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        snapshots: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<u64, Error>;
    /// Takes a listing as the whole truth about a host's snapshots in a repository. Attachment and host follow: count,
    /// moment of the listing, newest snapshot that counts. `NotFound` when the host is not attached.
    async fn record_listing(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        listing: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<ListingChange, Error>;
    /// Forgets snapshots of a host that were removed from a repository; says how many were known. Attachment and host
    /// follow as with a listing.
    async fn forget(&mut self, host: HostId, repository: RepositoryId, ids: &[String]) -> Result<u64, Error>;
}
