//! Listings of a host's snapshots, from restic's words to the reports of the outbox.

use restic_manager_proto::{
    JobEnd, SnapshotSeen, Statistics, Timestamp,
    agent::ReportItem,
    limits::{PATHS_BYTES, cut_all},
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    command::{CommandError, Filter, Invocation, Snapshots},
    event::Snapshot,
};

use super::{end::Ended, repository, run::Run};

pub(super) fn command(run: &Run<'_>) -> Result<Invocation, CommandError> {
    let mut snapshots = Snapshots::new();
    snapshots.filter = Filter::all();
    snapshots.filter.hosts.push(run.order.host_name.clone());
    run.looking(&snapshots)
}

pub(super) async fn run(run: &mut Run<'_>) -> Result<JobEnd, Ended> {
    let snapshots = list(run).await?;
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.statistics.snapshots_seen = Some(snapshots.len() as u64);
    Ok(end)
}

/// The listing after a backup: when it fails, the snapshot is there all the same.
pub(super) async fn after(run: &mut Run<'_>, statistics: &mut Statistics) {
    match list(run).await {
        Ok(snapshots) => {
            statistics.snapshots_seen = Some(snapshots.len() as u64);
            // restic 0.14 tells eight characters of the id.
            if let Some(short) = &statistics.snapshot {
                let full = snapshots.iter().rev().find(|snapshot| snapshot.id.starts_with(short));
                statistics.snapshot = full.map(|snapshot| snapshot.id.clone()).or(statistics.snapshot.take());
            }
        }
        Err(ended) => {
            let end = ended.into_end();
            let why = if end.detail.is_empty() { end.cause.to_string() } else { end.detail };
            run.log.remark(&format!("the snapshot was made, but the snapshots could not be listed: {why}"));
        }
    }
}

/// Lists this host's snapshots and reports them.
async fn list(run: &mut Run<'_>) -> Result<Vec<SnapshotSeen>, Ended> {
    let invocation = command(run)?;
    // What is made while restic lists is not gone because it is not listed.
    let (repository, at) = (run.order.repository.id, run.shared.clock.now());
    let listed: Vec<Snapshot> = run.document(&invocation, "the listing of the snapshots").await?;
    let seen: Vec<_> = listed.into_iter().filter_map(seen).collect();
    run.shared.remember_parents(repository, &seen, at);
    run.shared.indexing.retain(repository, &seen).await;
    match ReportItem::listing(repository, at, &seen) {
        Some(parts) => run.report(parts).await,
        None => run.log.remark(&format!(
            "{} snapshots are more than a server takes in one listing: its pages show what they were; forget some",
            seen.len()
        )),
    }
    Ok(seen)
}

/// A snapshot as it is reported; one without an id cannot be.
fn seen(snapshot: Snapshot) -> Option<SnapshotSeen> {
    let empty = repository::is_empty(&snapshot);
    let mut seen = SnapshotSeen::new(snapshot.id?, moment(&snapshot.time));
    seen.empty = empty;
    seen.parent = snapshot.parent;
    seen.hostname = snapshot.hostname;
    seen.username = snapshot.username;
    seen.paths = cut_all(snapshot.paths, PATHS_BYTES);
    seen.tags = cut_all(snapshot.tags, PATHS_BYTES);
    seen.program_version = snapshot.program_version;
    if let Some(summary) = snapshot.summary {
        seen.files = Some(summary.total_files_processed);
        seen.bytes = Some(summary.total_bytes_processed);
        seen.bytes_added = Some(summary.data_added);
    }
    Some(seen)
}

/// restic's time to the millisecond.
pub(super) fn moment(time: &restic_manager_restic::Timestamp) -> Timestamp {
    let milliseconds = i64::from(time.nanoseconds() / 1_000_000);
    Timestamp::from_milliseconds(time.unix_seconds().saturating_mul(1000).saturating_add(milliseconds))
}
