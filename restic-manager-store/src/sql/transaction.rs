//! Read and transaction over any [`Connection`].

use async_trait::async_trait;

use super::{
    Connection, Finish, Row, Value,
    value::{Columns, values},
};
use crate::{
    Audit, Error, ErrorKind, Read, Transaction,
    accessors::{change_accessors, query_accessors},
    audit::{AuditEntry, AuditQueries},
};

/// The nouns of one open transaction.
pub(crate) struct Sql<C> {
    connection: C,
    failed: bool,
}

impl<C: Connection> Sql<C> {
    pub(crate) fn new(connection: C) -> Self {
        Self { connection, failed: false }
    }

    pub(super) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let done = self.connection.execute(sql, values).await;
        self.failed |= done.is_err();
        done
    }

    /// Whether a statement changed anything.
    pub(super) async fn change(&mut self, sql: &'static str, values: Vec<Value>) -> Result<bool, Error> {
        Ok(self.execute(sql, values).await? > 0)
    }

    pub(super) async fn rows<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        subject: &'static str,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.query(sql, values).await?;
        rows.iter().map(|row| read(&mut Columns::new(row, subject))).collect()
    }

    pub(super) async fn row<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        subject: &'static str,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let rows = self.query(sql, values).await?;
        rows.first().map(|row| read(&mut Columns::new(row, subject))).transpose()
    }

    /// Whether a query finds anything.
    pub(super) async fn any(&mut self, sql: &'static str, values: Vec<Value>) -> Result<bool, Error> {
        Ok(!self.query(sql, values).await?.is_empty())
    }

    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = self.connection.query(sql, values).await;
        self.failed |= rows.is_err();
        rows
    }

    async fn record(&mut self, audit: Audit) -> Result<(), Error> {
        let entries = audit.into_entries();
        if entries.is_empty() {
            return Ok(());
        }
        let mut head = self.head().await?;
        for entry in entries {
            let linked = AuditEntry::link(head, entry);
            head = linked.head();
            self.append_entry(&linked).await?;
        }
        Ok(())
    }
}

/// For [`Connection`]s that only look.
pub(crate) struct SqlRead<C>(pub(crate) Sql<C>);

impl<C: Connection> Read for SqlRead<C> {
    query_accessors!(0);
}

/// For [`Connection`]s that change.
pub(crate) struct SqlTransaction<C>(pub(crate) Sql<C>);

#[async_trait]
impl<C: Finish> Transaction for SqlTransaction<C> {
    change_accessors!(0);

    async fn commit(mut self: Box<Self>, audit: Audit) -> Result<(), Error> {
        self.0.record(audit).await?;
        if self.0.failed {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "a transaction after one of its statements failed",
            ));
        }
        self.0.connection.commit().await
    }
}

/// Refuses a change that was made against another version; used when an update with the expected version in its
/// condition changed nothing.
pub(super) fn lost(stored: Option<i64>, subject: &'static str) -> Error {
    Error::new(if stored.is_some() { ErrorKind::Conflict } else { ErrorKind::NotFound }, subject)
}

impl<C: Connection> Sql<C> {
    /// The version of a row, from a query with its key.
    pub(super) async fn version(&mut self, sql: &'static str, key: Vec<Value>) -> Result<Option<i64>, Error> {
        self.row(sql, key, "version", |columns| columns.next()).await
    }

    /// Adds to a counter that is a sum over shards.
    pub(super) async fn count(&mut self, name: &str, shard: u8, difference: i64) -> Result<(), Error> {
        let sql = "INSERT INTO counters (name, shard, value) VALUES ($1, $2, $3) \
                   ON CONFLICT (name, shard) DO UPDATE SET value = counters.value + excluded.value";
        self.execute(sql, values![name, i64::from(shard % 16), difference]).await?;
        Ok(())
    }

    /// The sums of all counters whose names begin so, without the beginning; empty ones are left out.
    pub(super) async fn counters(&mut self, prefix: &str) -> Result<Vec<(String, u64)>, Error> {
        let sql = "SELECT name, CAST(SUM(value) AS BIGINT) FROM counters \
                   WHERE name >= $1 AND name < $2 GROUP BY name HAVING SUM(value) > 0 ORDER BY name";
        let beyond = format!("{prefix}\u{10ffff}");
        let counters = self
            .rows(sql, values![prefix, beyond], "counter", |columns| {
                Ok((columns.next::<String>()?, columns.next()?))
            })
            .await?;
        Ok(counters.into_iter().map(|(name, sum)| (name[prefix.len()..].to_owned(), sum)).collect())
    }
}
