//! What repositories hold: measured by jobs, kept day by day, shown without asking the storage.

use core::time::Duration;
use restic_manager_core::upkeep as rules;
use restic_manager_proto::{
    JobEnd, RepositoryId, Timestamp,
    api::repositories::{DayMeasured, DaySize, RepositoryStatistics, Statistics},
    vocabulary::{JobKind, JobState},
};
use restic_manager_store::{Error, Read, Transaction, jobs::Job, measurements::Measurement};

use super::{repositories, upkeep};
use crate::{
    failure::Failure,
    http::{Cx, Request},
};

/// For so many days measurements are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(MOST_DAYS as u64 * 86_400);
const MOST_DAYS: u32 = 400;
const SHOWN_DAYS: u32 = 90;
/// Days of the trend beside a repository in a list.
const TREND_DAYS: usize = 30;

pub(crate) async fn show(cx: Cx, request: Request<Statistics>) -> Result<RepositoryStatistics, Failure> {
    let days = request.query.days.unwrap_or(SHOWN_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Failure::field("days", format!("1 to {MOST_DAYS}, such as {SHOWN_DAYS}")));
    }
    let mut read = cx.read().await?;
    let id = repositories::existing(read.as_mut(), request.path.repository).await?.id;
    let rows = read.measurements().history(id, days as usize).await?;
    let effective = async |read: &mut dyn Read, kind| {
        Ok::<_, Error>(read.upkeep().find(id, kind).await?.and_then(|duty| duty.effective))
    };
    Ok(RepositoryStatistics {
        ratio: rows.last().and_then(ratio),
        last_prune_at: effective(read.as_mut(), JobKind::Prune).await?,
        last_check_at: effective(read.as_mut(), JobKind::Check).await?,
        days: rows.iter().map(day).collect(),
    })
}

/// The newest figures of a repository, and how its size went.
pub(super) async fn trend(
    read: &mut dyn Read,
    repository: RepositoryId,
) -> Result<(Option<DayMeasured>, Vec<DaySize>), Error> {
    let rows = read.measurements().history(repository, TREND_DAYS).await?;
    let sizes = rows.iter().map(|row| DaySize { at: row.at, raw_bytes: row.measured.raw_bytes }).collect();
    Ok((rows.last().map(day), sizes))
}

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
        matches!(job.kind, JobKind::Backup | JobKind::Forget | JobKind::Prune) && !job.options.dry_run;
    if !changes || !matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
        return Ok(());
    }
    let Some(mut duty) = transaction.upkeep().find(repository, JobKind::Statistics).await? else {
        return Ok(());
    };
    let (Some(due), Some(every), None) = (duty.due, duty.every_hours, duty.job) else { return Ok(()) };
    let again = rules::measured_again(due, upkeep::hours_of(every), duty.effective, now);
    // One that was never planned is planned by the round that looks for what is due.
    if duty.since == rules::UNPLANNED || again >= due {
        return Ok(());
    }
    duty.due = Some(again);
    transaction.upkeep().set(&duty).await
}

fn day(row: &Measurement) -> DayMeasured {
    DayMeasured { at: row.at, measured: row.measured }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is read with two digits")]
fn ratio(row: &Measurement) -> Option<f64> {
    (row.measured.raw_bytes > 0).then(|| row.measured.restore_bytes as f64 / row.measured.raw_bytes as f64)
}
