use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::text::{self, FromJson, Text, into_owned};

/// Progress of `backup` or `restore`; message type `status`.
///
/// restic leaves counters out while they are zero, so an absent counter reads as 0. Totals grow while the scanner
/// still runs: a fraction may go **down**. The last status of a run need not be the end of it, and a short run
/// prints none at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Status<S: Text = String> {
    /// Whole seconds since the start.
    #[serde(default)]
    pub seconds_elapsed: u64,
    /// restic's guess in seconds, from the end of the scan on. Can be nonsense: see [`Status::remaining`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_remaining: Option<u64>,
    /// Share of the work done as restic prints it; far above 1 now and then: see [`Status::fraction`].
    pub percent_done: f64,
    /// Files seen by the scanner so far (`backup`) or to be restored.
    #[serde(default)]
    pub total_files: u64,
    /// Files backed up so far.
    #[serde(default)]
    pub files_done: u64,
    /// Files restored so far; `restore` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_restored: Option<u64>,
    /// Files left as they were; `restore` of restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_skipped: Option<u64>,
    /// Files removed from the target; `restore --delete` of restic 0.18 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_deleted: Option<u64>,
    /// Bytes seen by the scanner so far (`backup`) or to be restored.
    #[serde(default)]
    pub total_bytes: u64,
    /// Bytes **read** so far by `backup`; they may not be uploaded yet.
    #[serde(default)]
    pub bytes_done: u64,
    /// Bytes written so far; `restore` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_restored: Option<u64>,
    /// Bytes that needed no writing; `restore` of restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_skipped: Option<u64>,
    /// Items that could not be read so far.
    #[serde(default)]
    pub error_count: u64,
    /// Paths being read at this moment. Bytes that are no UTF-8 arrive as U+FFFD.
    #[serde(default, deserialize_with = "text::list")]
    pub current_files: S::List,
}

/// A [`Status`] that borrows from its line.
pub type StatusRef<'a> = Status<Cow<'a, str>>;

impl<S: Text> Status<S> {
    /// Share of the work done, 0 to 1. restic's own figure overshoots while its scanner lags (69.18 was seen).
    pub fn fraction(&self) -> f64 {
        if self.percent_done.is_nan() { 0.0 } else { self.percent_done.clamp(0.0, 1.0) }
    }

    /// Time left by restic's guess, or `None` where it has none or an impossible one (more than ten years:
    /// an underflow that happens whenever more was read than scanned).
    pub fn remaining(&self) -> Option<Duration> {
        const TEN_YEARS_IN_SECONDS: u64 = 10 * 366 * 86_400;
        self.seconds_remaining.filter(|seconds| *seconds <= TEN_YEARS_IN_SECONDS).map(Duration::from_secs)
    }

    /// Files finished by whichever command this is.
    pub fn files_finished(&self) -> u64 {
        self.files_restored.unwrap_or(self.files_done).saturating_add(self.files_skipped.unwrap_or(0))
    }

    /// Bytes finished by whichever command this is.
    pub fn bytes_finished(&self) -> u64 {
        self.bytes_restored.unwrap_or(self.bytes_done).saturating_add(self.bytes_skipped.unwrap_or(0))
    }
}

into_owned!(Status {
    seconds_elapsed,
    seconds_remaining,
    percent_done,
    total_files,
    files_done,
    files_restored,
    files_skipped,
    files_deleted,
    total_bytes,
    bytes_done,
    bytes_restored,
    bytes_skipped,
    error_count,
    current_files,
});

/// One item was dealt with; message type `verbose_status`.
///
/// `backup` prints it with a single `--verbose`, `restore` (0.17 and later) only with two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct VerboseStatus<S: Text = String> {
    /// What happened to the item.
    pub action: Action<S>,
    /// Path of the item; directories end in `/` in `backup`. Empty for [`Action::ScanFinished`]. In `restore` the
    /// path inside the snapshot, but the path on disk for [`Action::Deleted`].
    #[serde(deserialize_with = "text::text")]
    pub item: S,
    /// Seconds it took; `backup` only.
    #[serde(rename = "duration", default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Bytes of new file content; `backup` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_size: Option<u64>,
    /// The same after compression and encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_size_in_repo: Option<u64>,
    /// Bytes of new metadata; `backup` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_size: Option<u64>,
    /// The same after compression and encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata_size_in_repo: Option<u64>,
    /// Files found, with [`Action::ScanFinished`]; `backup` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_files: Option<u64>,
    /// Bytes of the item; `restore` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// A [`VerboseStatus`] that borrows from its line.
pub type VerboseStatusRef<'a> = VerboseStatus<Cow<'a, str>>;

into_owned!(VerboseStatus {
    action,
    item,
    duration_seconds,
    data_size,
    data_size_in_repo,
    metadata_size,
    metadata_size_in_repo,
    total_files,
    size,
});

words! {
    /// What happened to one item.
    Action {
        /// Backed up for the first time.
        New = "new",
        /// Not changed since the parent snapshot, or already as it should be on restore.
        Unchanged = "unchanged",
        /// Changed since the parent snapshot.
        Modified = "modified",
        /// Every source was counted; the item is empty.
        ScanFinished = "scan_finished",
        /// Written by a restore.
        Restored = "restored",
        /// Overwritten by a restore.
        Updated = "updated",
        /// Removed by `restore --delete`.
        Deleted = "deleted",
    }
}
