//! Whether a host's data can be restored, judged from facts alone.

use core::time::Duration;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Health, JobState},
};
use restic_manager_store::hosts::Host;

/// A snapshot older than this is overdue: one night may be missed, two may not.
const FRESH: Duration = Duration::from_secs(36 * 60 * 60);

pub(super) fn health(host: &Host, now: Timestamp) -> Health {
    let last = host.last_backup.as_ref().map(|last| last.state);
    if matches!(last, Some(JobState::Failed | JobState::Incomplete)) {
        return Health::Failing;
    }
    match host.last_snapshot {
        None => Health::Unknown,
        Some(snapshot) if now.since(snapshot) <= FRESH => Health::Good,
        Some(_) => Health::Overdue,
    }
}
