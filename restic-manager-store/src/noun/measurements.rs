//! What repositories held, day by day.

use async_trait::async_trait;
use restic_manager_proto::{Measured, RepositoryId, Timestamp};

use crate::Error;

/// What a repository held when it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Which repository.
    pub repository: RepositoryId,
    /// When.
    pub at: Timestamp,
    /// What it held.
    pub measured: Measured,
}

impl Measurement {
    /// The day in UTC that it stands for, counted from 1970.
    #[must_use]
    pub const fn day(&self) -> i64 {
        self.at.as_milliseconds().div_euclid(86_400_000)
    }
}

/// Queries about measurements.
#[async_trait]
pub trait MeasurementQueries: Send {
    /// The newest `days` days on which a repository was measured, oldest first.
    async fn history(&mut self, repository: RepositoryId, days: usize) -> Result<Vec<Measurement>, Error>;
}

/// Changes to measurements.
#[async_trait]
pub trait Measurements: MeasurementQueries {
    /// Writes down a measurement; each day keeps its newest. `NotFound` when the repository doesn't exist or is deleted.
    async fn record(&mut self, measurement: &Measurement) -> Result<(), Error>;
    /// Forgets what was measured before a moment, `limit` rows at most; says how many.
    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error>;
}
