//! Which job starts now: the rules of `core` applied to what the store knows, and the leases that go with it.

use restic_manager_core::lease::{
    self, Budgets, Facts, Holder, LEASE_TIME, LOOK_INTERVAL, PLACE_TIME, Reason, Verdict, mode_of,
};
use restic_manager_proto::{
    HostId, JobEnd, RepositoryId, Scope, Timestamp,
    vocabulary::{JobKind, JobState, LeaseState, Trigger},
};
use restic_manager_store::{
    Audit, Error, PageRequest, Transaction,
    jobs::{Job, JobScope, NewJob},
    leases::{Lease, LeaseQueries},
    repositories::Repository,
    retry,
};
use std::collections::BTreeSet;

use crate::{app::jobs::Wanted, parts::Parts};

/// Leases and places that are looked at in one round.
const ROUND: usize = 500;
/// Jobs of a repository among which an unlock is looked for.
const RECENT: usize = 20;

/// Claims the oldest job of a host that may start, and the lease that it needs. Those that must wait get their places.
pub(super) async fn claim(parts: &Parts, host: HostId) -> Result<Option<Job>, Error> {
    // Within one server one at a time: all would meet at the fleet's budget anyway.
    let _turn = parts.claims.lock().await;
    let claimed = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let active = transaction.jobs().active_of(host).await?;
        let (mut tried, mut placed) = (BTreeSet::new(), false);
        for job in active.iter().filter(|job| waits(job)) {
            let needed = mode_of(job.kind).zip(job.repository);
            if let Some((_, repository)) = needed {
                if !tried.insert(repository) {
                    continue;
                }
                match judge_in(parts, transaction.as_mut(), job, &active).await? {
                    Verdict::Start => take(parts, transaction.as_mut(), job, LeaseState::Held).await?,
                    Verdict::Wait(reason) => {
                        if let Some(queue) = reason.queue() {
                            placed |= place(parts, transaction.as_mut(), job, queue).await?;
                        }
                        continue;
                    }
                }
            }
            transaction.jobs().dispatch(job.id, parts.now()).await?;
            let claimed = transaction.jobs().find(job.id).await?;
            transaction.commit(Audit::Routine("a job was dispatched")).await?;
            return Ok(claimed);
        }
        if placed {
            transaction.commit(Audit::Routine("a job waits in the queue")).await?;
        }
        Ok::<_, Error>(None)
    });
    let claimed = claimed.await?;
    if let Some(repository) = claimed.as_ref().and_then(|job| job.repository) {
        // There may be room for the next one too.
        wake_next(parts, repository).await?;
    }
    Ok(claimed)
}

fn waits(job: &Job) -> bool {
    job.state == JobState::Queued && job.cancel_requested.is_none()
}

async fn judge_in(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    job: &Job,
    active: &[Job],
) -> Result<Verdict, Error> {
    let repository = match job.repository {
        Some(id) => transaction.repositories().find(id).await?,
        None => None,
    };
    judge(parts, transaction.leases(), repository.as_ref(), job, active).await
}

/// Whether a queued job starts now, and else what it waits for. `active` are the jobs of its host that have not ended.
pub(crate) async fn judge(
    parts: &Parts,
    leases: &mut dyn LeaseQueries,
    repository: Option<&Repository>,
    job: &Job,
    active: &[Job],
) -> Result<Verdict, Error> {
    let Some((mode, id)) = mode_of(job.kind).zip(job.repository) else { return Ok(Verdict::Start) };
    let first = active.iter().find(|other| {
        let is_before = !waits(other) || other.id < job.id;
        other.id != job.id && other.repository == Some(id) && mode_of(other.kind).is_some() && is_before
    });
    if let Some(first) = first {
        return Ok(Verdict::Wait(Reason::Host(first.kind)));
    }
    let now = parts.now();
    let crowd = leases.crowd(job.id, id, now).await?;
    let fleet = leases.fleet_crowd(job.id, now).await?;
    let holder = |lease: Lease| Holder { kind: lease.kind, is_lost: lease.lost.is_some() };
    let chosen = repository.and_then(|repository| repository.parallel).map(u64::from);
    let budgets = parts.config.budgets;
    Ok(lease::decide(&Facts {
        mode,
        host: None,
        exclusive: crowd.exclusive.map(holder),
        holder: crowd.oldest.map(holder),
        ahead: crowd.ahead.map(|ahead| ahead.kind),
        held: crowd.held,
        fleet_held: fleet.held,
        fleet_ahead: fleet.ahead,
        budgets: Budgets { repository: chosen.unwrap_or(budgets.repository), fleet: budgets.fleet },
    }))
}

fn lease_of(job: &Job, state: LeaseState, expires: Timestamp) -> Option<Lease> {
    let (mode, repository) = mode_of(job.kind).zip(job.repository)?;
    Some(Lease { job: job.id, repository, host: job.host, kind: job.kind, mode, state, expires, lost: None })
}

async fn take(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    job: &Job,
    state: LeaseState,
) -> Result<(), Error> {
    let time = if state == LeaseState::Held { LEASE_TIME } else { PLACE_TIME };
    match lease_of(job, state, parts.now().after(time)) {
        Some(lease) => transaction.leases().take(&lease).await,
        None => Ok(()),
    }
}

