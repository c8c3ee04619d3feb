//! Times in which nobody is told of some alerts.

use async_trait::async_trait;
use restic_manager_proto::{Matcher, SilenceId, Timestamp, UserId};

use crate::Error;

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Which.
    pub id: SilenceId,
    /// Of which alerts nobody is told.
    pub matcher: Matcher,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: UserId,
}

/// Queries about silences.
#[async_trait]
pub trait SilenceQueries: Send {
    /// The silence of an id.
    async fn find(&mut self, id: SilenceId) -> Result<Option<Silence>, Error>;
    /// Silences that last at `now` or are to come, the one that ends first first; `limit` at most.
    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Silence>, Error>;
}

/// Changes to silences.
#[async_trait]
pub trait Silences: SilenceQueries {
    /// Adds a silence. `Taken` when there is one of its id.
    async fn add(&mut self, silence: &Silence) -> Result<(), Error>;
    /// Ends a silence at `now`, and removes one that has not begun; says whether it was not over.
    async fn end(&mut self, id: SilenceId, now: Timestamp) -> Result<bool, Error>;
    /// Forgets silences that were over before a moment; says how many that were.
    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error>;
}
