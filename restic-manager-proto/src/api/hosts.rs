//! Hosts and the repositories they use.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, Reference, endpoints, enrolments::Invitation, jobs::Job};
use crate::{
    Bandwidth, HostFacts, HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{Cause, Health, JobState, Presence, PresenceMode, RepositoryState},
};

endpoints! {
    /// Lists hosts by name.
    List("hosts.list"): Get "/api/v1/hosts" => 200 Json { query: Filter, response: Page<Host> }
    /// Shows one host.
    Show("hosts.show"): Get "/api/v1/hosts/{host}" => 200 Json { path: ByHost, response: Host }
    /// Changes a host's name, tags, presence mode and limits.
    Update("hosts.update"): Put "/api/v1/hosts/{host}" => 200 Json conditional { path: ByHost, body: HostChange, response: Host }
    /// Removes a host: its agent's trust ends at once, its history stays readable.
    Delete("hosts.delete"): Delete "/api/v1/hosts/{host}" => 204 Empty { path: ByHost, response: Nothing }
    /// Removes for good what is kept of a removed host: its record, jobs, logs and snapshot lists. Repositories and the audit log are not touched.
    Purge("hosts.purge"): Post "/api/v1/hosts/{host}/purge" => 204 Empty { path: ByHost, body: PurgeRequest, response: Nothing }
    /// Replaces the token of a host's agent, at once or when it next connects; its work goes on.
    RotateToken("hosts.rotate-token"): Post "/api/v1/hosts/{host}/token" => 204 Empty { path: ByHost, response: Nothing }
    /// Makes a one-time token with which a new agent takes over a host's record and history; the old agent is then cut off.
    Invite("hosts.invite"): Post "/api/v1/hosts/{host}/enrolment" => 201 Json { path: ByHost, response: Invitation }
    /// Shows what the backups of a host came to, day by day.
    Statistics("hosts.statistics"): Get "/api/v1/hosts/{host}/statistics" => 200 Json { path: ByHost, query: StatisticsQuery, response: HostStatistics }
    /// Lists the repositories that a host uses.
    Attachments("attachments.list"): Get "/api/v1/hosts/{host}/repositories" => 200 Json { path: ByHost, response: Page<Attachment> }
    /// Attaches a host to a repository, or changes the attachment.
    Attach("attachments.set"): Put "/api/v1/hosts/{host}/repositories/{repository}" => 200 Json { path: ByHostAndRepository, body: AttachmentChange, response: Attachment }
    /// Makes a repository anew of which there are keys alone, in a folder of the host: it removes them where nothing else is there.
    Remake("attachments.remake"): Post "/api/v1/hosts/{host}/repositories/{repository}/remake" => 202 Json { path: ByHostAndRepository, response: Job }
    /// Detaches a host from a repository.
    Detach("attachments.delete"): Delete "/api/v1/hosts/{host}/repositories/{repository}" => 204 Empty { path: ByHostAndRepository, response: Nothing }
}

/// One host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByHost {
    /// The host's id.
    pub host: HostId,
}

/// How much history is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct StatisticsQuery {
    /// The last so many days, 1 to 400; 90 when absent.
    pub days: Option<u32>,
}

/// What the backups of a host came to, day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct HostStatistics {
    /// Days on which a backup made a snapshot, oldest first; the others are missing.
    pub days: Vec<DayOfBackups>,
}

/// What the backups of a host on one day came to, over all its source groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct DayOfBackups {
    /// The day's first moment, in UTC.
    pub start: Timestamp,
    /// How many backups made a snapshot.
    pub runs: u64,
    /// Bytes that the newest backups of the source groups looked at: those of this day, and of groups without one the
    /// newest before, as far back as was asked for.
    pub bytes: u64,
    /// Bytes that they added to repositories.
    pub bytes_added: u64,
    /// How long restic ran, in milliseconds.
    pub duration_milliseconds: u64,
}

/// One host and one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByHostAndRepository {
    /// The host's id.
    pub host: HostId,
    /// The repository's id.
    pub repository: RepositoryId,
}

/// Which hosts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only hosts with this tag.
    pub tag: Option<String>,
    /// Only hosts of this health.
    pub health: Option<Health>,
    /// Only hosts whose name contains this.
    pub text: Option<String>,
    /// Only hosts whose agent does not have the configuration that it shall have.
    pub drift: Option<bool>,
    /// Removed hosts, whose history is kept, in place of the others. Health and drift then mean nothing.
    pub deleted: Option<bool>,
    /// By name when absent.
    pub sort: Option<Sort>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// The order of a list of hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// Soonest next run first; hosts without one last.
    NextRun,
    /// Longest without a good backup first; hosts without any before them.
    LastGood,
}

