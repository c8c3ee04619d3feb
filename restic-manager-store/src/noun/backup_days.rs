//! What the backups of each source group came to, day by day.

use async_trait::async_trait;
use restic_manager_proto::{HostId, Scope, SourceGroupId, Timestamp};

use crate::Error;

/// What the backups of a source group on one day came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupDay {
    /// Which host.
    pub host: HostId,
    /// Which day, in UTC: the days since 1970.
    pub day: i64,
    /// Which source group; it may be gone.
    pub source_group: SourceGroupId,
    /// How many backups made a snapshot.
    pub runs: u64,
    /// Bytes that the newest of them looked at.
    pub bytes_processed: u64,
    /// Bytes that were new to the repository, of all of them.
    pub bytes_added: u64,
    /// How long restic ran, all of them together.
    pub milliseconds: u64,
}

impl BackupDay {
    /// The day of a moment, in UTC.
    #[must_use]
    pub const fn of(moment: Timestamp) -> i64 {
        moment.as_milliseconds().div_euclid(86_400_000)
    }

    /// The day with one more backup.
    pub(crate) const fn and(self, run: &Self) -> Self {
        Self {
            runs: self.runs.saturating_add(run.runs),
            bytes_processed: run.bytes_processed,
            bytes_added: self.bytes_added.saturating_add(run.bytes_added),
            milliseconds: self.milliseconds.saturating_add(run.milliseconds),
            ..self
        }
    }
}

/// How much a source group added to its repository over some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grown {
    /// Which host.
    pub host: HostId,
    /// Which source group; it may be gone.
    pub source_group: SourceGroupId,
    /// Bytes that were new to the repository.
    pub bytes_added: u64,
}

/// Queries about days of backups.
#[async_trait]
pub trait BackupDayQueries: Send {
    /// The days of a host from one on, each source group by itself, oldest first.
    async fn of_host(&mut self, host: HostId, since: i64) -> Result<Vec<BackupDay>, Error>;
    /// The source groups of hosts within a scope that added something from a day on, those that added most first, `limit`
    /// at most.
    async fn most_grown(&mut self, scope: &Scope, since: i64, limit: usize) -> Result<Vec<Grown>, Error>;
}

/// Changes to days of backups.
#[async_trait]
pub trait BackupDays: BackupDayQueries {
    /// Counts a backup, or several, on its day: the newest says how much there is, the rest adds up.
    async fn note(&mut self, run: &BackupDay) -> Result<(), Error>;
    /// Forgets what lies before a day, `limit` rows at most; says how many.
    async fn purge(&mut self, before: i64, limit: usize) -> Result<u64, Error>;
}
