//! The duties that keep a repository small and healthy: when each is due, and who does it.

use core::time::Duration;
use restic_manager_core::upkeep::{self as rules, Candidate, DEFAULT_PARTS, Worker};
use restic_manager_proto::{
    HostId, JobChoice, JobOptions, ReadData, RepositoryId, Timestamp,
    vocabulary::{Cause, CredentialSlot, JobKind, Trigger, UpkeepState},
};
use restic_manager_store::{
    Error, Read,
    attachments::Attachment,
    repositories::{Credential, Repository},
    sources::SourceGroup,
    upkeep::Duty,
};

use super::{freeze::Freezes, jobs::Wanted};
use crate::parts::Parts;

/// A duty with another cadence: what was done stays done, and nothing is due at once because of the change alone.
pub(crate) fn changed(
    before: Option<Duty>,
    repository: RepositoryId,
    kind: JobKind,
    every_hours: Option<u32>,
    parts: Option<u16>,
    now: Timestamp,
) -> Duty {
    let mut duty = before.unwrap_or_else(|| fresh(repository, kind, every_hours, now));
    let parts = parts.unwrap_or(DEFAULT_PARTS);
    if duty.parts != parts {
        (duty.part, duty.parts) = (1, parts);
    }
    if duty.every_hours != every_hours {
        let seed = seed(repository, kind);
        if duty.every_hours.is_none() {
            duty.since = now;
        }
        duty.every_hours = every_hours;
        if duty.job.is_none() {
            duty.due = every_hours.map(|hours| {
                let next = duty.effective.map(|done| done.after(hours_of(hours)));
                next.filter(|next| *next > now)
                    .unwrap_or_else(|| rules::first_due(now, hours_of(hours), &seed))
            });
        }
    }
    duty
}

/// A duty that nobody has done yet.
fn fresh(repository: RepositoryId, kind: JobKind, every_hours: Option<u32>, now: Timestamp) -> Duty {
    let seed = seed(repository, kind);
    Duty {
        repository,
        kind,
        every_hours,
        due: every_hours.map(|hours| rules::first_due(now, hours_of(hours), &seed)),
        since: now,
        effective: None,
        failures: 0,
        job: None,
        last_job: None,
        last_cause: None,
        part: 1,
        parts: DEFAULT_PARTS,
    }
}

/// The duties of a repository that is set up now.
pub(crate) fn defaults(
    repository: RepositoryId,
    backend: &str,
    now: Timestamp,
) -> impl Iterator<Item = Duty> {
    rules::DUTIES
        .into_iter()
        .map(move |kind| fresh(repository, kind, rules::default_hours(kind, backend), now))
}

/// The part of the data whose turn it is.
pub(crate) const fn turn(duty: &Duty) -> ReadData {
    ReadData::Part { part: duty.part, parts: duty.parts }
}

/// Who does the upkeep of a repository, or why nobody can.
pub(crate) async fn worker(
    parts: &Parts,
    read: &mut dyn Read,
    repository: &Repository,
    attached: &[Attachment],
    kind: JobKind,
) -> Result<Result<HostId, &'static str>, Error> {
    let candidate =
        |row: &Attachment| Candidate { host: row.host, connected: parts.hub.last_seen(row.host).is_some() };
    let candidates: Vec<_> = attached.iter().map(candidate).collect();
    let maintenance = maintenance_for(read, repository.id, kind).await?.is_some();
    Ok(match rules::worker(repository.runner, maintenance, &candidates) {
        Worker::Host(host) => Ok(host),
        Worker::RunnerGone => Err("the host that was named as runner is gone"),
        Worker::Nobody => Err("no host is attached to the repository"),
        Worker::RunnerNeeded => {
            Err("no runner is named, and the credential that may delete is handed to nobody else")
        }
    })
}

/// The credential that may delete, for the jobs that delete.
pub(crate) async fn maintenance_for(
    read: &mut dyn Read,
    repository: RepositoryId,
    kind: JobKind,
) -> Result<Option<Credential>, Error> {
    if !rules::deletes(kind) {
        return Ok(None);
    }
    read.repositories().credential(repository, CredentialSlot::Maintenance).await
}

/// How a duty stands.
pub(crate) fn state(duty: &Duty, groups: &[SourceGroup], freezes: &Freezes, now: Timestamp) -> UpkeepState {
    let facts = rules::Duty {
        every: duty.every_hours.map(hours_of),
        applies: duty.kind != JobKind::Forget || !groups.is_empty(),
        since: duty.since,
        effective: duty.effective,
        failures: duty.failures,
        cause: duty.last_cause.filter(|cause| *cause != Cause::None),
        frozen: freezes.touch(duty.kind, groups),
    };
    rules::state(&facts, now)
}

/// The job of a duty that is due.
pub(crate) fn wanted(duty: &Duty, host: HostId) -> Wanted {
    let mut wanted = Wanted::upkeep(host, duty.repository, duty.kind, Trigger::System);
    if duty.kind == JobKind::Check {
        wanted.options = JobOptions::of(JobChoice::ReadData(turn(duty)));
    }
    wanted
}

pub(crate) fn hours_of(hours: u32) -> Duration {
    Duration::from_secs(u64::from(hours) * 60 * 60)
}

/// What a duty's jitter is made from.
pub(crate) fn seed(repository: RepositoryId, kind: JobKind) -> Vec<u8> {
    [repository.as_bytes().as_slice(), kind.as_str().as_bytes()].concat()
}
