//! Routes of notifications: which alerts are told through which channels.

use async_trait::async_trait;
use restic_manager_proto::{RouteId, RouteRule, Timestamp};

use crate::Error;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which.
    pub id: RouteId,
    /// Its place: lower ones are asked first.
    pub place: u32,
    /// Its name.
    pub name: String,
    /// What it says.
    pub rule: RouteRule,
    /// When it was made.
    pub created: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// Queries about routes.
#[async_trait]
pub trait RouteQueries: Send {
    /// The route of an id.
    async fn find(&mut self, id: RouteId) -> Result<Option<Route>, Error>;
    /// Routes in the order of their places and ids, `limit` at most.
    async fn all(&mut self, limit: usize) -> Result<Vec<Route>, Error>;
}

/// Changes to routes.
#[async_trait]
pub trait Routes: RouteQueries {
    /// Adds a route with version 1. `Taken` when its id is.
    async fn add(&mut self, route: &Route) -> Result<(), Error>;
    /// Writes place, name and rule. Answers the new version; `Conflict` when the stored one is not `expected`.
    async fn update(&mut self, route: &Route, expected: i64) -> Result<i64, Error>;
    /// Removes a route. `NotFound` when there is none.
    async fn delete(&mut self, id: RouteId) -> Result<(), Error>;
}
