//! The databases that the server ships with, one of its own for each test.

use restic_manager_store::{
    Store,
    postgres::{PostgresOptions, PostgresStore},
    sqlite::{SqliteOptions, SqliteStore},
};
use restic_manager_testkit::postgres::Database;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tempfile::TempDir;

use crate::one_handle::HeldClock;

/// Which database a test binary runs on: its root file says.
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "each binary runs on one of them")]
pub(crate) enum Backend {
    /// A file, with as many readers as ship.
    Sqlite,
    /// A database of a real server.
    Postgres,
}

/// What a store lies in; its files are removed with it.
pub(crate) enum Place {
    Folder(TempDir),
    Database(#[expect(dead_code, reason = "held, never read")] Database),
}

impl Place {
    /// The file of a database in a file.
    pub(crate) fn file(&self) -> PathBuf {
        let Self::Folder(folder) = self else { panic!("it is a database of a server") };
        folder.path().join("test.sqlite")
    }

    /// Whether a database in a file holds a text in clear.
    pub(crate) fn holds(&self, text: &str) -> bool {
        let Self::Folder(folder) = self else { panic!("its files are the server's") };
        let mut files =
            std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    }
}

impl Backend {
    /// An empty database of the newest schema.
    pub(crate) async fn open(self) -> (Arc<dyn Store>, Place) {
        let _clock = HeldClock::new();
        match self {
            Self::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let options = SqliteOptions::new(folder.path().join("test.sqlite"));
                (Arc::new(SqliteStore::open(options).await.unwrap()), Place::Folder(folder))
            }
            Self::Postgres => {
                let database = Database::create().await;
                let mut options = PostgresOptions::from_url(database.url()).unwrap();
                // A test that lets time pass at once must not time out what waits for a connection.
                options.patience = Duration::from_secs(60 * 60);
                (Arc::new(PostgresStore::open(options).await.unwrap()), Place::Database(database))
            }
        }
    }
}
