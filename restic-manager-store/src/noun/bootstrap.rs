//! The one-time token that makes the first admin.

use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use crate::{Error, TokenHash};

/// The bootstrap token: one at a time, and none after it was spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Its hash.
    pub token: TokenHash,
    /// When it was made.
    pub created: Timestamp,
    /// When the first admin was made with it.
    pub spent: Option<Timestamp>,
}

/// Queries about the bootstrap token.
#[async_trait]
pub trait BootstrapQueries: Send {
    /// The token; `None` before the first start has made one.
    async fn current(&mut self) -> Result<Option<Bootstrap>, Error>;
}

/// Changes to the bootstrap token.
#[async_trait]
pub trait Bootstraps: BootstrapQueries {
    /// Puts a new token in the place of an unspent one. `Conflict` once one was spent.
    async fn offer(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error>;
    /// Spends the token. `NotFound` when it is another, `Conflict` when one was spent already.
    async fn spend(&mut self, token: &TokenHash, now: Timestamp) -> Result<(), Error>;
}
