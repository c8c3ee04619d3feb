//! Jobs end: by what their agent reports, by decision, or with their host.

use restic_manager_core::job::{self, Decision, JobFacts};
use restic_manager_proto::{
    HostId, JobEnd, JobId, Timestamp,
    agent::ErrorCode,
    api::events::FleetEvent,
    vocabulary::{Action, Cause, JobKind, JobState, Outcome},
};
use restic_manager_store::{Audit, Error, audit::NewAuditEntry, jobs::Job, retry};

use super::queue::requeue;
use crate::{
    domain::{leases, locks, plan, upkeep, verdicts},
    entry::{SYSTEM, entry, nameless},
    parts::{Change, Follow, Parts},
};

/// What the rules look at.
pub(crate) fn job_facts(job: &Job) -> JobFacts {
    JobFacts {
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

/// Ends a job, its lease with it, and notes what that means for its repository and its host; says whether that is news.
/// `before` is the job as it was. However a job ends that had an agent, it ends here.
pub(crate) async fn finish(
    change: &mut Change<'_>,
    before: &Job,
    at: Timestamp,
    end: &JobEnd,
) -> Result<bool, Error> {
    if !close(change, before, at, end).await? {
        return Ok(false);
    }
    if before.kind == JobKind::ConnectionTest {
        change.drafts().wipe(before.id).await?;
    }
    leases::note_end(change.as_mut(), before, end).await?;
    upkeep::note_end(change, before, end).await?;
    verdicts::note_end(change, before, at, end).await?;
    locks::note_end(change, before, end).await?;
    if before.kind == JobKind::Backup {
        let now = change.parts().now();
        plan::refresh(change.as_mut(), before.host, now).await?;
    }
    Ok(true)
}

/// Ends the row and tells of it: all that there is to the end of a job that was sent to no agent.
pub(crate) async fn close(
    change: &mut Change<'_>,
    before: &Job,
    at: Timestamp,
    end: &JobEnd,
) -> Result<bool, Error> {
    if !change.jobs().finish(before.id, at, end).await? {
        return Ok(false);
    }
    change.then(Follow::JobEnded(before.id));
    change.tell(FleetEvent::Job { job: before.id, host: before.host });
    change.tell_host(before.host);
    if let Some(repository) = before.repository {
        change.then(Follow::WakeNext(repository));
        if before.kind.is_upkeep() {
            change.tell_repository(repository);
            change.tell(FleetEvent::Alerts {});
        }
    }
    Ok(true)
}

/// Ends a job in place; one that has ended stays as it is.
pub(crate) async fn end(parts: &Parts, id: JobId, how: JobEnd, cause: Cause) -> Result<(), Error> {
    parts.setup_ended(id);
    retry(async || {
        let mut change = parts.begin().await?;
        let Some(job) = change.jobs().find(id).await? else { return Ok(()) };
        if !finish(&mut change, &job, parts.now(), &how).await? {
            return Ok(());
        }
        // What its host asked for after it may have waited for it.
        change.then(Follow::Wake(job.host));
        let entry = NewAuditEntry {
            subject: nameless("job", id),
            outcome: if how.state == JobState::Cancelled { Outcome::Done } else { Outcome::Failed },
            detail: serde_json::json!({ "state": how.state.as_str(), "cause": cause.as_str() }),
            ..entry(parts.mint.audit(), parts.now(), SYSTEM, Action::JobEnd)
        };
        change.commit(Audit::entry(entry)).await
    })
    .await
}

/// Ends all jobs of a host whose agent reports no more, in the change that cuts it off; says how many.
pub(crate) async fn end_all(change: &mut Change<'_>, host: HostId, detail: &str) -> Result<usize, Error> {
    let jobs = change.jobs().active_of(host).await?;
    let mut how = cancelled();
    detail.clone_into(&mut how.detail);
    let now = change.parts().now();
    for job in &jobs {
        finish(change, job, now, &how).await?;
    }
    Ok(jobs.len())
}
