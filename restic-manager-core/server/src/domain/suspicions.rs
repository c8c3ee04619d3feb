//! What a listing of snapshots shows that a forget must not act on before a person has looked: snapshots from the future,
//! and those that are older than the source group whose name and tag they carry.

use restic_manager_proto::{
    HostId, RepositoryId, Timestamp, is_future,
    vocabulary::{AlertKind, FreezeCause},
};
use restic_manager_store::{
    Error, alerts::AlertSubject, hosts::Host, snapshots::Snapshot, sources::SourceGroup,
};

use super::{
    alerts::{found, raise, resolve},
    freeze::{Frozen, freeze},
};
use crate::parts::Change;

/// Snapshots that do not count are looked at up to this many, the latest first.
const MOST_LOOKED_AT: usize = 500;
/// So many are named.
const NAMED: usize = 3;

/// Takes note of what a listing showed, after it was recorded. `before` is the moment of the listing before it, of this host
/// in the repository; a long listing is recorded in pieces, the last of them at `at`.
pub(crate) async fn note(
    change: &mut Change<'_>,
    host: &Host,
    repository: RepositoryId,
    at: Timestamp,
    before: Option<Timestamp>,
) -> Result<(), Error> {
    let rows = change.snapshots().uncounted(host.id, MOST_LOOKED_AT).await?;
    let ahead: Vec<_> = rows.into_iter().filter(is_ahead).collect();
    if ahead.is_empty() {
        resolve(change, AlertKind::FutureSnapshot, &AlertSubject::new("host", host.id)).await?;
    }
    let is_new = |row: &Snapshot| row.first_seen == at || before.is_none_or(|before| row.first_seen > before);
    let new: Vec<_> = ahead.into_iter().filter(|row| row.repository == repository && is_new(row)).collect();
    if !new.is_empty() {
        alert(change, host, &new).await?;
    }
    for group in groups_with_policies(change, host.id, repository).await? {
        let its: Vec<_> = new.iter().filter(|row| row.seen.tags == [group.tag.clone()]).collect();
        if let Some(first) = its.first() {
            let reason =
                format!("snapshot {} is dated {}, after it was listed", short(first), first.seen.time);
            freeze(change, Frozen::SourceGroup(&group), FreezeCause::FutureSnapshot, reason).await?;
        }
        if before.is_none() {
            keep_what_is_older(change, &group).await?;
        }
    }
    Ok(())
}

/// Freezes a source group whose policy would act on snapshots that were there before it: those of an earlier group, or of
/// another host of the same name.
pub(crate) async fn keep_what_is_older(change: &mut Change<'_>, group: &SourceGroup) -> Result<(), Error> {
    if group.retention.is_empty() {
        return Ok(());
    }
    let oldest = change.snapshots().oldest_tagged(group.host, group.repository, &group.tag).await?;
    // Its own first snapshot may bear the time of a clock that is behind.
    let Some(older) = oldest.filter(|oldest| is_future(group.created, oldest.seen.time)) else {
        return Ok(());
    };
    let reason = format!(
        "snapshot {} of {} is older than the source group: it is of an earlier one, or of another host of this name",
        short(&older),
        older.seen.time
    );
    freeze(change, Frozen::SourceGroup(group), FreezeCause::OlderSnapshots, reason).await?;
    Ok(())
}

fn is_ahead(row: &Snapshot) -> bool {
    is_future(row.seen.time, row.first_seen)
}

async fn groups_with_policies(
    change: &mut Change<'_>,
    host: HostId,
    repository: RepositoryId,
) -> Result<Vec<SourceGroup>, Error> {
    let mut groups = change.sources().of_host(host).await?;
    groups.retain(|group| group.repository == repository && !group.retention.is_empty());
    Ok(groups)
}

async fn alert(change: &mut Change<'_>, host: &Host, ahead: &[Snapshot]) -> Result<(), Error> {
    let named: Vec<_> =
        ahead.iter().take(NAMED).map(|row| format!("{} of {}", short(row), row.seen.time)).collect();
    let more = ahead.len().saturating_sub(NAMED);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let summary = format!(
        "Snapshots of {} are dated after they were listed: {}{and_more}.",
        host.name,
        named.join(", ")
    );
    let ids: Vec<_> = ahead.iter().take(NAMED).map(|row| row.seen.id.as_str()).collect();
    let detail = serde_json::json!({ "snapshots": ids, "count": ahead.len() });
    let subject = AlertSubject::new("host", host.id);
    let finding = found(change.parts(), AlertKind::FutureSnapshot, subject, &host.name, summary, detail);
    raise(change, &finding).await
}

fn short(row: &Snapshot) -> &str {
    &row.seen.id[..row.seen.id.floor_char_boundary(8)]
}
