//! The two ways into the data: a consistent look, and a change.

use async_trait::async_trait;

use crate::{Error, Read, Transaction};

/// A database.
///
/// Transactions behave as if they ran one after the other. A backend that cannot wait for that ends one of them
/// with [`ErrorKind::Contention`](crate::ErrorKind::Contention); [`retry`](crate::retry()) runs it again.
#[async_trait]
pub trait Store: Send + Sync {
    /// A look at one state of the data: all queries on it see the same moment.
    async fn read(&self) -> Result<Box<dyn Read>, Error>;

    /// Starts a change. Dropping it undoes it.
    ///
    /// A transaction may hold up all others: never wait for a peer or a person while one is open.
    async fn begin(&self) -> Result<Box<dyn Transaction>, Error>;

    /// Waits for what is being committed and closes the database. Later calls fail.
    async fn close(&self) -> Result<(), Error>;
}