/// A machine with an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its name, unique among hosts.
    pub name: String,
    /// The name under which restic records its snapshots: the one it enrolled with, whatever it is called since.
    #[serde(default)]
    pub restic_name: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// How fast restic may be on it.
    #[serde(default)]
    pub bandwidth: Bandwidth,
    /// Whether its agent is connected.
    pub presence: Presence,
    /// Whether its data can be restored.
    pub health: Health,
    /// When its agent enrolled.
    pub enrolled_at: Timestamp,
    /// Since when its agent's token is in force; absent when another is wanted as soon as it connects.
    #[serde(default)]
    pub token_since: Option<Timestamp>,
    /// When its agent was last seen.
    #[serde(default)]
    pub last_seen_at: Option<Timestamp>,
    /// The address its agent last came from.
    #[serde(default)]
    pub address: Option<String>,
    /// What its agent says of it.
    pub facts: HostFacts,
    /// The last backup that ended.
    #[serde(default)]
    pub last_backup: Option<LastBackup>,
    /// Of the last backups of its source groups the one that ended worst; none that was skipped or cancelled.
    #[serde(default)]
    pub worst_backup: Option<LastBackup>,
    /// Time of the newest snapshot that was seen in a repository.
    #[serde(default)]
    pub last_snapshot_at: Option<Timestamp>,
    /// Snapshots seen in its repositories.
    pub snapshots: u64,
    /// Bytes of files in its newest snapshot, where known.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// A job that is running now.
    #[serde(default)]
    pub running_job: Option<JobId>,
    /// When one of its schedules runs next, before jitter.
    #[serde(default)]
    pub next_run_at: Option<Timestamp>,
    /// Until when the newest snapshots of all its source groups count as fresh, by what its schedules promise.
    #[serde(default)]
    pub fresh_until: Option<Timestamp>,
    /// How the backups of its last 30 days ended; days without any are missing, the newest comes last.
    #[serde(default)]
    pub days: Vec<Day>,
    /// What its agent shall do by itself, and whether it knows.
    #[serde(default)]
    pub configuration: Configuration,
    /// Whether it is the runner of a repository: trusted with a credential that may delete.
    #[serde(default)]
    pub is_runner: bool,
    /// When it was removed; its history is kept until it is purged.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// Version of its settings.
    pub version: i64,
}

/// How the backups of one day ended, by the day on which each was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Day {
    /// When the day begins, in UTC.
    pub start: Timestamp,
    /// Backups that succeeded.
    pub good: u32,
    /// Backups that left something out.
    pub incomplete: u32,
    /// Backups that failed.
    pub failed: u32,
    /// Runs of schedules that did not take place although they should have.
    pub missed: u32,
}

/// Schedules, source groups and repositories of a host as its agent keeps them, so that it runs without the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Configuration {
    /// The number of the one that the agent shall have; absent before there was any.
    pub wanted: Option<u64>,
    /// The number of the one that the agent has.
    pub held: Option<u64>,
    /// Since when the two differ; absent while they are the same.
    pub drift_since: Option<Timestamp>,
    /// Why the agent would not take it; empty when it has not said.
    pub refusal: String,
}

/// The last backup of a host that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct LastBackup {
    /// The job.
    pub job: JobId,
    /// How it ended.
    pub state: JobState,
    /// Why it ended so.
    pub cause: Cause,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// The removal of a removed host's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct PurgeRequest {
    /// The host's name, typed once more.
    pub host_name: String,
}

/// What of a host can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct HostChange {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// Up to 32 tags, each 1 to 32 characters: letters, digits, `.`, `-`, `_`, `:`.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// How fast restic may be on it, in every job. Not limited when absent.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
}

/// A host uses a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Attachment {
    /// The host.
    pub host: Reference<HostId>,
    /// The repository.
    pub repository: Reference<RepositoryId>,
    /// The location as seen from this host, where it differs.
    #[serde(default)]
    pub location: Option<String>,
    /// What this host found at the location.
    pub state: RepositoryState,
    /// The words that prove the state.
    #[serde(default)]
    pub detail: String,
    /// What to do about the state; empty when it is good.
    #[serde(default)]
    pub next_step: String,
    /// When the state was found.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
}

/// How a host uses a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct AttachmentChange {
    /// The location as seen from this host, where it differs from the repository's own.
    #[serde(default)]
    pub location: Option<String>,
}
