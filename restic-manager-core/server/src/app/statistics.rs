//! What repositories hold: measured by jobs, kept day by day, shown without asking the storage.

use restic_manager_proto::{
    RepositoryId, Timestamp,
    api::{
        hosts::{self, DayOfBackups, HostStatistics},
        repositories::{DayMeasured, DaySize, RepositoryStatistics, Statistics},
    },
    vocabulary::JobKind,
};
use restic_manager_store::{Error, Read, backup_days::BackupDay, measurements::Measurement};
use std::collections::BTreeMap;

use super::found;
use crate::{
    call::{Cx, Request},
    domain::statistics::MOST_DAYS,
    failure::Failure,
};

const SHOWN_DAYS: u32 = 90;
/// Days of the trend beside a repository in a list.
const TREND_DAYS: usize = 30;

/// What the backups of a host came to.
pub(crate) async fn of_host(cx: Cx, request: Request<hosts::Statistics>) -> Result<HostStatistics, Failure> {
    let days = days(request.query.days)?;
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?.id;
    let since = BackupDay::of(cx.now()) + 1 - i64::from(days);
    let rows = read.backup_days().of_host(host, since).await?;
    Ok(HostStatistics { days: joined(&rows) })
}

/// The days of all source groups together. A group that was not backed up on a day still holds what it held before.
fn joined(rows: &[BackupDay]) -> Vec<DayOfBackups> {
    let mut sizes = BTreeMap::new();
    let mut days: Vec<DayOfBackups> = Vec::new();
    for row in rows {
        sizes.insert(row.source_group, row.bytes_processed);
        let start = Timestamp::from_milliseconds(row.day.saturating_mul(86_400_000));
        if days.last().is_none_or(|last| last.start != start) {
            days.push(DayOfBackups { start, runs: 0, bytes: 0, bytes_added: 0, duration_milliseconds: 0 });
        }
        let Some(day) = days.last_mut() else { continue };
        day.runs += row.runs;
        day.bytes = sizes.values().sum();
        day.bytes_added += row.bytes_added;
        day.duration_milliseconds += row.milliseconds;
    }
    days
}

fn days(wanted: Option<u32>) -> Result<u32, Failure> {
    let days = wanted.unwrap_or(SHOWN_DAYS);
    if (1..=MOST_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(Failure::field("days", format!("1 to {MOST_DAYS}, such as {SHOWN_DAYS}")))
}

pub(crate) async fn show(cx: Cx, request: Request<Statistics>) -> Result<RepositoryStatistics, Failure> {
    let days = days(request.query.days)?;
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
