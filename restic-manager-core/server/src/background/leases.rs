//! Leases are renewed while their holders are connected; what a lost holder left is looked for.

use core::time::Duration;
use restic_manager_core::lease::{LEASE_TIME, LOOK_INTERVAL};
use restic_manager_proto::{
    HostId, Scope, Timestamp,
    vocabulary::{JobKind, Trigger},
};
use restic_manager_store::{Audit, Error, PageRequest, jobs::JobScope, leases::Lease, retry};
use std::{collections::BTreeSet, sync::Arc};

use super::rounds;
use crate::{
    domain::jobs::{Wanted, queue::queue},
    parts::Parts,
};

const INTERVAL: Duration = Duration::from_secs(10);
/// Leases and places that are looked at in one round.
const ROUND: usize = 500;
/// Jobs of a repository among which an unlock is looked for.
const RECENT: usize = 20;

pub(super) async fn watch(parts: Arc<Parts>) {
    let since = parts.now();
    rounds::every(&parts, INTERVAL, "renew leases", || renew(&parts, since)).await;
}

/// One round: the heads of all queues are looked at, leases of connected hosts are renewed, and where a holder is gone some host is asked
/// to read the repository's locks.
async fn renew(parts: &Parts, watched_since: Timestamp) -> Result<(), Error> {
    let now = parts.now();
    parts.expire_setups();
    wake_heads(parts).await?;
    let soon = parts.store.read().await?.leases().expired(now.after(LEASE_TIME / 2), ROUND).await?;
    let (here, away): (Vec<_>, Vec<_>) =
        soon.into_iter().partition(|lease| parts.hub.last_seen(lease.host).is_some());
    let here: BTreeSet<HostId> = here.into_iter().map(|lease| lease.host).collect();
    if !here.is_empty() {
        retry(async || {
            let mut change = parts.begin().await?;
            for host in &here {
                change.leases().renew(*host, now.after(LEASE_TIME)).await?;
            }
            change.commit(Audit::Routine("leases were renewed")).await
        })
        .await?;
    }
    // After a start agents need a moment to come back.
    if now.since(watched_since) < LEASE_TIME {
        return Ok(());
    }
    for lease in away.iter().filter(|lease| lease.expires <= now) {
        ask_for_unlock(parts, lease).await?;
    }
    Ok(())
}

/// What was to follow a change may have failed, or its server may have stopped in between.
async fn wake_heads(parts: &Parts) -> Result<(), Error> {
    let mut after = None;
    loop {
        let found = parts.store.read().await?.leases().waited_for(after, ROUND).await?;
        for repository in &found {
            parts.try_wake_next(*repository).await?;
        }
        match found.last() {
            Some(last) if found.len() == ROUND => after = Some(*last),
            _ => return Ok(()),
        }
    }
}

/// The holder of a lease is lost: some host reads the repository's locks, and removes what is its own and dead.
async fn ask_for_unlock(parts: &Parts, lost: &Lease) -> Result<(), Error> {
    let now = parts.now();
    retry(async || {
        let mut change = parts.begin().await?;
        let Some(lease) = change.leases().find(lost.job).await?.filter(|lease| lease.expires <= now) else {
            return Ok(());
        };
        change.leases().lose(lease.job, now, now.after(LOOK_INTERVAL)).await?;
        let attached = change.attachments().of_repository(lease.repository, &Scope::All).await?;
        let connected = |host: HostId| parts.hub.last_seen(host).is_some();
        let host = attached.iter().map(|row| row.host).find(|host| connected(*host));
        let scope = JobScope::Repository(lease.repository);
        let recent = change.jobs().page(scope, &Scope::All, PageRequest::first(RECENT)).await?;
        let is_asked = recent.items.iter().any(|job| job.kind == JobKind::Unlock && !job.state.is_end());
        if let Some(host) = host.filter(|_| !is_asked) {
            let wanted = Wanted::upkeep(host, lease.repository, JobKind::Unlock, Trigger::System);
            queue(&mut change, &wanted.at(&parts.mint, now)).await?;
        }
        change.commit(Audit::Routine("the holder of a lease is lost")).await?;
        tracing::warn!(job.id = %lease.job, repository.id = %lease.repository, host.id = ?host, "the holder of a lease is lost; a host looks for its locks");
        Ok::<_, Error>(())
    })
    .await
}
