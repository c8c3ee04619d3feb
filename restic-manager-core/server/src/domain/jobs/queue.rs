//! Jobs that go back into the queue.

use restic_manager_proto::{JobId, api::events::FleetEvent, vocabulary::JobState};
use restic_manager_store::{Audit, Error, jobs::Job, retry};

use crate::{domain::leases, parts::Parts};

/// Puts a job back into the queue: its order did not arrive.
pub(crate) async fn requeue(parts: &Parts, id: JobId) -> Result<(), Error> {
    make_room(parts, id);
    if let Some(job) = put_back(parts, id, "a job's order did not arrive").await? {
        parts.hub.wake(job.host);
    }
    Ok(())
}

/// The job makes no repository any more: whoever waited for that may ask again.
pub(crate) fn make_room(parts: &Parts, id: JobId) {
    parts.setups.ended(id).into_iter().for_each(|host| parts.hub.wake(host));
}

pub(crate) async fn put_back(parts: &Parts, id: JobId, why: &'static str) -> Result<Option<Job>, Error> {
    let requeued = retry(async || {
        let mut transaction = parts.store.begin().await?;
        let Some(job) = transaction.jobs().find(id).await?.filter(|job| job.state == JobState::Dispatched)
        else {
            return Ok(None);
        };
        transaction.jobs().requeue(id).await?;
        transaction.commit(Audit::Routine(why)).await?;
        Ok::<_, Error>(Some(job))
    });
    let requeued = requeued.await?;
    if let Some(job) = &requeued {
        changed(parts, job);
        if let Some(repository) = job.repository {
            leases::wake_next(parts, repository).await?;
        }
    }
    Ok(requeued)
}

/// Tells whoever watches a job, and open pages, that its state is another. Call it after the commit.
pub(crate) fn changed(parts: &Parts, job: &Job) {
    parts.hub.job_changed(job.id, false);
    parts.announce(FleetEvent::Job { job: job.id, host: job.host });
}
