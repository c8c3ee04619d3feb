//! What a host's schedules promise, kept on its row: when one of them runs next, and until when its newest snapshot
//! counts as fresh.

use core::time::Duration;
use restic_manager_core::{
    freshness::{Promise, fresh_until},
    schedule::Timetable,
};
use restic_manager_proto::{HostId, Timestamp};
use restic_manager_store::{Error, Transaction, schedules::Schedule};

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
    let promises: Vec<_> = schedules.iter().filter_map(promise).collect();
    let next_run = promises.iter().filter_map(|promise| promise.timetable.after(now).next()).min();
    let fresh_until = row.last_snapshot.map(|snapshot| fresh_until(snapshot, row.presence_mode, &promises));
    if (row.next_run, row.fresh_until) != (next_run, fresh_until) {
        transaction.hosts().plan(host, next_run, fresh_until).await?;
    }
    Ok(())
}

/// What an enabled schedule promises. One whose times this build cannot read promises nothing.
fn promise(schedule: &Schedule) -> Option<Promise> {
    let timetable = Timetable::parse(&schedule.cron, &schedule.zone).ok().filter(|_| schedule.enabled)?;
    Some(Promise { timetable, jitter: Duration::from_secs(schedule.jitter_seconds.into()) })
}
