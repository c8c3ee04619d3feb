//! What keeps a repository small and healthy: chosen, asked for, noted when it is done, and shown.

use core::time::Duration;
use restic_manager_core::{
    alert::meaning,
    upkeep::{self as rules, Candidate, DEFAULT_PARTS, MOST_HOURS, MOST_PARTS, Worker},
};
use restic_manager_proto::{
    HostId, JobEnd, JobOptions, ReadData, RepositoryId, Scope, Timestamp,
    api::{
        self, Reference,
        events::FleetEvent,
        jobs::Job as JobView,
        upkeep::{Run, Set, Show, Upkeep, UpkeepChange},
    },
    vocabulary::{Action, AlertKind, Cause, DeletionVerdict, JobKind, JobState, Trigger, UpkeepState},
};
use restic_manager_store::{
    Error, PageRequest, Read, Transaction,
    alerts::AlertSubject,
    attachments::Attachment,
    jobs::{Job, JobScope},
    repositories::Repository,
    retry,
    sources::SourceGroup,
    upkeep::Duty,
};

use super::{
    alerts::found,
    check::{self, Fields},
    deletion,
    jobs::{self, Wanted},
    repositories, statistics,
    value::subject,
};
use crate::{
    agents,
    failure::Failure,
    http::{Cx, Reply, Request},
    parts::Parts,
};

const MOST_PARALLEL: u32 = 1000;
/// Jobs of a repository among which one is looked for that somebody asked for.
const RECENT: usize = 20;
/// Backups of a repository are late when none of its hosts has made a snapshot for so long.
const BACKUPS_WITHIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<Upkeep>, Failure> {
    let shown = repositories::show_one(&cx, request.path.repository).await?;
    Ok(Reply::versioned(shown.upkeep, shown.version))
}

pub(crate) async fn set(
    cx: Cx,
    request: Request<Set>,
) -> Result<Reply<api::repositories::Repository>, Failure> {
    let (id, body) = (request.path.repository, request.body);
    check_change(&body)?;
    let now = cx.now();
    let mut transaction = cx.begin().await?;
    let repository = repositories::kept(transaction.as_mut(), id).await?;
    if let Some(runner) = body.runner {
        let is_attached = transaction.attachments().find(runner, id).await?.is_some();
        let host = transaction.hosts().find(runner).await?.filter(|host| host.deleted.is_none());
        if host.is_none() || !is_attached {
            let message = "a host that is attached to the repository; attach it first";
            return Err(Failure::field("runner", message));
        }
    }
    transaction
        .repositories()
        .appoint(id, body.runner, body.parallel, request.expected)
        .await
        .map_err(Failure::stale)?;
    for (kind, every_hours) in [
        (JobKind::Forget, body.forget_every_hours),
        (JobKind::Prune, body.prune_every_hours),
        (JobKind::Check, body.check_every_hours),
        (JobKind::Statistics, body.statistics_every_hours),
        (JobKind::DeletionTest, body.deletion_test_every_hours),
    ] {
        let before = transaction.upkeep().find(id, kind).await?;
        let duty = changed(before, id, kind, every_hours, body.check_parts, now);
        transaction.upkeep().set(&duty).await?;
    }
    let detail = serde_json::to_value(&body).unwrap_or_default();
    transaction
        .commit(cx.audit_with(Action::UpkeepUpdate, subject("repository", id, repository.name), detail))
        .await?;
    cx.parts().announce(FleetEvent::Repository { repository: id });
    repositories::answer(cx.parts(), cx.read().await?.as_mut(), cx.scope(), id).await
}

fn check_change(body: &UpkeepChange) -> Result<(), Failure> {
    let mut fields = Fields::default();
    let hours = [
        ("forget_every_hours", body.forget_every_hours),
        ("prune_every_hours", body.prune_every_hours),
        ("check_every_hours", body.check_every_hours),
        ("statistics_every_hours", body.statistics_every_hours),
        ("deletion_test_every_hours", body.deletion_test_every_hours),
    ];
    for (name, hours) in hours {
        if hours.is_some_and(|hours| !(1..=MOST_HOURS).contains(&hours)) {
            fields.check::<(), _>(name, Err("1 to 8784 hours, such as 24, or nothing for never"));
        }
    }
    if body.check_parts.is_some_and(|parts| !(1..=MOST_PARTS).contains(&parts)) {
        fields.check::<(), _>("check_parts", Err("1 to 256, such as 20 to read 5 % each time"));
    }
    if body.parallel.is_some_and(|parallel| !(1..=MOST_PARALLEL).contains(&parallel)) {
        fields.check::<(), _>("parallel", Err("1 to 1000 jobs"));
    }
    fields.finish()
}

