//! What a host's schedules promise and how well its source groups keep it, as its row has it.

use core::time::Duration;
use restic_manager_core::{
    freshness::{Covered, Promise, fresh_until, host_fresh_until},
    schedule::Timetable,
};
use restic_manager_proto::{
    HostId, Timestamp,
    vocabulary::{JobState, PresenceMode},
};
use restic_manager_store::{
    Error, Read, Transaction,
    hosts::{Host, HostPlan, LastBackup},
    schedules::Schedule,
    sources::SourceGroup,
};

/// Brings a host's row up to date. A host that is gone is passed over.
pub(crate) async fn refresh(
    transaction: &mut dyn Transaction,
    host: HostId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(row) = transaction.hosts().find(host).await?.filter(|row| row.deleted.is_none()) else {
        return Ok(());
    };
    let schedules = transaction.schedules().of_host(host).await?;
    let groups = transaction.sources().of_host(host).await?;
    let mut covered = Vec::new();
    for group in &groups {
        let newest = transaction.snapshots().newest_tagged(host, group.repository, &group.tag).await?;
        covered.push(cover(group, newest.map(|one| one.seen.time), &schedules));
    }
    let plan = HostPlan {
        next_run: schedules
            .iter()
            .filter_map(promise)
            .filter_map(|one| one.timetable.after(now).next())
            .min(),
        fresh_until: host_fresh_until(row.last_snapshot, row.presence_mode, &covered),
        worst_backup: groups.into_iter().filter_map(|group| group.last_backup).max_by_key(gravity),
    };
    if plan != row.plan() {
        transaction.hosts().plan(host, &plan).await?;
    }
    // What its schedules promise may be kept or broken now.
    transaction.hosts().watch_by(host, now).await
}

/// A source group with what its schedules promise.
pub(crate) struct Promised {
    pub(crate) group: SourceGroup,
    /// When its newest snapshot was made.
    pub(crate) newest: Option<Timestamp>,
    /// Until when that, or the lack of one, is as promised; `None` where nothing is.
    pub(crate) fresh_until: Option<Timestamp>,
}

/// What the schedules of a host promise of each of its source groups.
pub(crate) async fn promised(read: &mut dyn Read, host: &Host) -> Result<Vec<Promised>, Error> {
    let schedules = read.schedules().of_host(host.id).await?;
    let mut promised = Vec::new();
    for group in read.sources().of_host(host.id).await? {
        let newest = read.snapshots().newest_tagged(host.id, group.repository, &group.tag).await?;
        let newest = newest.map(|one| one.seen.time);
        let Covered { since, promises } = cover(&group, newest, &schedules);
        let fresh_until = (!promises.is_empty()).then(|| fresh_until(since, host.presence_mode, &promises));
        promised.push(Promised { group, newest, fresh_until });
    }
    Ok(promised)
}

/// A source group's newest snapshot, and until when it counts as fresh.
pub(crate) async fn freshness(
    read: &mut dyn Read,
    group: &SourceGroup,
    presence: PresenceMode,
    schedules: &[Schedule],
) -> Result<(Option<Timestamp>, Option<Timestamp>), Error> {
    let newest = read.snapshots().newest_tagged(group.host, group.repository, &group.tag).await?;
    let newest = newest.map(|one| one.seen.time);
    let covered = cover(group, newest, schedules);
    Ok((newest, newest.map(|newest| fresh_until(newest, presence, &covered.promises))))
}

fn cover(group: &SourceGroup, newest: Option<Timestamp>, schedules: &[Schedule]) -> Covered {
    let runs_it = schedules.iter().filter(|schedule| schedule.groups.contains(&group.id));
    Covered { since: newest.unwrap_or(group.created), promises: runs_it.filter_map(promise).collect() }
}

/// What an enabled schedule promises. One whose times this build cannot read promises nothing.
fn promise(schedule: &Schedule) -> Option<Promise> {
    let timetable = Timetable::parse(&schedule.cron, &schedule.zone).ok().filter(|_| schedule.enabled)?;
    Some(Promise { timetable, jitter: Duration::from_secs(schedule.jitter_seconds.into()) })
}

/// Orders ends of backups: what failed before what was incomplete, and the newest of each.
fn gravity(last: &LastBackup) -> (bool, bool, Timestamp) {
    (last.state == JobState::Failed, last.state == JobState::Incomplete, last.ended)
}
