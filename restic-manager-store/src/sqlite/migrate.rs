//! Bringing a file's schema up to date.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use sqlx::{Row as _, SqliteConnection};

use super::driver;
use crate::{
    Error, ErrorKind,
    sql::{Applied, Migration, older, pending},
};

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "foundation",
        sql: include_str!("../../migrations/sqlite/0001_foundation.sql"),
    },
    Migration {
        number: 2,
        name: "schedules",
        sql: include_str!("../../migrations/sqlite/0002_schedules.sql"),
    },
    Migration { number: 3, name: "alerts", sql: include_str!("../../migrations/sqlite/0003_alerts.sql") },
    Migration { number: 4, name: "scopes", sql: include_str!("../../migrations/sqlite/0004_scopes.sql") },
    Migration {
        number: 5,
        name: "retention",
        sql: include_str!("../../migrations/sqlite/0005_retention.sql"),
    },
    Migration {
        number: 6,
        name: "session_proof",
        sql: include_str!("../../migrations/sqlite/0006_session_proof.sql"),
    },
    Migration {
        number: 7,
        name: "audit_proof",
        sql: include_str!("../../migrations/sqlite/0007_audit_proof.sql"),
    },
    Migration {
        number: 8,
        name: "agent_tokens",
        sql: include_str!("../../migrations/sqlite/0008_agent_tokens.sql"),
    },
    Migration { number: 9, name: "people", sql: include_str!("../../migrations/sqlite/0009_people.sql") },
    Migration { number: 10, name: "plans", sql: include_str!("../../migrations/sqlite/0010_plans.sql") },
    Migration { number: 11, name: "factors", sql: include_str!("../../migrations/sqlite/0011_factors.sql") },
    Migration { number: 12, name: "upkeep", sql: include_str!("../../migrations/sqlite/0012_upkeep.sql") },
    Migration { number: 13, name: "trust", sql: include_str!("../../migrations/sqlite/0013_trust.sql") },
    Migration {
        number: 14,
        name: "group_standings",
        sql: include_str!("../../migrations/sqlite/0014_group_standings.sql"),
    },
    Migration {
        number: 15,
        name: "api_token_scopes",
        sql: include_str!("../../migrations/sqlite/0015_api_token_scopes.sql"),
    },
    Migration {
        number: 16,
        name: "measurements",
        sql: include_str!("../../migrations/sqlite/0016_measurements.sql"),
    },
    Migration {
        number: 17,
        name: "previews",
        sql: include_str!("../../migrations/sqlite/0017_previews.sql"),
    },
    Migration { number: 18, name: "hooks", sql: include_str!("../../migrations/sqlite/0018_hooks.sql") },
    Migration { number: 19, name: "backups", sql: include_str!("../../migrations/sqlite/0019_backups.sql") },
];

/// Makes a missing file readable for its owner alone; SQLite gives the files beside it the same mode.
pub(super) fn create_private(path: &Path) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| {
        let told = std::io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        Error::new(ErrorKind::Unavailable, "the opening of the file").because(told)
    })?;
    Ok(())
}

pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    known: &[Migration],
) -> Result<(), Error> {
    let applied = applied(connection).await?;
    let steps = pending(known, &applied)?;
    if let (Some(step), false) = (steps.first(), applied.is_empty()) {
        copy(connection, path, step.number).await?;
    }
    for step in steps {
        take(connection, step).await.map_err(|error| driver::error(error, "a migration"))?;
    }
    Ok(())
}

