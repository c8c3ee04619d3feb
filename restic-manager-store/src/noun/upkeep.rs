//! What keeps repositories small and healthy: when each duty is due, and when it last came to what it is for.

use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{Cause, DeletionVerdict, JobKind},
};

use crate::Error;

/// One duty of a repository: forget, prune, check, statistics or deletion test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Of which repository.
    pub repository: RepositoryId,
    /// Which.
    pub kind: JobKind,
    /// How often, in hours; `None` for never.
    pub every_hours: Option<u32>,
    /// When it is due. While a job does it, when to look after that job at the latest; the first moment of all when
    /// nobody has planned it yet.
    pub due: Option<Timestamp>,
    /// Since when it is expected to be done.
    pub since: Timestamp,
    /// When it last came to what it is for.
    pub effective: Option<Timestamp>,
    /// Tries since then that did not.
    pub failures: u32,
    /// The job that does it now.
    pub job: Option<JobId>,
    /// The last job that did it, or tried.
    pub last_job: Option<JobId>,
    /// Why that one ended so.
    pub last_cause: Option<Cause>,
    /// For a check: which part of the data is read next, from 1.
    pub part: u16,
    /// For a check: in how many parts the data is read.
    pub parts: u16,
}

/// What became of the newest try to delete with the everyday credential of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeletionTest {
    /// Of which repository.
    pub repository: RepositoryId,
    /// What was seen.
    pub verdict: DeletionVerdict,
    /// When.
    pub at: Timestamp,
    /// The host that tried.
    pub host: HostId,
    /// The job.
    pub job: JobId,
}

/// Queries about upkeep.
#[async_trait]
pub trait UpkeepQueries: Send {
    /// The duties of a repository, by kind.
    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Duty>, Error>;
    /// One duty.
    async fn find(&mut self, repository: RepositoryId, kind: JobKind) -> Result<Option<Duty>, Error>;
    /// The newest deletion test of a repository, as long as it says something about its present credential.
    async fn deletion_test(&mut self, repository: RepositoryId) -> Result<Option<DeletionTest>, Error>;
    /// Duties that are due at `now`, the longest due first, `limit` at most.
    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Duty>, Error>;
}

/// Changes to upkeep.
#[async_trait]
pub trait Upkeep: UpkeepQueries {
    /// Writes down a duty, in place of what was there. `NotFound` when the repository doesn't exist or is deleted.
    async fn set(&mut self, duty: &Duty) -> Result<(), Error>;
    /// Writes down what a deletion test showed, in place of the one before. `NotFound` when the repository doesn't exist
    /// or is deleted.
    async fn record_deletion_test(&mut self, test: &DeletionTest) -> Result<(), Error>;
    /// Forgets what a deletion test showed: the credential or the place is another now. Says whether there was one.
    async fn discard_deletion_test(&mut self, repository: RepositoryId) -> Result<bool, Error>;
}
