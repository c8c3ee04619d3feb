//! Jobs enter the queue, and go back into it.

use restic_manager_proto::{JobId, vocabulary::JobState};
use restic_manager_store::{
    Audit, Error,
    jobs::{Job, NewJob},
    retry,
};

use crate::parts::{Change, Follow, Parts};

/// Queues a job; its host's agent asks for it after the commit.
pub(crate) async fn queue(change: &mut Change<'_>, new: &NewJob) -> Result<(), Error> {
    change.jobs().queue(new).await?;
    change.tell_job(new.id, new.host);
    change.then(Follow::Wake(new.host));
    Ok(())
}

/// Puts a job back whose order did not arrive; its host asks again.
pub(crate) async fn requeue(parts: &Parts, id: JobId) -> Result<(), Error> {
    parts.setup_ended(id);
    back(parts, id, "a job's order did not arrive", true).await
}

/// Puts a job back whose order could not leave; the agent's next connection asks for it.
pub(crate) async fn unsent(parts: &Parts, id: JobId) -> Result<(), Error> {
    parts.setup_ended(id);
    back(parts, id, "a job's order could not be sent", false).await
}

async fn back(parts: &Parts, id: JobId, why: &'static str, wakes: bool) -> Result<(), Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        let Some(job) = put_back(&mut change, id).await? else { return Ok(()) };
        if wakes {
            change.then(Follow::Wake(job.host));
        }
        change.commit(Audit::Routine(why)).await
    })
    .await
}

async fn put_back(change: &mut Change<'_>, id: JobId) -> Result<Option<Job>, Error> {
    let sent = change.jobs().find(id).await?.filter(|job| job.state == JobState::Dispatched);
    let Some(job) = sent else { return Ok(None) };
    change.jobs().requeue(id).await?;
    change.tell_job(id, job.host);
    if let Some(repository) = job.repository {
        change.then(Follow::WakeNext(repository));
    }
    Ok(Some(job))
}
