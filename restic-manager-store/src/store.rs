//! The two ways into the data: a consistent look, and a change.

use async_trait::async_trait;

use crate::{Error, Read, Transaction};

/// What a look at the stored bytes came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Soundness {
    /// Nothing wrong was found.
    Sound,
    /// What is wrong, in the database's own words.
    Damaged(String),
    /// It was not looked at: this database watches over its files by itself, or has none.
    NotLooked,
}

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

    /// Looks whether what is stored is sound, as far as the database can tell from its files. Others read and write
    /// meanwhile; it may take minutes. Cancel-safe: it changes nothing.
    ///
    /// # Errors
    /// `Unavailable` when it could not look to the end.
    async fn inspect(&self) -> Result<Soundness, Error>;

    /// Waits for what is being committed and closes the database. Later calls fail.
    async fn close(&self) -> Result<(), Error>;
}