/// A duty with another cadence: what was done stays done, and nothing is due at once because of the change alone.
fn changed(
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
pub(super) fn defaults(
    repository: RepositoryId,
    backend: &str,
    now: Timestamp,
) -> impl Iterator<Item = Duty> {
    rules::DUTIES
        .into_iter()
        .map(move |kind| fresh(repository, kind, rules::default_hours(kind, backend), now))
}

pub(crate) async fn run(cx: Cx, request: Request<Run>) -> Result<JobView, Failure> {
    let (id, body) = (request.path.repository, request.body);
    if !body.kind.is_upkeep() || body.kind == JobKind::PreviewForget {
        return Err(Failure::field("kind", "forget, prune, check, unlock, statistics or deletion-test"));
    }
    if body.options.retention.is_some() {
        return Err(Failure::field("options.retention", "nothing; a policy is tried at its source group"));
    }
    let mut fields = Fields::default();
    check::bandwidth(&mut fields, body.options.bandwidth);
    fields.finish()?;
    if body.options.read_data.is_some_and(|data| !data.is_valid()) {
        return Err(Failure::field("options.read_data", "part 1 to n of at most 256, or 1 to 100 percent"));
    }
    let requested_by = Some(cx.user()?.id);
    let new = retry(async || {
        let mut transaction = cx.begin().await?;
        let repository = repositories::kept(transaction.as_mut(), id).await?;
        let chosen = body.host.filter(|_| body.kind == JobKind::Unlock);
        let attached = transaction.attachments().of_repository(id, &Scope::All).await?;
        let host = match chosen {
            Some(host) if attached.iter().any(|row| row.host == host) => host,
            Some(_) => return Err(Failure::field("host", "a host that is attached to the repository")),
            None => worker(cx.parts(), &repository, &attached).map_err(|reason| {
                Failure::conflict(reason, "name a runner on the repository's page, or attach a host")
            })?,
        };
        let mut wanted = Wanted::upkeep(host, id, body.kind, Trigger::Manual);
        (wanted.requested_by, wanted.options) = (requested_by, body.options);
        if body.kind == JobKind::Check && body.options.read_data.is_none() {
            let duty = transaction.upkeep().find(id, JobKind::Check).await?;
            wanted.options.read_data = duty.map(|duty| turn(&duty));
        }
        jobs::refuse_twin(transaction.as_mut(), &wanted).await?;
        let new = wanted.at(&cx.parts().mint, cx.now());
        transaction.jobs().queue(&new).await?;
        agents::reserve(cx.parts(), transaction.as_mut(), &new).await?;
        transaction.commit(cx.audit(Action::JobCreate, jobs::subject(new.id))).await?;
        Ok::<_, Failure>(new)
    })
    .await?;
    cx.parts().hub.wake(new.host);
    cx.parts().announce(FleetEvent::Job { job: new.id, host: new.host });
    jobs::view_of(&cx, new.id).await
}

/// The part of the data whose turn it is.
pub(crate) const fn turn(duty: &Duty) -> ReadData {
    ReadData::Part { part: duty.part, parts: duty.parts }
}

/// Who does the upkeep of a repository, or why nobody can.
pub(crate) fn worker(
    parts: &Parts,
    repository: &Repository,
    attached: &[Attachment],
) -> Result<HostId, &'static str> {
    let candidate =
        |row: &Attachment| Candidate { host: row.host, connected: parts.hub.last_seen(row.host).is_some() };
    let candidates: Vec<_> = attached.iter().map(candidate).collect();
    match rules::worker(repository.runner, &candidates) {
        Worker::Host(host) => Ok(host),
        Worker::RunnerGone => Err("the host that was named as runner is gone"),
        Worker::Nobody => Err("no host is attached to the repository"),
    }
}

