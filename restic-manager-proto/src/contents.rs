//! What snapshots hold and restores would do, path by path; the same on the wire and in the API.

use serde::{Deserialize, Serialize};

use crate::{
    RawPath, Timestamp,
    vocabulary::{EntryKind, PlanClass},
};

/// Something in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct SnapshotEntry {
    /// Its name in its folder.
    pub name: RawPath,
    /// What it is.
    pub kind: EntryKind,
    /// Whether the name is not exactly the one that it has: restic tells a name that is no UTF-8 with a mark in place of
    /// each odd byte. Such an entry is restored with the folder that holds it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub inexact: bool,
    /// The bytes of a file; of a folder those of all files below it, where they are known.
    #[serde(default)]
    pub size: u64,
    /// Of a folder: how many entries lie below it, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
    /// When it was last changed.
    #[serde(default)]
    pub modified_at: Option<Timestamp>,
    /// Its permissions, such as `0o644`; the bits that POSIX names, without those of the kind.
    #[serde(default)]
    pub mode: u32,
    /// The number of its owner.
    #[serde(default)]
    pub uid: u32,
    /// The number of its group.
    #[serde(default)]
    pub gid: u32,
    /// The name that its owner had on the host.
    #[serde(default)]
    pub user: String,
    /// The name that its group had on the host.
    #[serde(default)]
    pub group: String,
    /// Where a symbolic link leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_target: Option<RawPath>,
}

impl SnapshotEntry {
    /// Something of which only name and kind are known.
    #[must_use]
    pub fn new(name: RawPath, kind: EntryKind) -> Self {
        Self {
            name,
            kind,
            inexact: false,
            size: 0,
            below: None,
            modified_at: None,
            mode: 0,
            uid: 0,
            gid: 0,
            user: String::new(),
            group: String::new(),
            link_target: None,
        }
    }
}

/// A path that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a path and what is there")]
pub struct SearchHit {
    /// The folder that holds it.
    pub folder: RawPath,
    /// What it is.
    pub entry: SnapshotEntry,
}

/// What a restore would do, in sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct PlanSummary {
    /// The digest of all that was asked and all that was found on the host: a restore that presents it does this and nothing
    /// else, or does not begin.
    pub id: String,
    /// How many paths are of which class. What there is none of is absent.
    pub classes: Vec<PlannedClass>,
    /// Bytes that are written.
    pub bytes: u64,
    /// Files and folders that are made.
    pub inodes: u64,
    /// Bytes that are free where it is written to, for the user that the agent runs as; absent when that cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Whether the agent can give files to their owners.
    pub sets_owners: bool,
}

/// How many paths of a plan are of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a class and its sums")]
pub struct PlannedClass {
    /// The class.
    pub class: PlanClass,
    /// Paths.
    pub entries: u64,
    /// Bytes of the files among them.
    pub bytes: u64,
}

/// What a restore would do with one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: a path, its size and what happens to it")]
pub struct PlanRow {
    /// What happens to it.
    pub class: PlanClass,
    /// Where it is on the host.
    pub path: RawPath,
    /// Bytes that are written; of what is removed, left or in the way, those that are there.
    pub size: u64,
}
