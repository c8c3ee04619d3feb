//! Locks in repositories: whose they are, who is asked to remove them, and the alert when upkeep meets one that stays.

use restic_manager_proto::{
    HostId, JobEnd, LockSeen, RepositoryId, Scope,
    api::{
        Reference,
        upkeep::{LocksSeen, OwnedLock},
    },
    vocabulary::{AlertKind, Cause, JobKind, JobState, Trigger},
};
use restic_manager_store::{Error, Read, alerts::AlertSubject, jobs::Job};

use super::{
    alerts::{found, raise, repository_name, resolve},
    jobs::{Wanted, queue::queue},
};
use crate::parts::Change;

/// The hosts that use a repository, by the names that they give themselves, as locks have them.
pub(crate) struct Owners(Vec<(String, HostId, String)>);

impl Owners {
    pub(crate) async fn of(read: &mut dyn Read, repository: RepositoryId) -> Result<Self, Error> {
        let mut owners = Vec::new();
        for row in read.attachments().of_repository(repository, &Scope::All).await? {
            let host = read.hosts().find(row.host).await?.filter(|host| host.deleted.is_none());
            owners.extend(host.map(|host| (host.facts.hostname, host.id, host.name)));
        }
        Ok(Self(owners))
    }

    /// Whose a lock is; nobody's where several hosts have its name.
    fn owner(&self, lock: &LockSeen) -> Option<Reference<HostId>> {
        let mut named = self.0.iter().filter(|(hostname, ..)| *hostname == lock.hostname);
        match (named.next(), named.next()) {
            (Some((_, id, name)), None) => Some(Reference { id: *id, name: name.clone() }),
            _ => None,
        }
    }

    /// The first host that has one of these locks.
    fn first(&self, locks: &[LockSeen]) -> Option<HostId> {
        locks.iter().find_map(|lock| self.owner(lock)).map(|host| host.id)
    }
}

/// The locks that the last job told of, if any were left. `recent` are jobs of the repository, the newest first.
pub(crate) async fn shown(
    read: &mut dyn Read,
    repository: RepositoryId,
    recent: &[Job],
) -> Result<Option<LocksSeen>, Error> {
    let Some((job, locks, count)) = told(recent).filter(|(.., count)| *count > 0) else {
        return Ok(None);
    };
    let owners = Owners::of(read, repository).await?;
    let locks = locks.iter().map(|lock| OwnedLock { host: owners.owner(lock), lock: lock.clone() }).collect();
    Ok(Some(LocksSeen { at: job.ended.unwrap_or(job.created), job: job.id, count, locks }))
}

/// The job that told of locks last, those that it named, and how many were left.
fn told(recent: &[Job]) -> Option<(&Job, &[LockSeen], u64)> {
    let told = recent.iter().filter_map(|job| {
        let statistics = job.statistics.as_ref()?;
        Some((job, statistics.locks.as_slice(), statistics.locks_left?))
    });
    told.max_by_key(|(job, ..)| job.ended)
}

/// The host that is asked to remove locks where nobody names one: the first whose lock was seen.
pub(crate) async fn holder(
    read: &mut dyn Read,
    repository: RepositoryId,
    recent: &[Job],
) -> Result<Option<HostId>, Error> {
    let Some((_, locks, _)) = told(recent) else { return Ok(None) };
    Ok(Owners::of(read, repository).await?.first(locks))
}

/// What the end of a job means for the locks of its repository, within the transaction that ends it.
pub(crate) async fn note_end(change: &mut Change<'_>, before: &Job, end: &JobEnd) -> Result<(), Error> {
    let Some(repository) = before.repository else { return Ok(()) };
    if is_unclean(before, end) {
        // It alone can tell that the process is gone.
        return ask(change, before.host, repository).await;
    }
    let met = before.kind.is_upkeep() && end.cause == Cause::RepositoryLocked;
    // What was asked for by a host's own lock does not ask another in turn.
    let left = before.kind == JobKind::Unlock && before.trigger != Trigger::System;
    if met || left {
        let owners = Owners::of(change.reading(), repository).await?;
        let others: Vec<_> = end.statistics.locks.iter().filter_map(|lock| owners.owner(lock)).collect();
        for host in others.iter().map(|host| host.id).filter(|host| *host != before.host || met) {
            ask(change, host, repository).await?;
        }
    }
    if met {
        return alert(change, repository, before, end).await;
    }
    if before.kind == JobKind::Unlock && end.statistics.locks_removed.is_some_and(|removed| removed > 0) {
        try_again(change, repository).await?;
    }
    let is_free = before.kind == JobKind::Unlock && end.statistics.locks_left == Some(0);
    let worked = matches!(before.kind, JobKind::Forget | JobKind::Prune | JobKind::Check);
    if is_free || worked && end.state == JobState::Succeeded && !before.options.is_dry_run() {
        resolve(change, AlertKind::RepositoryLocked, &AlertSubject::new("repository", repository)).await?;
    }
    Ok(())
}

/// Whether a job ended without its agent having seen to its lock.
fn is_unclean(before: &Job, end: &JobEnd) -> bool {
    let had_begun = before.started.is_some() || end.lock_left;
    before.kind != JobKind::Unlock && had_begun && (end.lock_left || end.cause == Cause::AgentLost)
}

/// Asks a host to look for locks of its own, unless it is asked already.
async fn ask(change: &mut Change<'_>, host: HostId, repository: RepositoryId) -> Result<(), Error> {
    if change.attachments().find(host, repository).await?.is_none() {
        return Ok(());
    }
    let active = change.jobs().active_of(host).await?;
    if active.iter().any(|job| job.kind == JobKind::Unlock && job.repository == Some(repository)) {
        return Ok(());
    }
    let (parts, kind) = (change.parts(), JobKind::Unlock);
    let wanted = Wanted::upkeep(host, repository, kind, Trigger::System).at(&parts.mint, parts.now());
    queue(change, &wanted).await
}

/// What met a lock that is gone now is done now.
async fn try_again(change: &mut Change<'_>, repository: RepositoryId) -> Result<(), Error> {
    let now = change.parts().now();
    for mut duty in change.upkeep().of_repository(repository).await? {
        let waits = duty.job.is_none() && duty.every_hours.is_some();
        if waits && duty.failures > 0 && duty.last_cause == Some(Cause::RepositoryLocked) {
            duty.due = Some(now);
            change.upkeep().set(&duty).await?;
        }
    }
    Ok(())
}

async fn alert(
    change: &mut Change<'_>,
    repository: RepositoryId,
    before: &Job,
    end: &JobEnd,
) -> Result<(), Error> {
    let name = repository_name(change.repositories(), repository).await?;
    let ids: Vec<_> = end.statistics.locks.iter().map(|lock| lock.id.as_str()).collect();
    let detail = serde_json::json!({ "job": before.id.to_string(), "locks": ids });
    let summary = format!("The {} of {name} met a lock: {}.", before.kind, end.detail);
    let subject = AlertSubject::new("repository", repository);
    let finding = found(change.parts(), AlertKind::RepositoryLocked, subject, &name, summary, detail);
    raise(change, &finding).await
}
