//! The oldest job of a host that may start now.

use restic_manager_core::lease::{Turn, mode_of};
use restic_manager_proto::{HostId, RepositoryId, vocabulary::LeaseState};
use restic_manager_store::{Audit, Error, ErrorKind, jobs::Job, retry};
use std::{collections::BTreeSet, sync::Arc};

use crate::{
    domain::{
        leases::{judge_in, place, take, waits},
        setup,
    },
    limits::CLAIMS_AT_ONCE,
    parts::{
        Change, Follow, Parts,
        claims::{Asking, Claimed},
    },
};

/// Claims the oldest job of a host that may start, and the lease that it needs. Those that must wait get their places.
/// Hosts that ask at the same time are answered by one transaction.
pub(super) async fn claim_job(parts: &Arc<Parts>, host: HostId) -> Result<Option<Claimed>, Error> {
    let answer = parts.claims.ask(host);
    // Not in the caller's own task: it may be dropped, and decides for others too.
    parts.shutdown.spawn(decide(Arc::clone(parts)));
    answer.await.unwrap_or(Err(Error::new(ErrorKind::Unavailable, "a claim")))
}

/// Decides while hosts ask, unless somebody else does.
async fn decide(parts: Arc<Parts>) {
    let Some(mut turn) = parts.claims.turn() else { return };
    loop {
        let batch = turn.next(CLAIMS_AT_ONCE);
        if batch.is_empty() {
            return;
        }
        answer(&parts, batch).await;
    }
}

async fn answer(parts: &Parts, batch: Vec<Asking>) {
    let hosts: Vec<HostId> = batch.iter().map(|asking| asking.host).collect();
    match claim(parts, &hosts).await {
        Ok(claimed) => {
            for (asking, claimed) in batch.into_iter().zip(claimed) {
                // Who has gone is asked about the job when it comes back.
                drop(asking.answer.send(Ok(claimed)));
            }
        }
        // What is wrong with one of them is not the others' trouble.
        Err(error) => {
            tracing::warn!(error = &error as &dyn core::error::Error, "claims are decided one by one");
            for asking in batch {
                let claimed = claim(parts, &[asking.host]).await;
                drop(asking.answer.send(claimed.map(|mut claimed| claimed.pop().flatten())));
            }
        }
    }
}

/// One claim for each host.
async fn claim(parts: &Parts, hosts: &[HostId]) -> Result<Vec<Option<Claimed>>, Error> {
    retry(async || {
        let mut claims = Claiming { change: parts.begin().await?, is_news: false };
        let mut claimed = Vec::with_capacity(hosts.len());
        for host in hosts {
            claimed.push(claims.claim(*host).await?);
        }
        if claims.is_news {
            claims.change.commit(Audit::Routine("jobs were dispatched, or wait in the queue")).await?;
        }
        Ok::<_, Error>(claimed)
    })
    .await
}

/// Claims that are decided together.
struct Claiming<'p> {
    change: Change<'p>,
    /// Whether there is something to keep.
    is_news: bool,
}

impl Claiming<'_> {
    async fn claim(&mut self, host: HostId) -> Result<Option<Claimed>, Error> {
        let active = self.change.jobs().active_of(host).await?;
        let mut tried = BTreeSet::new();
        for job in active.iter().filter(|job| waits(job)) {
            let needed = mode_of(job.kind).and(job.repository);
            if needed.is_some_and(|repository| !tried.insert(repository)) {
                continue;
            }
            if let Some(makes) = self.begin(job, &active, needed).await? {
                return self.dispatch(job).await.map(|job| job.map(|job| Claimed { job, makes }));
            }
        }
        Ok(None)
    }

    /// Takes what a job needs, and says whether it makes its repository; `None` when it has to wait.
    async fn begin(
        &mut self,
        job: &Job,
        active: &[Job],
        needed: Option<RepositoryId>,
    ) -> Result<Option<bool>, Error> {
        if let Turn::Wait(reason) = judge_in(&mut self.change, job, active).await? {
            if let Some(queue) = reason.queue() {
                self.place(job, queue).await?;
            }
            return Ok(None);
        }
        let makes = setup::makes(&mut self.change, job).await?;
        if let Some(repository) = job.repository.filter(|_| makes) {
            let parts = self.change.parts();
            if !parts.setups.begin(repository, job.host, job.id, parts.now()) {
                self.step_aside(job, repository).await?;
                return Ok(None);
            }
        }
        if needed.is_some() {
            take(&mut self.change, job, LeaseState::Held).await?;
        }
        Ok(Some(makes))
    }

    async fn place(&mut self, job: &Job, queue: LeaseState) -> Result<(), Error> {
        if place(&mut self.change, job, queue).await?
            && let Some(repository) = job.repository
        {
            self.is_news = true;
            // Whoever made room meanwhile did not see the place yet; and a queue that it left has another head.
            self.change.then(Follow::WakeNext(repository));
        }
        Ok(())
    }

    /// While another host makes the repository a job keeps nobody waiting.
    async fn step_aside(&mut self, job: &Job, repository: RepositoryId) -> Result<(), Error> {
        if self.change.leases().release(job.id).await? {
            self.is_news = true;
            self.change.then(Follow::WakeNext(repository));
        }
        Ok(())
    }

    async fn dispatch(&mut self, job: &Job) -> Result<Option<Job>, Error> {
        let now = self.change.parts().now();
        self.change.jobs().dispatch(job.id, now).await?;
        self.is_news = true;
        self.change.tell_job(job.id, job.host);
        if let Some(repository) = job.repository {
            // There may be room for the next one too.
            self.change.then(Follow::WakeNext(repository));
        }
        self.change.jobs().find(job.id).await
    }
}

#[cfg(test)]
mod tests;
