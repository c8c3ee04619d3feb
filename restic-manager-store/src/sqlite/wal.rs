//! Keeping the write-ahead log short.
//!
//! SQLite moves the log into the file by itself, and begins it anew when no reader needs it; where readers overlap for
//! ever, that moment never comes and the log grows. So a long log is cut off by its writer, who waits a little for the
//! readers and lets nobody read in the meantime.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sqlx::{Row as _, SqliteConnection};

/// How long a cut may hold up others. When it comes to nothing, the next one waits until the log has doubled.
const PATIENCE: &str = "PRAGMA busy_timeout = 200";

pub(super) struct Wal {
    path: PathBuf,
    limit: u64,
    /// The length at which it is cut next.
    next: u64,
}

impl Wal {
    pub(super) fn of(database: &Path, limit: u64) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), limit, next: limit }
    }

    fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |wal| wal.len())
    }

    /// Cuts the log off when it is too long. Between transactions only.
    pub(super) async fn tend(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let length = self.length();
        if length <= self.next {
            return Ok(());
        }
        let patience: i64 = sqlx::query("PRAGMA busy_timeout").fetch_one(&mut *connection).await?.get(0);
        sqlx::query(PATIENCE).execute(&mut *connection).await?;
        let cut = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await;
        let back = sqlx::AssertSqlSafe(format!("PRAGMA busy_timeout = {patience}"));
        sqlx::query(back).execute(&mut *connection).await?;
        let was_held_up = cut.is_ok_and(|cut| cut.get::<i64, _>(0) != 0);
        self.next = if was_held_up { length.saturating_mul(2) } else { self.limit };
        Ok(())
    }
}
