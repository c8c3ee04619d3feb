//! What repositories hold, as jobs measure it.

use core::time::Duration;
use restic_manager_core::upkeep as rules;
use restic_manager_proto::{
    JobEnd, RepositoryId, Timestamp,
    vocabulary::{JobKind, JobState},
};
use restic_manager_store::{Error, Transaction, jobs::Job, measurements::Measurement};

use super::duty::hours_of;

/// For so many days measurements are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(MOST_DAYS as u64 * 86_400);
pub(crate) const MOST_DAYS: u32 = 400;

/// Keeps what a job measured.
pub(super) async fn record(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
    end: &JobEnd,
    at: Timestamp,
) -> Result<(), Error> {
    match end.statistics.measured {
        Some(measured) if end.state == JobState::Succeeded => {
            transaction.measurements().record(&Measurement { repository, at, measured }).await
        }
        _ => Ok(()),
    }
}

/// After a job that changed what a repository holds, it is measured before its cadence asks for it.
pub(super) async fn bring_forward(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
    job: &Job,
    end: &JobEnd,
    now: Timestamp,
) -> Result<(), Error> {
    let changes =
        matches!(job.kind, JobKind::Backup | JobKind::Forget | JobKind::Prune) && !job.options.is_dry_run();
    if !changes || !matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
        return Ok(());
    }
    let Some(mut duty) = transaction.upkeep().find(repository, JobKind::Statistics).await? else {
        return Ok(());
    };
    let (Some(due), Some(every), None) = (duty.due, duty.every_hours, duty.job) else { return Ok(()) };
    let again = rules::measured_again(due, hours_of(every), duty.effective, now);
    // One that was never planned is planned by the round that looks for what is due.
    if duty.since == rules::UNPLANNED || again >= due {
        return Ok(());
    }
    duty.due = Some(again);
    transaction.upkeep().set(&duty).await
}
