//! Times in which it is known why hosts are silent.

use async_trait::async_trait;
use restic_manager_proto::{MaintenanceId, Scope, Timestamp, UserId};

use crate::Error;

/// A maintenance window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaintenanceWindow {
    /// Which.
    pub id: MaintenanceId,
    /// Which hosts.
    pub scope: Scope,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// When it was announced.
    pub created: Timestamp,
    /// Who announced it.
    pub created_by: UserId,
}

/// Queries about maintenance windows.
#[async_trait]
pub trait MaintenanceQueries: Send {
    /// The window of an id.
    async fn find(&mut self, id: MaintenanceId) -> Result<Option<MaintenanceWindow>, Error>;
    /// Windows that last at `now` or are to come, the one that ends first first; `limit` at most.
    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<MaintenanceWindow>, Error>;
}

/// Changes to maintenance windows.
#[async_trait]
pub trait Maintenance: MaintenanceQueries {
    /// Adds a window. `Taken` when there is one of its id.
    async fn add(&mut self, window: &MaintenanceWindow) -> Result<(), Error>;
    /// Ends a window at `now`, and removes one that has not begun; says whether it was not over.
    async fn end(&mut self, id: MaintenanceId, now: Timestamp) -> Result<bool, Error>;
    /// Forgets windows that were over before a moment; says how many that were.
    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error>;
}
