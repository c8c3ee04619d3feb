//! Bringing a database's schema up to date, by one server at a time.

use sqlx::{PgConnection, PgPool, Row as _};

use super::driver;
use crate::{
    Error, ErrorKind,
    sql::{Applied, Migration, older, pending},
};

pub(super) async fn migrate(pool: &PgPool, known: &[Migration]) -> Result<(), Error> {
    let failed = |error| driver::error(error, "a migration");
    let mut transaction = pool.begin().await.map_err(failed)?;
    prepare(&mut transaction).await?;
    let applied = applied(&mut transaction).await.map_err(failed)?;
    for step in pending(known, &applied)? {
        sqlx::raw_sql(step.postgres).execute(&mut *transaction).await.map_err(failed)?;
        sqlx::query("INSERT INTO schema_migrations (number, name) VALUES ($1, $2)")
            .bind(step.number)
            .bind(step.name)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// Refuses a database that is not of this version, and changes nothing.
pub(super) async fn expect_current(pool: &PgPool, known: &[Migration]) -> Result<(), Error> {
    let look = |error| driver::error(error, "a look at the schema");
    let mut connection = pool.acquire().await.map_err(look)?;
    let applied = applied(&mut connection).await.map_err(look)?;
    let steps = pending(known, &applied)?;
    if steps.is_empty() { Ok(()) } else { Err(older()) }
}

async fn prepare(connection: &mut PgConnection) -> Result<(), Error> {
    let failed = |error| driver::error(error, "a look at the schema");
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let encoding = sqlx::query("SELECT current_setting('server_encoding')");
    let encoding: String = encoding.fetch_one(&mut *connection).await.map_err(failed)?.get(0);
    if encoding != "UTF8" {
        return Err(Error::new(
            ErrorKind::Unavailable,
            "text in UTF-8 (create the database with ENCODING 'UTF8')",
        ));
    }
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations \
                 (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";
    sqlx::query(table).execute(connection).await.map_err(failed)?;
    Ok(())
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, sqlx::Error> {
    let steps = sqlx::query("SELECT number, name FROM schema_migrations ORDER BY number");
    let steps = steps.fetch_all(connection).await?;
    Ok(steps.iter().map(|step| Applied { number: step.get(0), name: step.get(1) }).collect())
}

/// Any number will do, as long as every server takes the same.
const LOCK: i64 = 0x7265_7374_6963_2d6d;
