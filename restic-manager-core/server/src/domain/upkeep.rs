//! What the end of a job means for the upkeep of its repository, and what is late there.

use restic_manager_core::{alert::meaning, upkeep as rules};
use restic_manager_proto::{
    JobEnd, RepositoryId,
    vocabulary::{AlertKind, Cause, JobKind, JobState},
};
use restic_manager_store::{Error, alerts::AlertSubject, jobs::Job, upkeep::Duty};

use super::{
    alerts::{found, raise, repository_name, resolve, shown_by},
    deletion,
    duty::{hours_of, seed, turn},
    freeze::raise_about_repository,
    statistics,
};
use crate::parts::Change;

/// Notes what the end of a job means for the upkeep of its repository, within the transaction that ends it. `before` is
/// the job as it was.
pub(crate) async fn note_end(change: &mut Change<'_>, before: &Job, end: &JobEnd) -> Result<(), Error> {
    let now = change.parts().now();
    let Some(repository) = before.repository else { return Ok(()) };
    alert_damage(change, repository, before, end).await?;
    statistics::bring_forward(change.as_mut(), repository, before, end, now).await?;
    if !rules::DUTIES.contains(&before.kind) {
        return Ok(());
    }
    statistics::record(change.as_mut(), repository, end, now).await?;
    deletion::record(change, repository, before, end).await?;
    let Some(mut duty) = change.upkeep().find(repository, before.kind).await? else { return Ok(()) };
    let is_its = duty.job == Some(before.id);
    if before.options.is_dry_run() && !is_its {
        return Ok(());
    }
    let effective = end.state == JobState::Succeeded && !before.options.is_dry_run();
    // Cancelled or frozen is not failed.
    let no_try = end.state == JobState::Cancelled || end.cause == Cause::RetentionFrozen;
    (duty.last_job, duty.last_cause) = (Some(before.id), Some(end.cause));
    if effective {
        (duty.effective, duty.failures) = (Some(now), 0);
        if before.options.read_data() == Some(turn(&duty)) {
            duty.part = rules::next_part(duty.part, duty.parts);
        }
    } else if !no_try {
        duty.failures = duty.failures.saturating_add(1);
    }
    if is_its {
        duty.job = None;
    }
    if is_its || effective {
        let seed = seed(repository, before.kind);
        duty.due = duty.every_hours.map(hours_of).map(|every| {
            if effective || no_try {
                rules::next_due(None, every, now, &seed)
            } else {
                rules::retry_due(end.cause, duty.failures, every, now, &seed)
            }
        });
    }
    change.upkeep().set(&duty).await?;
    // A lock has an alert of its own, with its own way out.
    if no_try || end.cause == Cause::RepositoryLocked {
        return Ok(());
    }
    alert(change, &duty, before, end).await
}

/// Raises the alert of what a job found damaged, whatever it was for. A check that finds nothing resolves it.
async fn alert_damage(
    change: &mut Change<'_>,
    repository: RepositoryId,
    before: &Job,
    end: &JobEnd,
) -> Result<(), Error> {
    let about = AlertSubject::new("repository", repository);
    if before.kind == JobKind::Check && end.state == JobState::Succeeded {
        resolve(change, AlertKind::RepositoryDamaged, &about).await?;
    }
    if end.cause != Cause::RepositoryDamaged {
        return Ok(());
    }
    let name = repository_name(change.repositories(), repository).await?;
    let detail = serde_json::json!({ "job": before.id.to_string(), "host": before.host.to_string() });
    let summary = format!("The {} found {name} damaged: {}", before.kind, end.detail);
    let finding = found(change.parts(), AlertKind::RepositoryDamaged, about, &name, summary, detail);
    raise_about_repository(change, &finding, repository).await
}

/// Raises or resolves what the end of a duty gives reason to.
async fn alert(change: &mut Change<'_>, duty: &Duty, job: &Job, end: &JobEnd) -> Result<(), Error> {
    let kind = match duty.kind {
        JobKind::Forget => AlertKind::ForgetFailed,
        JobKind::Prune => AlertKind::PruneFailed,
        JobKind::Check => AlertKind::CheckFailed,
        _ => return Ok(()),
    };
    let about = AlertSubject::new("repository", duty.repository);
    if end.state == JobState::Succeeded {
        resolve(change, kind, &about).await?;
        if duty.kind != JobKind::Check {
            resolve(change, AlertKind::RetentionOverdue, &about).await?;
        }
        return Ok(());
    }
    let name = repository_name(change.repositories(), duty.repository).await?;
    let detail = serde_json::json!({ "cause": end.cause.as_str() });
    let summary = format!("The {} of {name} failed: {}.", duty.kind, end.cause);
    let finding = found(change.parts(), kind, about, &name, summary, detail);
    raise(change, &shown_by(finding, job.host, job.id, &end.detail)).await
}

/// Raises the alert of a duty that has not been effective for too long; says whether it did.
pub(crate) async fn alert_overdue(change: &mut Change<'_>, duty: &Duty) -> Result<bool, Error> {
    let kind = match duty.kind {
        JobKind::Check => AlertKind::CheckFailed,
        JobKind::Forget | JobKind::Prune => AlertKind::RetentionOverdue,
        _ => return Ok(false),
    };
    let about = AlertSubject::new("repository", duty.repository);
    if change.alerts().unresolved(kind, &about).await?.is_some() {
        return Ok(false);
    }
    let name = repository_name(change.repositories(), duty.repository).await?;
    let last = duty.effective.map_or_else(|| "never".to_owned(), |at| format!("last at {at}"));
    let summary = format!("The {} of {name} has not been effective within its allowance: {last}.", duty.kind);
    let finding = found(change.parts(), kind, about, &name, summary, serde_json::Value::Null);
    debug_assert_eq!(finding.severity, meaning(kind).severity);
    raise(change, &finding).await?;
    Ok(true)
}
