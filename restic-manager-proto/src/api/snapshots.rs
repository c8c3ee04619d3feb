//! Snapshots that were seen in repositories.

use serde::{Deserialize, Serialize};

use super::{Cursor, Page, Reference, endpoints, hosts::ByHost};
use crate::{RepositoryId, SnapshotSeen, Timestamp};

endpoints! {
    /// Lists a host's snapshots, newest first.
    List("snapshots.list"): Get "/api/v1/hosts/{host}/snapshots" => 200 Json { path: ByHost, query: Filter, response: Page<Snapshot> }
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
