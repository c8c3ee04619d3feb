use serde::{Deserialize, Serialize};

use crate::event::Snapshot;
use crate::text::null_as_empty;

/// A group of `snapshots --group-by`, which prints an array of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SnapshotGroup {
    /// What they have in common.
    pub group_key: GroupKey,
    /// The snapshots, oldest first.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub snapshots: Vec<Snapshot>,
}

/// What the snapshots of a group have in common; empty where it was not grouped by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupKey {
    /// Machine.
    #[serde(default)]
    pub hostname: String,
    /// Backed-up paths.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub paths: Vec<String>,
    /// Tags.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
}
