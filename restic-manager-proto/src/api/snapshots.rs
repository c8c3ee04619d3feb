//! Snapshots that were seen in repositories.

use serde::{Deserialize, Serialize};

use super::{Cursor, Page, Reference, endpoints, hosts::ByHost};
use crate::{
    HostId, RawPath, RepositoryId, SearchHit, SnapshotEntry, SnapshotSeen, Timestamp, vocabulary::EntrySort,
};

endpoints! {
    /// Lists a host's snapshots, newest first.
    List("snapshots.list"): Get "/api/v1/hosts/{host}/snapshots" => 200 Json { path: ByHost, query: Filter, response: Page<Snapshot> }
    /// Shows one snapshot.
    Show("snapshots.show"): Get "/api/v1/hosts/{host}/repositories/{repository}/snapshots/{snapshot}" => 200 Json { path: BySnapshot, response: Snapshot }
    /// Lists what a folder of a snapshot holds, by name. A host that is attached to the repository looks, the snapshot's own where it is connected; the answer takes as long as its restic.
    Folder("snapshots.folder"): Get "/api/v1/hosts/{host}/repositories/{repository}/snapshots/{snapshot}/folder" => 200 Json { path: BySnapshot, query: FolderQuery, response: Page<SnapshotEntry> }
    /// Searches the names of a snapshot. The first search of a snapshot reads all of it once, and says so until that is done.
    Search("snapshots.search"): Get "/api/v1/hosts/{host}/repositories/{repository}/snapshots/{snapshot}/search" => 200 Json { path: BySnapshot, query: SearchQuery, response: Page<SearchHit> }
}

/// One snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySnapshot {
    /// The id of the host whose snapshot it is.
    pub host: HostId,
    /// The repository's id.
    pub repository: RepositoryId,
    /// restic's full id of the snapshot: 64 hexadecimal digits.
    pub snapshot: String,
}

/// Which part of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct FolderQuery {
    /// The absolute path of the folder inside the snapshot; `/` when absent.
    pub path: Option<RawPath>,
    /// By what the entries are sorted; by name when absent. Until the agent has read the snapshot once it sorts by name alone.
    pub sort: Option<EntrySort>,
    /// Whether the last comes first.
    pub descending: Option<bool>,
    /// Entries per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// Which snapshots to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only those in this repository.
    pub repository: Option<RepositoryId>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// A snapshot and where it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Snapshot {
    /// The snapshot.
    pub snapshot: SnapshotSeen,
    /// The repository that holds it.
    pub repository: Reference<RepositoryId>,
    /// When it was last seen there.
    pub seen_at: Timestamp,
}

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct SearchQuery {
    /// A part of a name, whatever its case; a pattern where it has `*`, `?` or `[`. 1 to 256 bytes.
    pub text: String,
    /// Paths per page, 1 to 500; 50 when absent. A page never has more than 200.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}
