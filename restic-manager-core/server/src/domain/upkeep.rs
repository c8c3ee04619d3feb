//! What the end of a job means for the upkeep of its repository, and what is late there.

use restic_manager_core::{alert::meaning, upkeep as rules};
use restic_manager_proto::{
    JobEnd,
    vocabulary::{AlertKind, JobKind, JobState},
};
use restic_manager_store::{Error, Transaction, alerts::AlertSubject, jobs::Job, upkeep::Duty};

use super::{
    alerts::{found, repository_name},
    deletion,
    duty::{hours_of, seed, turn},
    statistics,
};
use crate::parts::Parts;

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
    let name = repository_name(transaction, duty.repository).await?;
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
    let name = repository_name(transaction, duty.repository).await?;
    let last = duty.effective.map_or_else(|| "never".to_owned(), |at| format!("last at {at}"));
    let summary = format!("The {} of {name} has not been effective within its allowance: {last}.", duty.kind);
    let finding = found(parts, kind, about, &name, summary, serde_json::Value::Null);
    debug_assert_eq!(finding.severity, meaning(kind).severity);
    transaction.alerts().raise(&finding).await?;
    Ok(true)
}
