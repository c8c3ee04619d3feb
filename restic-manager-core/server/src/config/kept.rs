//! How long what has happened is kept.

use core::time::Duration;

/// How long, and how much, of what has happened is kept. What runs or waits is kept whatever its age; the audit log is never
/// cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Jobs, from their end on; their logs go with them.
    pub jobs: Duration,
    /// Jobs that have ended, at most: the oldest go first.
    pub most_jobs: u64,
    /// The lines of their logs.
    pub logs: Duration,
    /// Jobs that have ended and whose logs are kept, at most.
    pub most_logs: u64,
    /// What retention policies that were tried would have done.
    pub previews: Duration,
    /// Alerts, from when they were resolved.
    pub alerts: Duration,
    /// Notifications that were delivered or given up.
    pub notifications: Duration,
    /// Invitations and API tokens that open nothing any more.
    pub tokens: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Kept {
    fn default() -> Self {
        Self {
            jobs: DAY * 365,
            most_jobs: 1_000_000,
            logs: DAY * 90,
            most_logs: 100_000,
            previews: DAY * 7,
            alerts: DAY * 90,
            notifications: DAY * 30,
            tokens: DAY * 90,
        }
    }
}
