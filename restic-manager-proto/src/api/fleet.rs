//! The whole fleet in one line.

use serde::{Deserialize, Serialize};

use super::endpoints;
use crate::Timestamp;

endpoints! {
    /// Counts the fleet by health.
    Show("fleet.show"): Get "/api/v1/fleet" => 200 Json { response: Fleet }
}

/// The fleet by health. The healths add up to `hosts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Fleet {
    /// Enrolled hosts.
    pub hosts: u64,
    /// Hosts with a fresh snapshot that was seen in a repository.
    pub good: u64,
    /// Hosts whose newest snapshot is too old.
    pub overdue: u64,
    /// Hosts whose last backup failed or was incomplete.
    pub failing: u64,
    /// Hosts of which no snapshot was seen.
    pub unknown: u64,
    /// Hosts whose newest snapshot is too old, while they are under maintenance.
    pub maintenance: u64,
    /// Hosts whose agent is connected.
    pub online: u64,
    /// Jobs that run now.
    pub jobs_running: u64,
    /// Jobs that wait.
    pub jobs_queued: u64,
    /// Enrolment tokens that wait for their host.
    pub enrolments_open: u64,
    /// Hosts that announced themselves and wait for an admin; 0 for who sees a part of the fleet.
    pub pending_hosts: u64,
    /// Critical alerts that nobody has taken on.
    pub alerts_critical: u64,
    /// Warnings that nobody has taken on.
    pub alerts_warning: u64,
    /// Other alerts that nobody has taken on.
    pub alerts_info: u64,
    /// When this was counted.
    pub counted_at: Timestamp,
}
