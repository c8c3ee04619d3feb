//! What repositories hold: measured by jobs, kept day by day, shown without asking the storage.

use restic_manager_proto::{
    RepositoryId,
    api::repositories::{DayMeasured, DaySize, RepositoryStatistics, Statistics},
    vocabulary::JobKind,
};
use restic_manager_store::{Error, Read, measurements::Measurement};

use super::found;
use crate::{
    call::{Cx, Request},
    domain::statistics::MOST_DAYS,
    failure::Failure,
};

const SHOWN_DAYS: u32 = 90;
/// Days of the trend beside a repository in a list.
const TREND_DAYS: usize = 30;

pub(crate) async fn show(cx: Cx, request: Request<Statistics>) -> Result<RepositoryStatistics, Failure> {
    let days = request.query.days.unwrap_or(SHOWN_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Failure::field("days", format!("1 to {MOST_DAYS}, such as {SHOWN_DAYS}")));
    }
    let mut read = cx.read().await?;
    let id = found::repository(read.repositories(), request.path.repository).await?.id;
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

fn day(row: &Measurement) -> DayMeasured {
    DayMeasured { at: row.at, measured: row.measured }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is read with two digits")]
fn ratio(row: &Measurement) -> Option<f64> {
    (row.measured.raw_bytes > 0).then(|| row.measured.restore_bytes as f64 / row.measured.raw_bytes as f64)
}
