//! The oldest job of a host that may start now.

use restic_manager_core::lease::{Turn, mode_of};
use restic_manager_proto::{HostId, vocabulary::LeaseState};
use restic_manager_store::{Audit, Error, jobs::Job, retry};
use std::collections::BTreeSet;

use crate::{
    domain::leases::{judge_in, place, take, waits},
    parts::{Follow, Parts},
};

/// Claims the oldest job of a host that may start, and the lease that it needs. Those that must wait get their places.
pub(super) async fn claim_job(parts: &Parts, host: HostId) -> Result<Option<Job>, Error> {
    // Within one server one at a time: all would meet at the fleet's budget anyway.
    let _turn = parts.claims.lock().await;
    retry(async || {
        let mut change = parts.begin().await?;
        let active = change.jobs().active_of(host).await?;
        let (mut tried, mut placed) = (BTreeSet::new(), false);
        for job in active.iter().filter(|job| waits(job)) {
            let needed = mode_of(job.kind).zip(job.repository);
            if let Some((_, repository)) = needed {
                if !tried.insert(repository) {
                    continue;
                }
                match judge_in(parts, change.as_mut(), job, &active).await? {
                    Turn::Start => take(parts, change.as_mut(), job, LeaseState::Held).await?,
                    Turn::Wait(reason) => {
                        if let Some(queue) = reason.queue() {
                            placed |= place(parts, change.as_mut(), job, queue).await?;
                        }
                        continue;
                    }
                }
            }
            change.jobs().dispatch(job.id, parts.now()).await?;
            let claimed = change.jobs().find(job.id).await?;
            change.tell_job(job.id, host);
            if let Some(repository) = job.repository {
                // There may be room for the next one too.
                change.then(Follow::WakeNext(repository));
            }
            change.commit(Audit::Routine("a job was dispatched")).await?;
            return Ok(claimed);
        }
        if placed {
            change.commit(Audit::Routine("a job waits in the queue")).await?;
        }
        Ok::<_, Error>(None)
    })
    .await
}
