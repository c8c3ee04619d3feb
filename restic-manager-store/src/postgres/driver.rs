//! Statements on one PostgreSQL transaction, and what its errors mean.

use async_trait::async_trait;
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use crate::{
    Error, ErrorKind,
    sql::{Connection, Finish, Row, Shape, Value},
};

pub(super) struct Session(pub(super) sqlx::Transaction<'static, Postgres>);

#[async_trait]
impl Connection for Session {
    const DATABASE_BYTES: &'static str = "SELECT pg_database_size(current_database())";
    const NOTE_ALL_SEEN: &'static str = "UPDATE hosts SET last_seen = (pair.value ->> 1)::bigint \
        FROM json_array_elements($1::json) AS pair \
        WHERE hosts.id = decode(pair.value ->> 0, 'hex') AND deleted IS NULL";

    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let done = bind(sql, values).execute(&mut *self.0).await;
        Ok(done.map_err(|failed| error(failed, "a change"))?.rows_affected())
    }

    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let rows = bind(sql, values).fetch_all(&mut *self.0).await;
        Ok(rows.map_err(|failed| error(failed, "a query"))?.into_iter().map(Row::Postgres).collect())
    }
}

#[async_trait]
impl Finish for Session {
    async fn commit(self) -> Result<(), Error> {
        self.0.commit().await.map_err(|failed| error(failed, "a commit"))
    }
}

fn bind(sql: &'static str, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null(Shape::Integer) => query.bind(None::<i64>),
        Value::Null(Shape::Text) => query.bind(None::<String>),
        Value::Null(Shape::Bytes) => query.bind(None::<Vec<u8>>),
        Value::Null(Shape::Boolean) => query.bind(None::<bool>),
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Boolean(yes) => query.bind(yes),
    })
}

/// Constraints are looked at before each change, so a key that is taken or gone all the same means a lost race. No race
/// makes a value break a rule about itself.
pub(super) fn error(error: sqlx::Error, subject: &'static str) -> Error {
    let code = error.as_database_error().and_then(|error| error.code());
    let kind = match code.as_deref() {
        Some("40001" | "40P01") => ErrorKind::Contention,
        Some(UNIQUE | FOREIGN_KEY | EXCLUDED) => ErrorKind::Contention,
        Some(code) if code.starts_with("23") => ErrorKind::Conflict,
        Some("XX001" | "XX002") => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, subject).because(error)
}

const FOREIGN_KEY: &str = "23503";
const UNIQUE: &str = "23505";
const EXCLUDED: &str = "23P01";
