//! What an agent reports through its outbox: numbered, kept on its disk, sent again until acknowledged.

use serde::{Deserialize, Serialize};

use crate::{
    JobEnd, JobId, LogLine, OutboxId, PreviewedSnapshot, RepositoryId, ScheduleId, SnapshotSeen,
    SourceGroupId, Timestamp,
    vocabulary::{Cause, RepositoryState, lenient},
};

/// Items of an outbox, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Which outbox; numbers mean nothing across two.
    pub outbox: OutboxId,
    /// Number of the first item; the others follow without gaps.
    pub first: u64,
    /// The items.
    pub items: Vec<ReportItem>,
}

impl Report {
    /// Joins the parts.
    #[must_use]
    pub fn new(outbox: OutboxId, first: u64, items: Vec<ReportItem>) -> Self {
        Self { outbox, first, items }
    }

    /// Number of the last item; one less than `first` when there are none.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.first.saturating_add(self.items.len() as u64).saturating_sub(1)
    }
}

/// One thing that must not be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "an item is made, written and gone; a box would stand in everybody's patterns"
)]
pub enum ReportItem {
    /// A job started.
    JobStarted {
        /// The job.
        job: JobId,
        /// When.
        at: Timestamp,
        /// The restic command, without secrets.
        command: String,
    },
    /// Lines of a job's log, in order.
    JobLog {
        /// The job.
        job: JobId,
        /// The lines; sequence numbers go on where the job's last lines ended, unless `dropped` says otherwise.
        lines: Vec<LogLine>,
        /// Lines before these that had to give way because the outbox was full.
        #[serde(default)]
        dropped: u64,
    },
    /// A job ended. Nothing about it follows.
    JobEnded {
        /// The job.
        job: JobId,
        /// When.
        at: Timestamp,
        /// How.
        end: JobEnd,
    },
    /// The agent looked whether a repository opens.
    RepositoryChecked {
        /// The repository.
        repository: RepositoryId,
        /// When.
        at: Timestamp,
        /// What it found.
        state: RepositoryState,
        /// The words that prove it; no secrets.
        detail: String,
    },
    /// The snapshots of this host that a repository holds: all of them, in parts when they are many.
    Snapshots {
        /// The repository.
        repository: RepositoryId,
        /// When they were listed.
        at: Timestamp,
        /// Some of them.
        snapshots: Vec<SnapshotSeen>,
        /// Number of this part, from 0.
        part: u32,
        /// Whether this is the last part: what was seen before `at` and is in no part is gone.
        last: bool,
    },
    /// A slot of a schedule is due. The agent waits for the server's order for each of its jobs; while there is no
    /// connection it starts them by itself, under the same ids.
    SlotDue {
        /// The schedule.
        schedule: ScheduleId,
        /// The slot: the nominal moment, before jitter.
        slot: Timestamp,
        /// When the agent found it due.
        at: Timestamp,
        /// One job for each of the schedule's source groups.
        jobs: Vec<SlotJob>,
    },
    /// Slots of a schedule that will not run. What ran never appears here, nor is it due later; only what lies
    /// inside a range that was passed while the host's clock was far ahead may still become due.
    SlotSkipped {
        /// The schedule.
        schedule: ScheduleId,
        /// The first of them.
        from: Timestamp,
        /// The last of them; the same as `from` for a single slot.
        through: Timestamp,
        /// How many they are, both ends included; counting stops at 100,000.
        count: u64,
        /// When the agent passed over them.
        at: Timestamp,
        /// Why.
        #[serde(deserialize_with = "lenient::cause")]
        cause: Cause,
        /// The source groups that the schedule had.
        groups: Vec<SourceGroupId>,
    },
    /// What a retention policy would make of a source group's snapshots; in several of these when they are many.
    RetentionPreviewed {
        /// The job.
        job: JobId,
        /// Some of the snapshots.
        snapshots: Vec<PreviewedSnapshot>,
    },
    /// A forget removed snapshots, and saw that they are gone.
    SnapshotsForgotten {
        /// The job.
        job: JobId,
        /// The repository.
        repository: RepositoryId,
        /// The source group whose snapshots they were.
        group: SourceGroupId,
        /// Their full ids.
        snapshots: Vec<String>,
    },
    /// The agent found that its state had gone back in time, because its machine or its folder was restored from a
    /// copy, and began a new outbox. What the server confirmed after the copy was made is unknown to it.
    OutboxBegan {
        /// When.
        at: Timestamp,
        /// The outbox it had.
        before: OutboxId,
        /// Number of the last item that it had there.
        last: u64,
        /// Number of the last item that the server had confirmed.
        confirmed: u64,
    },
    /// What this build does not understand: a kind or a word of a newer agent. It is kept whole. Only this fallback is
    /// untagged: every kind that is known is told by its `kind`.
    #[serde(untagged)]
    Unknown(UnknownItem),
}

impl ReportItem {
    /// The `kind` of the item on the wire.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::JobStarted { .. } => "job-started",
            Self::JobLog { .. } => "job-log",
            Self::JobEnded { .. } => "job-ended",
            Self::RepositoryChecked { .. } => "repository-checked",
            Self::Snapshots { .. } => "snapshots",
            Self::SlotDue { .. } => "slot-due",
            Self::SlotSkipped { .. } => "slot-skipped",
            Self::RetentionPreviewed { .. } => "retention-previewed",
            Self::SnapshotsForgotten { .. } => "snapshots-forgotten",
            Self::OutboxBegan { .. } => "outbox-began",
            Self::Unknown(item) => item.kind(),
        }
    }
}

/// An item that this build does not understand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct UnknownItem {
    body: serde_json::Value,
}

impl UnknownItem {
    /// Its `kind`; empty when it has none.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.body["kind"].as_str().unwrap_or_default()
    }

    /// The job that it is about, if it says so.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        self.body["job"].as_str()?.parse().ok()
    }

    pub(super) fn left_out(kind: &str, bytes: usize) -> Self {
        Self { body: serde_json::json!({ "kind": "left-out", "was": kind, "bytes": bytes }) }
    }
}

/// Where a server stands in an agent's outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: an outbox and a number in it")]
pub struct OutboxPosition {
    /// Which outbox.
    pub outbox: OutboxId,
    /// Number of the last item that is on the server's disk.
    pub through: u64,
}

/// A job of a slot that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a job and what it backs up to where")]
pub struct SlotJob {
    /// The job; its id was made by the agent.
    pub job: JobId,
    /// What it backs up.
    pub group: SourceGroupId,
    /// Where to.
    pub repository: RepositoryId,
}
