//! Which job starts now: the rules of `core` applied to what the store knows, and the leases that go with it.

use restic_manager_core::lease::{LEASE_TIME, Reason, Turn, mode_of};
use restic_manager_proto::{
    JobEnd, Timestamp,
    vocabulary::{JobKind, JobState, LeaseState},
};
use restic_manager_store::{
    Error, Transaction,
    jobs::{Job, NewJob},
    leases::{Lease, LeaseQueries},
    repositories::Repository,
};

use crate::parts::{Change, Parts, turns::Candidate};

/// Whether a job waits for its turn.
pub(crate) fn waits(job: &Job) -> bool {
    job.state == JobState::Queued && job.cancel_requested.is_none()
}

/// [`judge`], as a change sees it.
pub(crate) async fn judge_in(change: &mut Change<'_>, job: &Job, active: &[Job]) -> Result<Turn, Error> {
    if mode_of(job.kind).is_none() {
        return Ok(Turn::Start);
    }
    let repository = match job.repository {
        Some(id) => change.repositories().find(id).await?,
        None => None,
    };
    let parts = change.parts();
    judge(parts, change.leases(), repository.as_ref(), job, active).await
}

/// Whether a queued job starts now, and else what it waits for. `active` are the jobs of its host that have not ended.
pub(crate) async fn judge(
    parts: &Parts,
    leases: &mut dyn LeaseQueries,
    repository: Option<&Repository>,
    job: &Job,
    active: &[Job],
) -> Result<Turn, Error> {
    let Some((mode, id)) = mode_of(job.kind).zip(job.repository) else { return Ok(Turn::Start) };
    let first = active.iter().find(|other| {
        let is_before = !waits(other) || other.id < job.id;
        other.id != job.id && other.repository == Some(id) && mode_of(other.kind).is_some() && is_before
    });
    if let Some(first) = first {
        return Ok(Turn::Wait(Reason::Host(first.kind)));
    }
    let parallel = repository.and_then(|repository| repository.parallel);
    parts.turn(leases, Candidate { job: job.id, repository: id, mode, parallel }).await
}

fn lease_of(job: &Job, state: LeaseState, expires: Timestamp) -> Option<Lease> {
    let (mode, repository) = mode_of(job.kind).zip(job.repository)?;
    Some(Lease { job: job.id, repository, host: job.host, kind: job.kind, mode, state, expires, lost: None })
}

/// Gives a job its lease, or its place in the queue.
pub(crate) async fn take(change: &mut Change<'_>, job: &Job, state: LeaseState) -> Result<(), Error> {
    match lease_of(job, state, change.parts().now().after(LEASE_TIME)) {
        Some(lease) => change.leases().take(&lease).await,
        None => Ok(()),
    }
}

/// Gives a job its place, unless it has it; says whether that is news.
pub(crate) async fn place(change: &mut Change<'_>, job: &Job, queue: LeaseState) -> Result<bool, Error> {
    let before = change.leases().find(job.id).await?;
    if before.is_some_and(|place| place.state == queue) {
        return Ok(false);
    }
    take(change, job, queue).await?;
    Ok(true)
}

/// Gives exclusive work its place in the queue as it is asked for, so that nobody who comes later is faster; a host that
/// is not connected gets none.
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
        expires: parts.now().after(LEASE_TIME),
        lost: None,
    };
    transaction.leases().take(&place).await
}

/// A job that runs holds a lease, also where it was given away meanwhile.
pub(crate) async fn reflect(
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

/// An unlock found no lock left: leases of lost holders are released.
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
