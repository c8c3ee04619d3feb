//! When source groups are backed up.

use async_trait::async_trait;
use restic_manager_proto::{Bandwidth, HostId, Misfire, ScheduleId, SourceGroupId, Timestamp};

use crate::Error;

/// A schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Which.
    pub id: ScheduleId,
    /// Of which host.
    pub host: HostId,
    /// Unique under [`fold`](crate::fold) on its host.
    pub name: String,
    /// The times, in five fields.
    pub cron: String,
    /// The IANA name of the zone whose clock they follow.
    pub zone: String,
    /// What becomes of a slot that could not run in time.
    pub misfire: Misfire,
    /// How many seconds at most a run is spread after its slot.
    pub jitter_seconds: u32,
    /// How fast restic may be in its runs.
    pub bandwidth: Bandwidth,
    /// Whether it fires.
    pub enabled: bool,
    /// Slots after this moment count: when it was made, switched on, or last given other times.
    pub since: Timestamp,
    /// What it runs, in this order; groups of its host, each once.
    pub groups: Vec<SourceGroupId>,
    /// When the record was made.
    pub created: Timestamp,
    /// Counts the changes; 1 at first.
    pub version: i64,
}

/// Queries about schedules.
#[async_trait]
pub trait ScheduleQueries: Send {
    /// One schedule.
    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, Error>;
    /// Those of a host, by name.
    async fn of_host(&mut self, host: HostId) -> Result<Vec<Schedule>, Error>;
}

/// Changes to schedules.
#[async_trait]
pub trait Schedules: ScheduleQueries {
    /// Adds a schedule, at version 1. `Taken` when its host has one of that name, `NotFound` when the host doesn't
    /// exist or is deleted, or one of the groups is not its.
    async fn add(&mut self, schedule: &Schedule) -> Result<(), Error>;
    /// Changes everything but id, host and creation; answers the new version. `Conflict` when the stored version is
    /// not `expected`; else as [`Schedules::add`].
    async fn update(&mut self, schedule: &Schedule, expected: i64) -> Result<i64, Error>;
    /// Removes one. Its jobs stay.
    async fn delete(&mut self, id: ScheduleId) -> Result<(), Error>;
}
