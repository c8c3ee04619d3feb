//! Listings of a host's snapshots, from restic's words to the reports of the outbox.

use restic_manager_proto::{
    JobEnd, RepositoryId, SnapshotSeen, Statistics, Timestamp,
    agent::ReportItem,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    command::{CommandError, Filter, Invocation, Snapshots},
    event::Snapshot,
};

use super::{end::Ended, run::Run};

/// Snapshots in one part of a listing, which fits into a frame several times over.
const PART: usize = 250;
const PART_BYTES: usize = 128 * 1024;
/// Most text of one snapshot's paths, and of its tags.
const PATHS_BYTES: usize = 16 * 1024;

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
    run.shared.remember_parents(repository, &seen);
    run.report(parts(repository, at, &seen)).await;
    Ok(seen)
}

/// A listing as it is reported: at least one part, so that an empty listing is news too.
fn parts(repository: RepositoryId, at: Timestamp, seen: &[SnapshotSeen]) -> Vec<ReportItem> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for snapshot in seen {
        let size = serde_json::to_vec(snapshot).map_or(0, |text| text.len());
        let part = parts.last().map_or(0, Vec::len);
        if part == PART || (part > 0 && bytes + size > PART_BYTES) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().expect("there is always a part").push(snapshot.clone());
    }
    let count = parts.len();
    (0_u32..)
        .zip(parts)
        .map(|(part, snapshots)| ReportItem::Snapshots {
            repository,
            at,
            snapshots,
            part,
            last: part as usize + 1 == count,
        })
        .collect()
}

/// A snapshot as it is reported; one without an id cannot be.
fn seen(snapshot: Snapshot) -> Option<SnapshotSeen> {
    let mut seen = SnapshotSeen::new(snapshot.id?, moment(&snapshot.time));
    seen.parent = snapshot.parent;
    seen.hostname = snapshot.hostname;
    seen.username = snapshot.username;
    seen.paths = bounded(snapshot.paths);
    seen.tags = bounded(snapshot.tags);
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

/// As many texts as fit; the last says how many more there are.
fn bounded(mut texts: Vec<String>) -> Vec<String> {
    let mut bytes = 0;
    let fit = texts.iter().take_while(|text| {
        bytes += text.len();
        bytes <= PATHS_BYTES
    });
    let (kept, all) = (fit.count(), texts.len());
    if kept < all {
        texts.truncate(kept);
        texts.push(format!("… {} more", all - kept));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot(number: usize, paths: usize) -> SnapshotSeen {
        let mut snapshot = SnapshotSeen::new(format!("{number:064x}"), Timestamp::from_milliseconds(0));
        snapshot.paths = vec!["/srv/with/a/long/name".repeat(20); paths];
        snapshot
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn parts_hold_everything_in_order_and_say_which_is_last(paths in prop::collection::vec(0..8usize, 0..300)) {
            let seen: Vec<_> = paths.iter().enumerate().map(|(number, &paths)| snapshot(number, paths)).collect();
            let items = parts(RepositoryId::from_bytes([1; 16]), Timestamp::from_milliseconds(0), &seen);
            let mut joined = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let ReportItem::Snapshots { snapshots, part, last, .. } = item else { unreachable!() };
                prop_assert_eq!((*part as usize, *last), (index, index + 1 == items.len()));
                let size = serde_json::to_vec(item).expect("an item is JSON").len();
                prop_assert!(snapshots.len() == 1 || size < 2 * PART_BYTES, "{size} bytes");
                joined.extend_from_slice(snapshots);
            }
            prop_assert!(!items.is_empty(), "an empty listing is news too");
            prop_assert_eq!(joined, seen);
        }
    }

    #[test]
    fn too_many_paths_are_counted_and_not_lost_silently() {
        let texts = bounded(vec!["x".repeat(PATHS_BYTES / 2); 5]);
        assert_eq!((texts.len(), texts[2].as_str()), (3, "… 3 more"));
        assert_eq!(bounded(vec!["a".to_owned()]), ["a"]);
    }
}
