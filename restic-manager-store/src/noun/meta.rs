//! Facts about the database itself, such as a value that tells whether the server's key fits.

use async_trait::async_trait;

use crate::Error;

/// Queries about facts.
#[async_trait]
pub trait MetaQueries: Send {
    /// The fact of a name.
    async fn value(&mut self, name: &str) -> Result<Option<String>, Error>;
}

/// Changes to facts.
#[async_trait]
pub trait Meta: MetaQueries {
    /// Sets a fact.
    async fn put(&mut self, name: &str, value: &str) -> Result<(), Error>;
}
