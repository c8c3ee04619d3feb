//! Whose turn it is: what stands in a job's way besides its own host, and whom a change lets go on.

use restic_manager_core::lease::{self, Budgets, Head, Holder, LeaseFacts, Turn, Woken, decide};
use restic_manager_proto::{HostId, JobId, RepositoryId, vocabulary::LeaseMode};
use restic_manager_store::{
    Audit, Error, Read,
    leases::{Lease, LeaseQueries},
    retry,
};

use super::Parts;

/// A job that needs a lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) job: JobId,
    pub(crate) repository: RepositoryId,
    pub(crate) mode: LeaseMode,
    /// How many may use the repository at once, where that was chosen.
    pub(crate) parallel: Option<u32>,
}

/// How many wake-ups one change is followed by at most, where hosts that are away stand first.
const TRIES: usize = 64;

/// Two heads of queues, and how many jobs the fleet's budget has room for.
struct Heads {
    repository: Option<(Lease, Head)>,
    fleet: Option<(Lease, Head)>,
    room: u64,
}

impl Parts {
    /// Whether a job may start, as far as others are concerned.
    pub(crate) async fn turn(
        &self,
        leases: &mut dyn LeaseQueries,
        candidate: Candidate,
    ) -> Result<Turn, Error> {
        let Candidate { job, repository, mode, parallel } = candidate;
        let crowd = leases.crowd(job, repository).await?;
        let fleet = leases.fleet_crowd(job).await?;
        let holder = |lease: Lease| Holder { kind: lease.kind, is_lost: lease.lost.is_some() };
        let budgets = self.config.budgets;
        Ok(decide(&LeaseFacts {
            mode,
            host: None,
            exclusive: crowd.exclusive.map(holder),
            holder: crowd.oldest.map(holder),
            ahead: crowd.ahead.map(|ahead| ahead.kind),
            held: crowd.held,
            fleet_held: fleet.held,
            fleet_ahead: fleet.ahead,
            budgets: Budgets {
                repository: parallel.map_or(budgets.repository, u64::from),
                fleet: budgets.fleet,
            },
        }))
    }

    /// Wakes whom a change in a repository lets go on.
    pub(crate) async fn wake_next(&self, repository: RepositoryId) {
        if let Err(error) = self.try_wake_next(repository).await {
            // The round over all queues wakes them.
            tracing::warn!(error = &error as &dyn core::error::Error, "could not look who is next");
        }
    }

    /// The same, and says what failed.
    pub(crate) async fn try_wake_next(&self, repository: RepositoryId) -> Result<(), Error> {
        for _ in 0..TRIES {
            let Heads { repository: first, fleet, room } = self.heads(repository).await?;
            let of = |head: &Option<(Lease, Head)>| head.as_ref().map(|(_, head)| *head);
            let Woken { repository: wakes_first, fleet: wakes_fleet } =
                lease::wake(of(&first), of(&fleet), room);
            let woken = [first.filter(|_| wakes_first), fleet.filter(|_| wakes_fleet)];
            let hosts = woken.into_iter().flatten().map(|(lease, _)| lease.host);
            let (here, away): (Vec<_>, Vec<_>) = hosts.partition(|host| self.hub.last_seen(*host).is_some());
            self.wake_all(here);
            if away.is_empty() {
                return Ok(());
            }
            self.leave_queue(&away).await?;
        }
        Ok(())
    }

    async fn heads(&self, repository: RepositoryId) -> Result<Heads, Error> {
        let mut read = self.store.read().await?;
        let first = match read.leases().next_in(repository).await? {
            Some(place) => Some(self.head(read.as_mut(), place).await?),
            None => None,
        };
        let fleet = match read.leases().next_in_fleet().await? {
            Some(place) if first.as_ref().is_none_or(|(first, _)| first.job != place.job) => {
                Some(self.head(read.as_mut(), place).await?)
            }
            _ => None,
        };
        let room = match &fleet {
            Some((place, _)) => {
                let held = read.leases().fleet_crowd(place.job).await?.held;
                self.config.budgets.fleet.saturating_sub(held)
            }
            None => u64::MAX,
        };
        Ok(Heads { repository: first, fleet, room })
    }

    async fn head(&self, read: &mut dyn Read, place: Lease) -> Result<(Lease, Head), Error> {
        let repository = read.repositories().find(place.repository).await?;
        let parallel = repository.and_then(|repository| repository.parallel);
        let Lease { job, repository, mode, .. } = place;
        let turn = self.turn(read.leases(), Candidate { job, repository, mode, parallel }).await?;
        let head = Head { queue: place.state, turn };
        Ok((place, head))
    }

    /// Hosts that are away keep nobody waiting.
    async fn leave_queue(&self, hosts: &[HostId]) -> Result<(), Error> {
        retry(async || {
            let mut change = self.begin().await?;
            for host in hosts {
                change.leases().leave_queue(*host).await?;
            }
            Box::pin(change.commit(Audit::Routine("hosts that are away left the queue"))).await
        })
        .await
    }

    pub(super) fn wake_all(&self, hosts: impl IntoIterator<Item = HostId>) {
        hosts.into_iter().for_each(|host| self.hub.wake(host));
    }
}