/// Gives a job its place, unless it has it for a while yet; says whether that is news.
async fn place(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    job: &Job,
    queue: LeaseState,
) -> Result<bool, Error> {
    let fresh = parts.now().after(PLACE_TIME / 2);
    let before = transaction.leases().find(job.id).await?;
    if before.is_some_and(|place| place.state == queue && place.expires > fresh) {
        return Ok(false);
    }
    take(parts, transaction, job, queue).await?;
    Ok(true)
}

/// Gives exclusive work its place as it is asked for, so that nobody who comes later is faster; a host that is away
/// holds up nobody.
pub(crate) async fn reserve(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    new: &NewJob,
) -> Result<(), Error> {
    let here = parts.hub.last_seen(new.host).is_some();
    let Some((mode, repository)) = mode_of(new.kind).zip(new.repository).filter(|_| here) else {
        return Ok(());
    };
    let place = Lease {
        job: new.id,
        repository,
        host: new.host,
        kind: new.kind,
        mode,
        state: LeaseState::WaitsForRepository,
        expires: parts.now().after(PLACE_TIME),
        lost: None,
    };
    transaction.leases().take(&place).await
}

/// A job runs, whoever started it: what it uses is used.
pub(super) async fn reflect(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    job: &Job,
) -> Result<(), Error> {
    let held = transaction.leases().find(job.id).await?.is_some_and(|lease| lease.state == LeaseState::Held);
    match lease_of(job, LeaseState::Held, parts.now().after(LEASE_TIME)) {
        Some(lease) if !held => transaction.leases().reflect(&lease).await,
        _ => Ok(()),
    }
}

/// An unlock that found no lock left: whoever is lost uses the repository no more.
pub(crate) async fn note_end(
    transaction: &mut dyn Transaction,
    before: &Job,
    end: &JobEnd,
) -> Result<(), Error> {
    let looked = before.kind == JobKind::Unlock && end.state == JobState::Succeeded;
    if let Some(repository) = before.repository.filter(|_| looked && end.statistics.locks_left == Some(0)) {
        for lease in transaction.leases().release_lost(repository).await? {
            tracing::info!(job.id = %lease.job, repository.id = %repository, "the lease of a lost holder was released");
        }
    }
    Ok(())
}

/// Tells those who wait first, in the repository and in the fleet, that there may be room. Call it after the commit.
pub(crate) async fn wake_next(parts: &Parts, repository: RepositoryId) -> Result<(), Error> {
    let now = parts.now();
    let mut read = parts.store.read().await?;
    let next = read.leases().next_in(repository, now).await?;
    let first = read.leases().waiting(now, 1).await?;
    for lease in next.into_iter().chain(first) {
        parts.hub.wake(lease.host);
    }
    Ok(())
}

/// One round: who waits asks again, who is connected keeps what they hold, and who is lost is looked after.
pub(crate) async fn look(parts: &Parts, watched_since: Timestamp) -> Result<(), Error> {
    let now = parts.now();
    let mut read = parts.store.read().await?;
    for lease in read.leases().waiting(now, ROUND).await? {
        parts.hub.wake(lease.host);
    }
    let soon = read.leases().expired(now.after(LEASE_TIME / 2), ROUND).await?;
    drop(read);
    let (here, away): (Vec<_>, Vec<_>) =
        soon.into_iter().partition(|lease| parts.hub.last_seen(lease.host).is_some());
    let here: BTreeSet<HostId> = here.into_iter().map(|lease| lease.host).collect();
    if !here.is_empty() {
        retry(async || {
            let mut transaction = parts.store.begin().await?;
            for host in &here {
                transaction.leases().renew(*host, now.after(LEASE_TIME)).await?;
            }
            transaction.commit(Audit::Routine("leases were renewed")).await
        })
        .await?;
    }
    // After a start agents need a moment to come back.
    if now.since(watched_since) < LEASE_TIME {
        return Ok(());
    }
    for lease in away.iter().filter(|lease| lease.expires <= now) {
        look_after(parts, lease).await?;
    }
    Ok(())
}

/// The holder of a lease is lost: some host reads the repository's locks, and removes what is its own and dead.
async fn look_after(parts: &Parts, lost: &Lease) -> Result<(), Error> {
    let now = parts.now();
    let asked = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let Some(lease) = transaction.leases().find(lost.job).await?.filter(|lease| lease.expires <= now)
        else {
            return Ok(None);
        };
        transaction.leases().lose(lease.job, now, now.after(LOOK_INTERVAL)).await?;
        let attached = transaction.attachments().of_repository(lease.repository, &Scope::All).await?;
        let connected = |host: HostId| parts.hub.last_seen(host).is_some();
        let host = attached.iter().map(|row| row.host).find(|host| connected(*host));
        let scope = JobScope::Repository(lease.repository);
        let recent = transaction.jobs().page(scope, &Scope::All, PageRequest::first(RECENT)).await?;
        let is_asked = recent.items.iter().any(|job| job.kind == JobKind::Unlock && !job.state.is_end());
        if let Some(host) = host.filter(|_| !is_asked) {
            let wanted = Wanted::upkeep(host, lease.repository, JobKind::Unlock, Trigger::System);
            transaction.jobs().queue(&wanted.at(&parts.mint, now)).await?;
        }
        transaction.commit(Audit::Routine("the holder of a lease is lost")).await?;
        Ok::<_, Error>(host)
    });
    if let Some(host) = asked.await? {
        tracing::warn!(job.id = %lost.job, repository.id = %lost.repository, "the holder of a lease is lost; its lock is looked after");
        parts.hub.wake(host);
    }
    Ok(())
}