/// Notes what the end of a job means for the upkeep of its repository, within the transaction that ends it. `before` is
/// the job as it was. Says whether an alert was raised or resolved.
pub(crate) async fn note_end(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    before: &Job,
    end: &JobEnd,
) -> Result<bool, Error> {
    let Some(repository) = before.repository else { return Ok(false) };
    statistics::bring_forward(transaction, repository, before, end, parts.now()).await?;
    if !rules::DUTIES.contains(&before.kind) {
        return Ok(false);
    }
    statistics::record(transaction, repository, end, parts.now()).await?;
    let judged = deletion::record(parts, transaction, repository, before, end).await?;
    let Some(mut duty) = transaction.upkeep().find(repository, before.kind).await? else {
        return Ok(judged);
    };
    let is_its = duty.job == Some(before.id);
    if before.options.dry_run && !is_its {
        return Ok(false);
    }
    let now = parts.now();
    let effective = end.state == JobState::Succeeded && !before.options.dry_run;
    (duty.last_job, duty.last_cause) = (Some(before.id), Some(end.cause));
    if effective {
        (duty.effective, duty.failures) = (Some(now), 0);
        if before.options.read_data == Some(turn(&duty)) {
            duty.part = rules::next_part(duty.part, duty.parts);
        }
    } else if end.state != JobState::Cancelled {
        duty.failures = duty.failures.saturating_add(1);
    }
    if is_its {
        duty.job = None;
    }
    if is_its || effective {
        let seed = seed(repository, before.kind);
        duty.due = duty.every_hours.map(hours_of).map(|every| {
            if effective || end.state == JobState::Cancelled {
                rules::next_due(None, every, now, &seed)
            } else {
                rules::retry_due(end.cause, duty.failures, every, now, &seed)
            }
        });
    }
    transaction.upkeep().set(&duty).await?;
    Ok(alert(parts, transaction, &duty, end).await? || judged)
}

/// Raises or resolves what the end of a duty gives reason to.
async fn alert(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    duty: &Duty,
    end: &JobEnd,
) -> Result<bool, Error> {
    let kind = match duty.kind {
        JobKind::Forget => AlertKind::ForgetFailed,
        JobKind::Prune => AlertKind::PruneFailed,
        JobKind::Check => AlertKind::CheckFailed,
        _ => return Ok(false),
    };
    let about = AlertSubject::new("repository", duty.repository);
    if end.state == JobState::Succeeded {
        let over = transaction.alerts().resolve(kind, &about, parts.now()).await?;
        let also = duty.kind != JobKind::Check
            && transaction.alerts().resolve(AlertKind::RetentionOverdue, &about, parts.now()).await?;
        return Ok(over || also);
    }
    if end.state == JobState::Cancelled {
        return Ok(false);
    }
    let name = name(transaction, duty.repository).await?;
    let detail =
        serde_json::json!({ "job": duty.last_job.map(|job| job.to_string()), "cause": end.cause.as_str() });
    let summary = format!("The {} of {name} failed: {}.", duty.kind, end.cause);
    let finding = found(parts, kind, about, &name, summary, detail);
    transaction.alerts().raise(&finding).await?;
    Ok(true)
}

/// Raises the alert of a duty that has not been effective for too long; says whether it did.
pub(crate) async fn alert_overdue(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    duty: &Duty,
) -> Result<bool, Error> {
    let kind = match duty.kind {
        JobKind::Check => AlertKind::CheckFailed,
        JobKind::Forget | JobKind::Prune => AlertKind::RetentionOverdue,
        _ => return Ok(false),
    };
    let about = AlertSubject::new("repository", duty.repository);
    if transaction.alerts().unresolved(kind, &about).await?.is_some() {
        return Ok(false);
    }
    let name = name(transaction, duty.repository).await?;
    let last = duty.effective.map_or_else(|| "never".to_owned(), |at| format!("last at {at}"));
    let summary = format!("The {} of {name} has not been effective within its allowance: {last}.", duty.kind);
    let finding = found(parts, kind, about, &name, summary, serde_json::Value::Null);
    debug_assert_eq!(finding.severity, meaning(kind).severity);
    transaction.alerts().raise(&finding).await?;
    Ok(true)
}

pub(super) async fn name(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
) -> Result<String, Error> {
    let found = transaction.repositories().find(repository).await?;
    Ok(found.map_or_else(|| repository.to_string(), |repository| repository.name))
}

/// How a duty stands.
pub(crate) fn state(duty: &Duty, groups: &[SourceGroup], now: Timestamp) -> UpkeepState {
    let facts = rules::Duty {
        every: duty.every_hours.map(hours_of),
        applies: duty.kind != JobKind::Forget || !groups.is_empty(),
        since: duty.since,
        effective: duty.effective,
        failures: duty.failures,
        cause: duty.last_cause.filter(|cause| *cause != Cause::None),
    };
    rules::state(&facts, now)
}

