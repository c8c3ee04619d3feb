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
    sqlx::raw_sql(step.sqlite).execute(&mut *transaction).await?;
    sqlx::query("INSERT INTO schema_migrations (number, name) VALUES ($1, $2)")
        .bind(step.number)
        .bind(step.name)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// How many copies of older schemas are kept.
const COPIES: usize = 3;

/// A whole copy under a name that says what it is from; renamed into place so that half a copy never has that name, and on
/// the disk before the first step is taken.
async fn copy(connection: &mut SqliteConnection, path: &Path, before: i64) -> Result<(), Error> {
    let failed = |error| Error::new(ErrorKind::Unavailable, "a copy before the migration").because(error);
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{BEFORE}{before:04}{suffix}"));
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
    put_in_place(&unfinished, &finished).and_then(|()| discard_old_copies(path)).map_err(failed)
}

const BEFORE: &str = ".before-";

fn put_in_place(unfinished: &Path, finished: &Path) -> std::io::Result<()> {
    fs::File::open(unfinished)?.sync_all()?;
    fs::rename(unfinished, finished)?;
    // A folder can be opened and synced on Unix alone.
    #[cfg(unix)]
    if let Some(folder) = finished.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Removes all but the newest copies beside a database.
fn discard_old_copies(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix =
        path.file_name().map(|name| format!("{}{BEFORE}", name.to_string_lossy())).unwrap_or_default();
    let is_copy = |name: &str| {
        name.strip_prefix(&prefix).is_some_and(|step| step.len() == 4 && step.parse::<u16>().is_ok())
    };
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut copies = names.collect::<std::io::Result<Vec<_>>>()?;
    copies.retain(|name| is_copy(name));
    copies.sort_unstable();
    let old = copies.len().saturating_sub(COPIES);
    copies[..old].iter().try_for_each(|name| fs::remove_file(folder.join(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::MIGRATIONS;
    use sqlx::{AssertSqlSafe, Connection as _};
    use tempfile::TempDir;

    const NEXT: Migration = Migration {
        number: 2,
        name: "next",
        sqlite: "ALTER TABLE meta ADD COLUMN note TEXT; UPDATE meta SET note = 'new';",
        ..MIGRATIONS[1]
    };
    const BROKEN: Migration =
        Migration { name: "broken", sqlite: "DELETE FROM meta; SELECT nonsense;", ..NEXT };

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
        vec![MIGRATIONS[0], last]
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
    async fn the_newest_copies_are_kept_and_nothing_else_is_touched() {
        let (folder, path) = old_database().await;
        let others = ["store.db.before-0000.tmp", "store.db.before-notes", "other.db.before-0001"];
        for name in ["store.db.before-0001", "store.db.before-0000"].iter().chain(&others) {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        let third = Migration { number: 3, name: "third", sqlite: "", ..NEXT };
        let fourth = Migration { number: 4, name: "fourth", ..third };
        for known in [vec![MIGRATIONS[0], NEXT], vec![MIGRATIONS[0], NEXT, third, fourth]] {
            migrate(&mut connect(&path).await, &path, &known).await.unwrap();
        }
        let exists = |name: &str| folder.path().join(name).exists();
        assert!(["0001", "0002", "0003"].iter().all(|step| exists(&format!("store.db.before-{step}"))));
        assert!(!exists("store.db.before-0000"), "the oldest went");
        assert!(others.iter().all(|name| exists(name)), "what is no copy stays");
    }

    #[tokio::test]
    async fn another_history_is_refused() {
        let (_folder, path) = old_database().await;
        let other = [Migration { name: "other", ..MIGRATIONS[0] }];
        let error = migrate(&mut connect(&path).await, &path, &other).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
