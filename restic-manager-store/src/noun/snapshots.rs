//! What listings of repositories showed.

use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Error, Page, PageRequest};

/// A snapshot as one host sees it in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Which host listed it.
    pub host: HostId,
    /// In which repository.
    pub repository: RepositoryId,
    /// What restic says of it.
    pub listed: ListedSnapshot,
    /// When a listing first showed it.
    pub first_seen: Timestamp,
}

/// What restic says of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedSnapshot {
    /// The full id.
    pub id: String,
    /// When it was made.
    pub time: Timestamp,
    /// Its root folder.
    pub tree: Option<String>,
    /// The snapshot it was compared with.
    pub parent: Option<String>,
    /// What was backed up.
    pub paths: Vec<String>,
    /// Of which machine, as restic names it.
    pub hostname: String,
    /// By which user.
    pub username: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What the backup did, from restic 0.17 on.
    pub summary: Option<SnapshotSummary>,
}

/// What the backup that made a snapshot did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SnapshotSummary {
    /// Files in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Their size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes added to the repository, before compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_added: Option<u64>,
    /// Bytes added to the repository, as stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_stored: Option<u64>,
}

impl ListedSnapshot {
    /// The short id, as restic shows it.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }
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
    /// Its place in a list.
    #[must_use]
    pub fn cursor(&self) -> SnapshotCursor {
        SnapshotCursor {
            time: self.listed.time,
            id: self.listed.id.clone(),
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
    /// Takes a listing as the whole truth about a host's snapshots in a repository. Attachment and host follow: count,
    /// moment of the listing, newest snapshot. `NotFound` when the host is not attached.
    async fn record_listing(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        listing: &[ListedSnapshot],
        now: Timestamp,
    ) -> Result<ListingChange, Error>;
}
