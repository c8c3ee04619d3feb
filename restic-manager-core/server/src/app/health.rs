//! Whether a host's data can be restored, judged from facts alone.

use restic_manager_core::maintenance;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Health, JobState},
};
use restic_manager_store::hosts::{Backups, Host};

use crate::domain::maintenance::Windows;

pub(super) fn of_host(host: &Host, windows: &Windows, now: Timestamp) -> Health {
    let is_fresh = host.fresh_until.map(|until| until > now);
    let health = judge(host.worst_backup.as_ref().map(|worst| worst.state), is_fresh);
    if windows.hold(host, now) { maintenance::health(health) } else { health }
}

/// By how the last backup ended, at worst, and whether what was backed up is fresh.
pub(super) const fn judge(worst_backup: Option<JobState>, is_fresh: Option<bool>) -> Health {
    match (worst_backup, is_fresh) {
        (Some(JobState::Failed | JobState::Incomplete), _) => Health::Failing,
        (_, None) => Health::Unknown,
        (_, Some(true)) => Health::Good,
        (_, Some(false)) => Health::Overdue,
    }
}

/// What the store lists for a health. Who of the overdue is under maintenance is judged one by one.
pub(super) const fn listed(health: Health, now: Timestamp) -> Backups {
    match health {
        Health::Failing => Backups::Failing,
        Health::Good => Backups::FreshAt(now),
        Health::Overdue | Health::Maintenance => Backups::StaleAt(now),
        _ => Backups::Unknown,
    }
}
