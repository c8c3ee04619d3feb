//! Read and transaction over any [`Connection`].

use async_trait::async_trait;

use super::{
    Connection, Finish, Row, Value,
    record::{Columns, Record, Select},
    value::{Decode, values},
};
use crate::{
    Audit, Error, ErrorKind, Read, Transaction,
    audit::{AuditEntry, AuditQueries},
    nouns::{accessors, nouns},
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

    /// Runs a statement that must change something.
    pub(super) async fn expect(
        &mut self,
        (sql, values): (&'static str, Vec<Value>),
        otherwise: Error,
    ) -> Result<(), Error> {
        if self.change(sql, values).await? { Ok(()) } else { Err(otherwise) }
    }

    /// Adds a row; says whether nothing stood in its way.
    pub(super) async fn insert<T: Record>(&mut self, row: &T) -> Result<bool, Error> {
        self.change(T::insert(), row.written()).await
    }

    /// Adds a row, or puts it in the place of the one with its key.
    pub(super) async fn upsert<T: Record>(&mut self, row: &T) -> Result<(), Error> {
        self.execute(T::upsert(), row.written()).await?;
        Ok(())
    }

    pub(super) async fn rows<T: Record>(
        &mut self,
        select: Select<T>,
        values: Vec<Value>,
    ) -> Result<Vec<T>, Error> {
        self.rows_of(select.0, values, T::TABLE, T::NOUN, |columns| T::read(columns, "")).await
    }

    pub(super) async fn row<T: Record>(
        &mut self,
        select: Select<T>,
        values: Vec<Value>,
    ) -> Result<Option<T>, Error> {
        Ok(self.rows(select, values).await?.into_iter().next())
    }

    /// What a query for a single column finds.
    pub(super) async fn column<T: Decode>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        noun: &'static str,
    ) -> Result<Vec<T>, Error> {
        self.rows_of(sql, values, noun, noun, |columns| columns.only()).await
    }

    /// The first of what a query for a single column finds.
    pub(super) async fn only<T: Decode>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        noun: &'static str,
    ) -> Result<Option<T>, Error> {
        Ok(self.column(sql, values, noun).await?.into_iter().next())
    }

    /// The rows of a query for other than whole rows of a table.
    pub(super) async fn rows_of<T>(
        &mut self,
        sql: &'static str,
        values: Vec<Value>,
        of: &'static str,
        noun: &'static str,
        read: impl Fn(&Columns<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.query(sql, values).await?;
        rows.iter().map(|row| read(&Columns::new(row, of, noun))).collect()
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
            self.insert(&linked).await?;
        }
        Ok(())
    }
}

/// For [`Connection`]s that only look.
impl<C: Connection> Read for Sql<C> {
    nouns!(accessors queries);
}

/// For [`Connection`]s that change.
#[async_trait]
impl<C: Finish> Transaction for Sql<C> {
    nouns!(accessors changes);

    fn reading(&mut self) -> &mut dyn Read {
        self
    }

    async fn commit(mut self: Box<Self>, audit: Audit) -> Result<(), Error> {
        self.record(audit).await?;
        if self.failed {
            return Err(Error::new(
                ErrorKind::Unavailable,
                "a transaction after one of its statements failed",
            ));
        }
        self.connection.commit().await
    }
}

/// Refuses a change that was made against another version; used when an update with the expected version in its
/// condition changed nothing.
pub(super) fn lost(stored: Option<i64>, subject: &'static str) -> Error {
    unfit(stored.is_some(), subject)
}

/// Refuses a change of a row that is in no state for it, or that is not there.
pub(super) const fn unfit(is_known: bool, subject: &'static str) -> Error {
    Error::new(if is_known { ErrorKind::Conflict } else { ErrorKind::NotFound }, subject)
}

impl<C: Connection> Sql<C> {
    /// The version of a row, from a query with its key.
    pub(super) async fn version(&mut self, sql: &'static str, key: Vec<Value>) -> Result<Option<i64>, Error> {
        self.only(sql, key, "version").await
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
        let sql = "SELECT name, CAST(SUM(value) AS BIGINT) AS total FROM counters \
                   WHERE name >= $1 AND name < $2 GROUP BY name HAVING SUM(value) > 0 ORDER BY name";
        let beyond = format!("{prefix}\u{10ffff}");
        let counter = |columns: &Columns<'_>| {
            let name: String = columns.get("name")?;
            Ok((name[prefix.len()..].to_owned(), columns.get("total")?))
        };
        self.rows_of(sql, values![prefix, beyond], "counters", "counter", counter).await
    }
}
