//! Jobs, their logs and their live view.

use serde::{Deserialize, Serialize};

use super::{Cursor, Page, Reference, endpoints, unfilled_rule::UnfilledRule};
use crate::{
    Bandwidth, HostId, JobId, JobOptions, LogLine, PreviewedSnapshot, Progress, RepositoryId, Retention,
    ScheduleId, SourceGroupId, Statistics, Timestamp,
    vocabulary::{Cause, JobKind, JobState, LogFormat, Trigger},
};

endpoints! {
    /// Lists jobs, newest first.
    List("jobs.list"): Get "/api/v1/jobs" => 200 Json { query: Filter, response: Page<Job> }
    /// Shows one job.
    Show("jobs.show"): Get "/api/v1/jobs/{job}" => 200 Json { path: ByJob, response: Job }
    /// Asks for a job; the answer says where it stands in the queue.
    Create("jobs.create"): Post "/api/v1/jobs" => 202 Json { body: NewJob, response: Job }
    /// Asks a job to stop; one that has ended stays as it is.
    Cancel("jobs.cancel"): Post "/api/v1/jobs/{job}/cancel" => 202 Json { path: ByJob, response: Job }
    /// Shows what a retention policy that was tried would make of each snapshot, newest first.
    Preview("jobs.preview"): Get "/api/v1/jobs/{job}/preview" => 200 Json { path: ByJob, query: PreviewQuery, response: RetentionPreview }
    /// Downloads a job's log.
    Log("jobs.log"): Get "/api/v1/jobs/{job}/log" => 200 Download { path: ByJob, query: LogQuery, response: LogLine }
    /// Replays a job's log from a line on and then follows it.
    Stream("jobs.stream"): Get "/api/v1/jobs/{job}/stream" => 101 WebSocket { path: ByJob, query: StreamQuery, response: JobUpdate }
}

/// One job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByJob {
    /// The job's id.
    pub job: JobId,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only this host's.
    pub host: Option<HostId>,
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those of this schedule.
    pub schedule: Option<ScheduleId>,
    /// Only those that were asked for at this moment or later; needs `host` and `until`.
    pub from: Option<Timestamp>,
    /// Only those that were asked for before this moment; needs `host` and `from`.
    pub until: Option<Timestamp>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Why it ended so.
    pub cause: Cause,
    /// The words that prove the cause.
    #[serde(default)]
    pub detail: String,
    /// What to do about the cause; empty when nothing is to be done.
    #[serde(default)]
    pub advice: String,
    /// The host it runs on.
    pub host: Reference<HostId>,
    /// The repository it uses.
    #[serde(default)]
    pub repository: Option<Reference<RepositoryId>>,
    /// What it backs up.
    #[serde(default)]
    pub source_group: Option<Reference<SourceGroupId>>,
    /// What was chosen for it. In lists a restore names its first 20 paths alone.
    #[serde(default)]
    pub options: JobOptions,
    /// The slots of a schedule that it is for.
    #[serde(default)]
    pub slots: Option<Slots>,
    /// Who or what asked for it.
    pub trigger: Trigger,
    /// The name of the person who asked for it.
    #[serde(default)]
    pub requested_by: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the agent received it.
    #[serde(default)]
    pub dispatched_at: Option<Timestamp>,
    /// When the agent started it.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// When it ends at the latest.
    pub deadline_at: Timestamp,
    /// When somebody asked it to stop.
    #[serde(default)]
    pub cancel_requested_at: Option<Timestamp>,
    /// Why it has not started; empty when it has.
    #[serde(default)]
    pub waiting_for: String,
    /// Its place among those that wait for the same, from 1; counting stops at 1000.
    #[serde(default)]
    pub queue_position: Option<u64>,
    /// How far it has come, while it runs and its agent is connected.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// What it did, once it ended.
    #[serde(default)]
    pub statistics: Option<Statistics>,
    /// restic's exit code.
    #[serde(default)]
    pub exit_code: Option<i32>,
    /// The restic command that does the same, without secrets.
    #[serde(default)]
    pub command: String,
    /// Lines in its log.
    pub log_lines: u64,
    /// Lines that the agent had to leave out of the log's middle.
    pub log_lines_dropped: u64,
    /// Whether its lines are too old and were forgotten; their number stays.
    #[serde(default)]
    pub log_forgotten: bool,
}

/// Due moments of a schedule: one that a job is for, or one or several that were skipped together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Slots {
    /// The schedule.
    pub schedule: Reference<ScheduleId>,
    /// The first moment.
    pub first: Timestamp,
    /// The last one; the same for a single one.
    pub last: Timestamp,
    /// How many they are.
    pub count: u64,
}

/// A job to be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewJob {
    /// The host to run on.
    pub host: HostId,
    /// What to do.
    pub kind: JobKind,
    /// For a backup: what; the host's only group when absent.
    #[serde(default)]
    pub source_group: Option<SourceGroupId>,
    /// For the other kinds: where; the host's only repository when absent.
    #[serde(default)]
    pub repository: Option<RepositoryId>,
    /// How fast restic may be in this job; the host's limits count too. Not limited when absent.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
}

/// Which part of a preview.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct PreviewQuery {
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// What a retention policy that was tried would do. It is whole once its job has succeeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct RetentionPreview {
    /// Where the job stands.
    pub state: JobState,
    /// The source group.
    #[serde(default)]
    pub source_group: Option<Reference<SourceGroupId>>,
    /// The policy.
    pub retention: Retention,
    /// Its rules that no schedule of the group fills.
    #[serde(default)]
    pub unfilled: Vec<UnfilledRule>,
    /// Snapshots that would stay.
    #[serde(default)]
    pub kept: Option<u64>,
    /// Snapshots that would be removed.
    #[serde(default)]
    pub removed: Option<u64>,
    /// The group's snapshots, newest first.
    pub snapshots: Page<PreviewedSnapshot>,
}

/// Which part of a log, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct LogQuery {
    /// Text when absent.
    pub format: Option<LogFormat>,
}

/// Where a live view starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct StreamQuery {
    /// Sequence number of the last line that the reader has; 0 replays all.
    pub after: u64,
}

/// One message of a live view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum JobUpdate {
    /// The job as it is now: first of all, and whenever it changes.
    Job {
        /// The job.
        job: Box<Job>,
    },
    /// More lines, in order and without gaps.
    Lines {
        /// The lines.
        lines: Vec<LogLine>,
    },
    /// How far it has come.
    Progress {
        /// The newest figures.
        progress: Progress,
    },
    /// The reader is too slow: it is cut off now and should come again with this `after`.
    Resume {
        /// Sequence number of the last line that was sent.
        after: u64,
    },
    /// The job has ended and every line was sent.
    End {},
}
