//! When source groups are backed up.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, Reference, endpoints, hosts::ByHost};
use crate::{Bandwidth, HostId, Misfire, ScheduleId, SourceGroupId, Timestamp};

endpoints! {
    /// Lists a host's schedules by name.
    List("schedules.list"): Get "/api/v1/hosts/{host}/schedules" => 200 Json { path: ByHost, response: Page<Schedule> }
    /// Shows one schedule.
    Show("schedules.show"): Get "/api/v1/schedules/{schedule}" => 200 Json { path: BySchedule, response: Schedule }
    /// Makes a schedule on a host.
    Create("schedules.create"): Post "/api/v1/hosts/{host}/schedules" => 201 Json { path: ByHost, body: ScheduleChange, response: Schedule }
    /// Changes a schedule.
    Update("schedules.update"): Put "/api/v1/schedules/{schedule}" => 200 Json conditional { path: BySchedule, body: ScheduleChange, response: Schedule }
    /// Removes a schedule; the jobs that it started stay.
    Delete("schedules.delete"): Delete "/api/v1/schedules/{schedule}" => 204 Empty { path: BySchedule, response: Nothing }
    /// Says when a schedule with these times would run next.
    Preview("schedules.preview"): Post "/api/v1/schedules/preview" => 200 Json { body: Times, response: NextRuns }
    /// Lists the names of the time zones that a schedule can follow.
    Zones("schedules.zones"): Get "/api/v1/time-zones" => 200 Json { response: TimeZones }
}

/// One schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySchedule {
    /// The schedule's id.
    pub schedule: ScheduleId,
}

/// When source groups of one host are backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The host it belongs to.
    pub host: Reference<HostId>,
    /// Its name, unique on its host.
    pub name: String,
    /// The times, in five fields: minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// The IANA name of the time zone whose clock the times follow.
    pub zone: String,
    /// What becomes of a run that could not start in time, because the host was off or asleep.
    pub misfire: Misfire,
    /// Each run starts up to so many seconds after its time, always the same for one host and time.
    pub jitter_seconds: u32,
    /// How fast restic may be in its runs; the host's limits count too.
    #[serde(default)]
    pub bandwidth: Bandwidth,
    /// Whether it runs.
    pub enabled: bool,
    /// What it backs up, in this order.
    pub source_groups: Vec<Reference<SourceGroupId>>,
    /// When it runs next; absent while it is switched off.
    #[serde(default)]
    pub next_run: Option<Run>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// A schedule as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct ScheduleChange {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// Five fields: minute, hour, day of the month, month, day of the week, such as `30 2 * * mon-fri`.
    pub cron: String,
    /// The IANA name of a time zone, such as `Europe/Berlin`.
    pub zone: String,
    /// What becomes of a run that could not start in time; it runs once when absent.
    #[serde(default)]
    pub misfire: Misfire,
    /// Up to 43,200: each run starts up to so many seconds after its time; 0 when absent.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 43_200)))]
    pub jitter_seconds: u32,
    /// How fast restic may be in its runs; the host's limits count too. Not limited when absent.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
    /// Whether it runs; it does when absent.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// 1 to 64 source groups of the host, each once, in the order in which they run.
    pub source_groups: Vec<SourceGroupId>,
}

const fn yes() -> bool {
    true
}

/// The times of a schedule that may not exist yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Times {
    /// Five fields: minute, hour, day of the month, month, day of the week, such as `30 2 * * mon-fri`.
    pub cron: String,
    /// The IANA name of a time zone, such as `Europe/Berlin`.
    pub zone: String,
}

/// When a schedule with these times runs next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct NextRuns {
    /// The next five runs, before jitter.
    pub runs: Vec<Run>,
}

/// A moment at which a schedule runs, before jitter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Run {
    /// The moment.
    pub at: Timestamp,
    /// The same by the clock of the schedule's zone, such as `2026-11-23 02:30 CET`.
    pub local: String,
    /// What the zone's clock does to it, when it is put forward or back around that time; else empty.
    #[serde(default)]
    pub note: String,
}

/// The time zones that a schedule can follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct TimeZones {
    /// Their IANA names, sorted.
    pub zones: Vec<String>,
}