/// Refuses a file that is not of this version, and changes nothing.
pub(super) async fn expect_current(
    connection: &mut SqliteConnection,
    known: &[Migration],
) -> Result<(), Error> {
    let applied = applied(connection).await?;
    let steps = pending(known, &applied)?;
    if steps.is_empty() { Ok(()) } else { Err(older()) }
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<Applied>, Error> {
    let look = |error| driver::error(error, "a look at the schema");
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables = sqlx::query(tables).fetch_all(&mut *connection).await.map_err(look)?;
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    if !tables.iter().any(|table| table.get::<&str, _>(0) == "schema_migrations") {
        return Err(Error::new(ErrorKind::Corrupt, "database (it is another program's)"));
    }
    let steps = "SELECT number, name FROM schema_migrations ORDER BY number";
    let steps = sqlx::query(steps).fetch_all(connection).await.map_err(look)?;
    Ok(steps.iter().map(|step| Applied { number: step.get(0), name: step.get(1) }).collect())
}

async fn take(connection: &mut SqliteConnection, step: &Migration) -> Result<(), sqlx::Error> {
    let mut transaction = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations \
                 (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT";
    sqlx::query(table).execute(&mut *transaction).await?;
    sqlx::raw_sql(step.sql).execute(&mut *transaction).await?;
    sqlx::query("INSERT INTO schema_migrations (number, name) VALUES ($1, $2)")
        .bind(step.number)
        .bind(step.name)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// A whole copy under a name that says what it is from; renamed into place so that half a copy never has that name.
async fn copy(connection: &mut SqliteConnection, path: &Path, before: i64) -> Result<(), Error> {
    let failed = |error| Error::new(ErrorKind::Unavailable, "a copy before the migration").because(error);
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".before-{before:04}{suffix}"));
        PathBuf::from(name)
    };
    let (unfinished, finished) = (beside(".tmp"), beside(""));
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(failed)?;
    }
    create_private(&unfinished)?;
    let name = unfinished.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
    sqlx::query("VACUUM INTO $1")
        .bind(name)
        .execute(connection)
        .await
        .map_err(|error| driver::error(error, "a copy before the migration"))?;
    fs::rename(unfinished, finished).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::{AssertSqlSafe, Connection as _};
    use tempfile::TempDir;

    const NEXT: Migration = Migration {
        number: 2,
        name: "next",
        sql: "ALTER TABLE meta ADD COLUMN note TEXT; UPDATE meta SET note = 'new';",
    };
    const BROKEN: Migration =
        Migration { number: 2, name: "broken", sql: "DELETE FROM meta; SELECT nonsense;" };

    async fn connect(path: &Path) -> SqliteConnection {
        SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    async fn old_database() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        create_private(&path).unwrap();
        let mut connection = connect(&path).await;
        migrate(&mut connection, &path, &MIGRATIONS[..1]).await.unwrap();
        sqlx::query("INSERT INTO meta VALUES ('fact', 'kept')").execute(&mut connection).await.unwrap();
        (folder, path)
    }

    async fn text(path: &Path, sql: &str) -> Result<String, sqlx::Error> {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connect(path).await).await
    }

    fn with(last: Migration) -> Vec<Migration> {
        let first = &MIGRATIONS[0];
        vec![Migration { number: first.number, name: first.name, sql: first.sql }, last]
    }

    #[tokio::test]
    async fn a_database_is_copied_before_it_is_migrated() {
        let (_folder, path) = old_database().await;
        migrate(&mut connect(&path).await, &path, &with(NEXT)).await.unwrap();
        let copy = path.with_file_name("store.db.before-0002");
        assert_eq!(text(&path, "SELECT note FROM meta").await.unwrap(), "new");
        assert_eq!(text(&copy, "SELECT value FROM meta").await.unwrap(), "kept");
        assert!(text(&copy, "SELECT note FROM meta").await.is_err(), "the copy is from before");
        assert_eq!(text(&path, "SELECT MAX(name) FROM schema_migrations").await.unwrap(), "next");
        let again = migrate(&mut connect(&path).await, &path, &with(NEXT)).await;
        assert!(again.is_ok(), "a step is taken once");
    }

    #[tokio::test]
    async fn a_step_that_fails_changes_nothing() {
        let (_folder, path) = old_database().await;
        let error = migrate(&mut connect(&path).await, &path, &with(BROKEN)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(text(&path, "SELECT value FROM meta").await.unwrap(), "kept");
        assert_eq!(text(&path, "SELECT MAX(name) FROM schema_migrations").await.unwrap(), "foundation");
    }

    #[tokio::test]
    async fn half_a_copy_of_an_earlier_try_is_no_hindrance() {
        let (_folder, path) = old_database().await;
        fs::write(path.with_file_name("store.db.before-0002.tmp"), "half").unwrap();
        migrate(&mut connect(&path).await, &path, &with(NEXT)).await.unwrap();
        assert_eq!(text(&path, "SELECT note FROM meta").await.unwrap(), "new");
    }

    #[tokio::test]
    async fn another_history_is_refused() {
        let (_folder, path) = old_database().await;
        let other = [Migration { number: 1, name: "other", sql: "" }];
        let error = migrate(&mut connect(&path).await, &path, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
