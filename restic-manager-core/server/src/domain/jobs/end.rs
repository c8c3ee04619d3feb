//! Jobs end: by what their agent reports, by decision, or with their host.

use restic_manager_core::job::{self, Decision, Facts};
use restic_manager_proto::{
    HostId, JobEnd, JobId, Timestamp,
    agent::ErrorCode,
    api::events::FleetEvent,
    vocabulary::{Action, Cause, JobKind, JobState, Outcome},
};
use restic_manager_store::{Audit, Error, Transaction, audit::NewAuditEntry, jobs::Job, retry};

use super::queue::{make_room, requeue};
use crate::{
    domain::{leases, plan, upkeep},
    entry::{SYSTEM, entry, nameless},
    parts::Parts,
};

/// What the rules look at.
pub(crate) fn facts(job: &Job) -> Facts {
    Facts {
        state: job.state,
        dispatch_by: job.dispatch_by,
        end_by: job.end_by,
        cancel_requested: job.cancel_requested,
    }
}

/// The agent would not take an order.
pub(crate) async fn refused(parts: &Parts, id: JobId, code: ErrorCode, message: &str) -> Result<(), Error> {
    apply(parts, id, job::refused(code), message).await
}

/// Carries out what the rules decided about a job. An agent that is to be asked is asked by the caller.
pub(crate) async fn apply(parts: &Parts, id: JobId, decision: Decision, detail: &str) -> Result<(), Error> {
    match decision {
        Decision::Keep | Decision::AskToCancel => Ok(()),
        Decision::Requeue => requeue(parts, id).await,
        Decision::End { state, cause } => {
            let mut how = JobEnd::new(state, cause);
            how.detail = detail.chars().take(500).collect();
            end(parts, id, how, cause).await
        }
    }
}

/// The end of a job that was cancelled without its agent.
pub(crate) fn cancelled() -> JobEnd {
    JobEnd::new(JobState::Cancelled, Cause::Cancelled)
}

/// Ends a job within a transaction, its lease with it, and notes what that means for its repository; says whether that
/// is news. `before` is the job as it was.
pub(crate) async fn finish(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    before: &Job,
    at: Timestamp,
    end: &JobEnd,
) -> Result<bool, Error> {
    if !transaction.jobs().finish(before.id, at, end).await? {
        return Ok(false);
    }
    if before.kind == JobKind::ConnectionTest {
        transaction.drafts().wipe(before.id).await?;
    }
    leases::note_end(transaction, before, end).await?;
    upkeep::note_end(parts, transaction, before, end).await?;
    if before.kind == JobKind::Backup {
        plan::refresh(transaction, before.host, parts.now()).await?;
    }
    Ok(true)
}

/// Ends a job in place; one that has ended stays as it is.
pub(crate) async fn end(parts: &Parts, id: JobId, how: JobEnd, cause: Cause) -> Result<(), Error> {
    let ended = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let Some(job) = transaction.jobs().find(id).await? else { return Ok(None) };
        if !finish(parts, transaction.as_mut(), &job, parts.now(), &how).await? {
            return Ok(None);
        }
        let detail = serde_json::json!({ "state": how.state.as_str(), "cause": cause.as_str() });
        let outcome = if how.state == JobState::Cancelled { Outcome::Done } else { Outcome::Failed };
        let entry = NewAuditEntry {
            subject: nameless("job", id),
            outcome,
            detail,
            ..entry(parts.mint.audit(), parts.now(), SYSTEM, Action::JobEnd)
        };
        transaction.commit(Audit::entry(entry)).await?;
        Ok::<_, Error>(Some(job))
    });
    make_room(parts, id);
    match ended.await? {
        Some(job) => tell_end(parts, &job).await,
        None => Ok(()),
    }
}

/// Ends all jobs of a host whose agent reports no more, within the transaction that cuts it off; gives them, for
/// [`tell_end`] after the commit.
pub(crate) async fn end_all(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    host: HostId,
    detail: &str,
) -> Result<Vec<Job>, Error> {
    let jobs = transaction.jobs().active_of(host).await?;
    let mut how = cancelled();
    detail.clone_into(&mut how.detail);
    for job in &jobs {
        finish(parts, transaction, job, parts.now(), &how).await?;
    }
    Ok(jobs)
}

/// Tells everybody who waits for it that a job has ended, its agent among them: one that has the job, or fired it itself
/// and waits for the order. Call it after the commit.
pub(crate) async fn tell_end(parts: &Parts, job: &Job) -> Result<(), Error> {
    make_room(parts, job.id);
    if job.state != JobState::Queued || job.slots.is_some() {
        // An agent that is away is told when it comes back, by the inventory.
        let _is_there = parts.hub.cancel(job.host, job.id);
    }
    if let Some(repository) = job.repository {
        leases::wake_next(parts, repository).await?;
    }
    parts.hub.job_changed(job.id, true);
    parts.announce(FleetEvent::Job { job: job.id, host: job.host });
    parts.announce(FleetEvent::Host { host: job.host });
    if let Some(repository) = job.repository.filter(|_| job.kind.is_upkeep()) {
        parts.announce(FleetEvent::Repository { repository });
        parts.announce(FleetEvent::Alerts {});
    }
    Ok(())
}
