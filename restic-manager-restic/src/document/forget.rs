use serde::{Deserialize, Serialize};

use crate::event::Snapshot;
use crate::text::null_as_empty;

/// What `forget` decided for one group of snapshots; it prints an array of these.
///
/// It tells what was **chosen** for removal, not what was removed: the storage may refuse, and before restic 0.19 the
/// exit code does not tell. `forget ID…`, or a filter that matches nothing, prints no document at all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForgetGroup {
    /// Tags of the group; empty unless grouped by tags.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
    /// Machine of the group; empty unless grouped by host.
    #[serde(default)]
    pub host: String,
    /// Paths of the group; empty unless grouped by paths.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub paths: Vec<String>,
    /// Snapshots to keep, newest first.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub keep: Vec<Snapshot>,
    /// Snapshots chosen for removal, newest first.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub remove: Vec<Snapshot>,
    /// Why each kept snapshot is kept.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub reasons: Vec<KeepReason>,
}

/// Why a snapshot is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeepReason {
    /// The snapshot; without its id before restic 0.17.
    pub snapshot: Snapshot,
    /// The rules that keep it, in restic's words, such as `daily snapshot`.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub matches: Vec<String>,
}