/// A repository's upkeep as the API shows it.
pub(super) async fn view(
    parts: &Parts,
    read: &mut dyn Read,
    repository: &Repository,
    last_snapshot: Option<Timestamp>,
    hosts: u64,
) -> Result<Upkeep, Failure> {
    let now = parts.now();
    let groups = read.sources().with_retention_in(repository.id).await?;
    let rows = read.upkeep().of_repository(repository.id).await?;
    let backups = match last_snapshot {
        _ if hosts == 0 => UpkeepState::Idle,
        Some(at) if now.since(at) <= BACKUPS_WITHIN => UpkeepState::Good,
        Some(_) => UpkeepState::Overdue,
        None => UpkeepState::Pending,
    };
    let recent = PageRequest::first(RECENT);
    let recent = read.jobs().page(JobScope::Repository(repository.id), &Scope::All, recent).await?.items;
    let is_active = |job: &&Job, kind| job.kind == kind && !job.state.is_end();
    let active = |kind| recent.iter().find(|job| is_active(job, kind)).map(|job| job.id);
    let mut duties = Vec::new();
    for kind in rules::DUTIES {
        if let Some(row) = rows.iter().find(|row| row.kind == kind) {
            duties.push(api::upkeep::Duty {
                job: row.job.or_else(|| active(kind)),
                ..duty_view(row, state(row, &groups, now))
            });
        }
    }
    let runner = match repository.runner {
        Some(id) => {
            let name = read.hosts().find(id).await?.map(|host| host.name).unwrap_or_default();
            Some(Reference { id, name })
        }
        None => None,
    };
    let deletion = deletion::view(read, repository.id).await?;
    let can_delete = deletion.as_ref().filter(|test| test.verdict == DeletionVerdict::Possible);
    let states = duties
        .iter()
        .filter(|duty| rules::counts_for_health(duty.kind))
        .map(|duty| duty.state)
        .chain([backups])
        .chain(can_delete.map(|_| UpkeepState::Failing));
    let deletes = read
        .repositories()
        .credential(repository.id, restic_manager_proto::vocabulary::CredentialSlot::Maintenance)
        .await?
        .is_some();
    let parallel = repository.parallel.map_or(parts.config.budgets.repository, u64::from);
    Ok(Upkeep {
        health: if hosts == 0 { UpkeepState::Idle } else { rules::overall(states) },
        backups,
        risk: risk(runner.is_some(), deletes).to_owned(),
        runner,
        parallel,
        parallel_chosen: repository.parallel.is_some(),
        duties,
        deletion,
    })
}

const fn risk(has_runner: bool, deletes: bool) -> &'static str {
    match (has_runner, deletes) {
        (true, _) => "",
        (false, true) => {
            "No runner is named, so any attached host is handed the credential that may delete, for one job at a time: \
             who takes over such a host can delete every backup in this repository."
        }
        (false, false) => {
            "No runner is named, so an attached host does the upkeep with the everyday credential: where that one may \
             delete, every attached host can delete every backup in this repository; where it may not, no snapshot is removed."
        }
    }
}

fn duty_view(duty: &Duty, state: UpkeepState) -> api::upkeep::Duty {
    let every = duty.every_hours.map(hours_of);
    let is_check = duty.kind == JobKind::Check;
    let planned = duty.since != rules::UNPLANNED;
    let last = duty.effective.map_or(duty.since, |effective| effective.max(duty.since));
    api::upkeep::Duty {
        kind: duty.kind,
        state,
        every_hours: duty.every_hours,
        next_at: duty.due.filter(|_| planned && duty.job.is_none() && every.is_some()),
        last_effective_at: duty.effective,
        red_at: every
            .filter(|_| planned && state != UpkeepState::Idle)
            .map(|every| last.after(rules::allowance(every))),
        failures: duty.failures,
        job: duty.job,
        last_job: duty.last_job,
        last_cause: duty.last_cause,
        part: is_check.then_some(duty.part),
        parts: is_check.then_some(duty.parts),
        full_read_days: every.filter(|_| is_check).map(|every| rules::full_read_days(every, duty.parts)),
    }
}

/// The job of a duty that is due.
pub(crate) fn wanted(duty: &Duty, host: HostId) -> Wanted {
    let mut wanted = Wanted::upkeep(host, duty.repository, duty.kind, Trigger::System);
    if duty.kind == JobKind::Check {
        wanted.options = JobOptions { read_data: Some(turn(duty)), ..JobOptions::default() };
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
