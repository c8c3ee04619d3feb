//! Whether the everyday credential of a repository may delete, as a job has seen by trying.

use core::time::Duration;
use restic_manager_core::upkeep as rules;
use restic_manager_proto::{
    JobEnd, RepositoryId, Timestamp,
    vocabulary::{AlertKind, DeletionVerdict, JobKind},
};
use restic_manager_store::{Error, Transaction, alerts::AlertSubject, jobs::Job, upkeep::DeletionTest};

use super::{
    alerts::{found, raise, repository_name, resolve, shown_by},
    duty::seed,
};
use crate::parts::Change;

/// After a change of credential or place the test comes within so long.
const SOON: Duration = Duration::from_secs(60 * 60);

/// Keeps what a deletion test showed, and raises or resolves the alert about it.
pub(crate) async fn record(
    change: &mut Change<'_>,
    repository: RepositoryId,
    job: &Job,
    end: &JobEnd,
) -> Result<(), Error> {
    let Some(verdict) = end.statistics.deletion else { return Ok(()) };
    if is_outdated(change.as_mut(), repository, job).await? {
        return Ok(());
    }
    let parts = change.parts();
    let test = DeletionTest { repository, verdict, at: parts.now(), host: job.host, job: job.id };
    change.upkeep().record_deletion_test(&test).await?;
    let about = AlertSubject::new("repository", repository);
    if verdict == DeletionVerdict::Refused {
        resolve(change, AlertKind::EverydayCanDelete, &about).await?;
        return Ok(());
    }
    let name = repository_name(change.repositories(), repository).await?;
    let summary = format!("The everyday credential of {name} was not refused to delete.");
    let finding = found(parts, AlertKind::EverydayCanDelete, about, &name, summary, serde_json::Value::Null);
    raise(change, &shown_by(finding, job.host, job.id, &end.detail)).await
}

/// Whether the credential was replaced after the job was sent with the one before.
async fn is_outdated(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
    job: &Job,
) -> Result<bool, Error> {
    use restic_manager_proto::vocabulary::CredentialSlot;
    let credential = transaction.repositories().credential(repository, CredentialSlot::Everyday).await?;
    let sent = job.dispatched.unwrap_or(job.created);
    Ok(credential.is_some_and(|credential| credential.set > sent))
}

/// The credential or the place is another now: what was seen says nothing any more, and is soon looked at again.
pub(crate) async fn doubt(
    transaction: &mut dyn Transaction,
    repository: RepositoryId,
    now: Timestamp,
) -> Result<(), Error> {
    transaction.upkeep().discard_deletion_test(repository).await?;
    let Some(mut duty) = transaction.upkeep().find(repository, JobKind::DeletionTest).await? else {
        return Ok(());
    };
    if duty.every_hours.is_none() || duty.job.is_some() || duty.since == rules::UNPLANNED {
        return Ok(());
    }
    let soon = rules::first_due(now, SOON, &seed(repository, JobKind::DeletionTest));
    duty.due = Some(duty.due.map_or(soon, |due| due.min(soon)));
    transaction.upkeep().set(&duty).await
}
