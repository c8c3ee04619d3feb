//! Statements on one SQLite connection, and what its errors mean.

use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};

use crate::{
    Error, ErrorKind,
    sql::{Row, Value},
};

/// Of the file; what is still in the log beside it comes on top.
pub(super) const DATABASE_BYTES: &str = "SELECT CAST(pages.page_count * size.page_size AS INTEGER) FROM pragma_page_count() AS pages, pragma_page_size() AS size";

/// See [`Connection::NOTE_ALL_SEEN`](crate::sql::Connection::NOTE_ALL_SEEN).
pub(super) const NOTE_ALL_SEEN: &str = "UPDATE hosts SET last_seen = pair.value ->> 1 FROM json_each($1) AS pair \
     WHERE hosts.id = unhex(pair.value ->> 0) AND deleted IS NULL";

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<u64, sqlx::Error> {
    Ok(bind(sql, values).execute(connection).await?.rows_affected())
}

pub(super) async fn query(
    connection: &mut SqliteConnection,
    sql: &'static str,
    values: Vec<Value>,
) -> Result<Vec<Row>, sqlx::Error> {
    Ok(bind(sql, values).fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
}

fn bind(sql: &'static str, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    values.into_iter().fold(sqlx::query(sql), |query, value| match value {
        Value::Null(_) => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Boolean(yes) => query.bind(yes),
    })
}

/// Whether a statement failed for what it said, which leaves the transaction around it whole.
pub(super) fn is_constraint(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| !matches!(error.kind(), sqlx::error::ErrorKind::Other))
}

pub(super) fn error(error: sqlx::Error, subject: &'static str) -> Error {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    let kind = match code.map(|code| code & 0xff) {
        // One transaction after the other: what a constraint refuses now it refuses at every try.
        _ if is_constraint(&error) => ErrorKind::Conflict,
        Some(CORRUPT | NOT_A_DATABASE) => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    };
    let subject = if kind == ErrorKind::Corrupt { "database file" } else { subject };
    Error::new(kind, subject).because(error)
}

const CORRUPT: u32 = 11;
const NOT_A_DATABASE: u32 = 26;
