use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::text::{self, FromJson, Text, into_owned};

/// The end of a `backup` that made a snapshot; message type `summary`.
///
/// It does not mean success: it is also printed when some sources could not be read (exit code 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct BackupSummary<S: Text = String> {
    /// Files that were not in the parent snapshot.
    pub files_new: u64,
    /// Files that differ from the parent snapshot.
    pub files_changed: u64,
    /// Files taken over from the parent snapshot.
    pub files_unmodified: u64,
    /// Directories that were not in the parent snapshot.
    pub dirs_new: u64,
    /// Directories that differ from the parent snapshot.
    pub dirs_changed: u64,
    /// Directories taken over from the parent snapshot.
    pub dirs_unmodified: u64,
    /// New blobs of file content.
    pub data_blobs: u64,
    /// New blobs of directory trees.
    pub tree_blobs: u64,
    /// Bytes added to the repository before compression.
    pub data_added: u64,
    /// Bytes added to the repository as stored; restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_added_packed: Option<u64>,
    /// Files looked at.
    pub total_files_processed: u64,
    /// Bytes of the files looked at.
    pub total_bytes_processed: u64,
    /// Seconds the whole run took.
    #[serde(rename = "total_duration")]
    pub total_duration_seconds: f64,
    /// When it began; restic 0.18 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_start: Option<Timestamp>,
    /// When it ended; restic 0.18 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_end: Option<Timestamp>,
    /// Id of the new snapshot: eight characters in 0.14, whole later; absent when `--skip-if-unchanged` skipped.
    /// After a dry run the id exists nowhere.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<S>,
    /// Whether nothing was written.
    #[serde(default)]
    pub dry_run: bool,
}

into_owned!(BackupSummary {
    files_new,
    files_changed,
    files_unmodified,
    dirs_new,
    dirs_changed,
    dirs_unmodified,
    data_blobs,
    tree_blobs,
    data_added,
    data_added_packed,
    total_files_processed,
    total_bytes_processed,
    total_duration_seconds,
    backup_start,
    backup_end,
    snapshot_id,
    dry_run,
});

/// The end of a `restore`; message type `summary`, restic 0.16 and later.
///
/// Printed **even when files failed**, and then it may claim that all were restored: only the exit code and the
/// [`Failure`](super::Failure)s tell. Counters are left out while they are zero. A dry run looks the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RestoreSummary {
    /// Whole seconds it took.
    #[serde(default)]
    pub seconds_elapsed: u64,
    /// Items that matched, directories too.
    #[serde(default)]
    pub total_files: u64,
    /// Items written.
    #[serde(default)]
    pub files_restored: u64,
    /// Items that were already as they should be; restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_skipped: Option<u64>,
    /// Items removed by `--delete`; restic 0.18 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_deleted: Option<u64>,
    /// Bytes that matched.
    #[serde(default)]
    pub total_bytes: u64,
    /// Bytes written.
    #[serde(default)]
    pub bytes_restored: u64,
    /// Bytes that were already there; restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_skipped: Option<u64>,
}

/// The end of a `check`; message type `summary`, restic 0.18 and later.
///
/// Also printed when the check could not run at all; then `num_errors` is 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct CheckSummary<S: Text = String> {
    /// Problems reported: one for each pack, tree or snapshot, not for each damaged file.
    pub num_errors: u64,
    /// Ids of damaged pack files.
    #[serde(default, deserialize_with = "text::list")]
    pub broken_packs: S::List,
    /// restic advises `repair index`.
    #[serde(default)]
    pub suggest_repair_index: bool,
    /// restic advises `prune`.
    #[serde(default)]
    pub suggest_prune: bool,
}

into_owned!(CheckSummary { num_errors, broken_packs, suggest_repair_index, suggest_prune });

/// The end of a `tag`; message type `summary`, restic 0.18 and later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TagSummary {
    /// Snapshots that were written anew.
    pub changed_snapshots: u64,
}
