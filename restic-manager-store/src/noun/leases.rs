//! Rights to use a repository: held by jobs that run, and waited for by jobs that cannot yet.
//!
//! A lease goes with its job: [`finish`](crate::jobs::Jobs::finish) and [`requeue`](crate::jobs::Jobs::requeue) end it, in
//! the same transaction.

use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{JobKind, LeaseMode, LeaseState},
};

use crate::Error;

/// A job's right to use a repository, or its place in the queue for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The job; older ones come first.
    pub job: JobId,
    /// Which repository.
    pub repository: RepositoryId,
    /// On which host the job runs.
    pub host: HostId,
    /// What the job does.
    pub kind: JobKind,
    /// Whether others may hold one at the same time.
    pub mode: LeaseMode,
    /// Held, or what it waits for.
    pub state: LeaseState,
    /// When its holder counts as lost unless it is renewed; the lease stands until it is known that nobody uses the
    /// repository by it. A place in the queue has no such time: it stands for as long as its job waits.
    pub expires: Timestamp,
    /// Since when its holder is lost: it expired, and somebody looks after its lock.
    pub lost: Option<Timestamp>,
}

/// What stands in a job's way in one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many other jobs hold a lease.
    pub held: u64,
    /// Another job's exclusive lease.
    pub exclusive: Option<Lease>,
    /// The oldest lease of another job.
    pub oldest: Option<Lease>,
    /// The oldest job that waits and was asked for before this one.
    pub ahead: Option<Lease>,
}

/// What stands in a job's way in the whole fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetCrowd {
    /// How many other jobs hold a lease.
    pub held: u64,
    /// Whether an older job waits for the fleet's budget.
    pub ahead: bool,
}

/// Queries about leases.
#[async_trait]
pub trait LeaseQueries: Send {
    /// The lease of a job, held or waited for.
    async fn find(&mut self, job: JobId) -> Result<Option<Lease>, Error>;
    /// What stands in a job's way in a repository.
    async fn crowd(&mut self, job: JobId, repository: RepositoryId) -> Result<Crowd, Error>;
    /// What stands in a job's way in the fleet.
    async fn fleet_crowd(&mut self, job: JobId) -> Result<FleetCrowd, Error>;
    /// How many jobs wait before a place in the queue, for the same thing; counting stops at `limit`.
    async fn places_before(&mut self, lease: &Lease, limit: usize) -> Result<u64, Error>;
    /// The leases held in a repository, oldest job first, `limit` at most.
    async fn held_in(&mut self, repository: RepositoryId, limit: usize) -> Result<Vec<Lease>, Error>;
    /// The oldest job that waits in a repository, for whatever it waits.
    async fn next_in(&mut self, repository: RepositoryId) -> Result<Option<Lease>, Error>;
    /// The oldest job that waits for the fleet's budget.
    async fn next_in_fleet(&mut self) -> Result<Option<Lease>, Error>;
    /// The repositories in which jobs wait, in the order of their ids, from after one on, `limit` at most.
    async fn waited_for(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<RepositoryId>, Error>;
    /// Leases that are held and have expired, the earliest first, `limit` at most.
    async fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error>;
}

/// Changes to leases.
#[async_trait]
pub trait Leases: LeaseQueries {
    /// Writes down a place in the queue, or that a lease is held, in place of what the job had. `Conflict` when it
    /// would be held beside an exclusive one, or as the exclusive one beside others; `NotFound` when there is no such
    /// job.
    async fn take(&mut self, lease: &Lease) -> Result<(), Error>;
    /// Writes down a lease that is held whatever others are: an agent took it while nobody could be asked.
    async fn reflect(&mut self, lease: &Lease) -> Result<(), Error>;
    /// Renews what a host holds: it was seen, so nothing of it is lost; says how many.
    async fn renew(&mut self, host: HostId, expires: Timestamp) -> Result<u64, Error>;
    /// Notes that a lease's holder is lost, and when to look again. `NotFound` when there is no such lease.
    async fn lose(&mut self, job: JobId, now: Timestamp, look_again: Timestamp) -> Result<(), Error>;
    /// Ends a job's lease, or gives up its place; says whether there was one.
    async fn release(&mut self, job: JobId) -> Result<bool, Error>;
    /// Ends the leases in a repository whose holders are lost; says whose they were.
    async fn release_lost(&mut self, repository: RepositoryId) -> Result<Vec<Lease>, Error>;
    /// Gives up all places of a host; says how many.
    async fn leave_queue(&mut self, host: HostId) -> Result<u64, Error>;
    /// Gives up the places of all hosts; says how many.
    async fn clear_queue(&mut self) -> Result<u64, Error>;
}
