//! What a backend must offer for the nouns to work on it.

use async_trait::async_trait;

use super::{Row, Value};
use crate::Error;

/// One open transaction of a database.
#[async_trait]
pub(crate) trait Connection: Send {
    /// The query for the bytes that the database takes on its disk.
    const DATABASE_BYTES: &'static str;

    /// The statement that notes when hosts were seen, of a list in JSON of pairs: an id in hexadecimal, and milliseconds.
    const NOTE_ALL_SEEN: &'static str;

    /// Runs a statement; answers how many rows it changed.
    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error>;

    /// Runs a query.
    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error>;
}

/// A connection whose changes can be kept. Dropping it undoes them.
#[async_trait]
pub(crate) trait Finish: Connection {
    /// Returns once the changes are on disk.
    async fn commit(self) -> Result<(), Error>;
}
