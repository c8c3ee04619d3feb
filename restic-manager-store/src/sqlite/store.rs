//! Opening a database file.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{driver, inspect, migrate, wal::Wal, writer::Writer};
use crate::{
    Error, ErrorKind, Read, Soundness, Store, Transaction,
    sql::{Connection, MIGRATIONS, Row, Sql, Value},
};

/// How a database file is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file; its folder must exist. It is made for its owner alone when it is missing.
    pub path: PathBuf,
    /// How many may read at once.
    pub readers: u32,
    /// How long a statement waits for another process that holds the file.
    pub patience: Duration,
    /// How many bytes of changes may lie beside the file before they are moved into it and the space is given back,
    /// also while there are always readers.
    pub wal_limit: u64,
}

impl SqliteOptions {
    /// Four readers, five seconds of patience, 64 MiB beside the file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), readers: 4, patience: Duration::from_secs(5), wal_limit: 64 << 20 }
    }
}

/// A database in a file. Clones share it.
#[derive(Clone)]
pub struct SqliteStore {
    /// Absent when it was opened to be looked at.
    writer: Option<Arc<Writer>>,
    readers: SqlitePool,
    /// How one is connected who only reads.
    look: SqliteConnectOptions,
    path: Arc<Path>,
}

impl SqliteStore {
    /// Opens a file, makes it when it is missing, and brings its schema up to date; an existing database is copied
    /// beside itself first. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// `NewerSchema` when a newer version wrote it, `Corrupt` when it is no database of ours, else `Unavailable`.
    pub async fn open(options: SqliteOptions) -> Result<Self, Error> {
        migrate::create_private(&options.path)?;
        let connect = connect_options(&options);
        let mut connection =
            connect.connect().await.map_err(|error| driver::error(error, "the opening of the file"))?;
        migrate::migrate(&mut connection, &options.path, MIGRATIONS).await?;
        let look = connect.read_only(true).create_if_missing(false);
        let readers = readers(&options, &look);
        let wal = Wal::of(&options.path, options.wal_limit);
        let writer = Some(Writer::start(connection, wal));
        Ok(Self { writer, readers, look, path: options.path.into() })
    }

    /// Opens a file to look at it, also while a server uses it: changes nothing, and refuses every change. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// `NewerSchema` when a newer version wrote it, `OlderSchema` when an older one did, `Corrupt` when it is no database
    /// of ours, else `Unavailable`.
    pub async fn open_read_only(options: SqliteOptions) -> Result<Self, Error> {
        let connect = connect_options(&options).read_only(true).create_if_missing(false);
        let mut connection = connect.connect().await.map_err(|error| {
            driver::error(error, "the opening of the file; is there one, and may this user read it?")
        })?;
        migrate::expect_current(&mut connection, MIGRATIONS).await?;
        let readers = readers(&options, &connect);
        Ok(Self { writer: None, readers, look: connect, path: options.path.into() })
    }
}

fn readers(options: &SqliteOptions, look: &SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(options.readers.max(1))
        .test_before_acquire(false)
        .connect_lazy_with(look.clone())
}

fn connect_options(options: &SqliteOptions) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(&options.path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(options.patience)
        .pragma("journal_size_limit", options.wal_limit.to_string())
        .statement_cache_capacity(512)
        .disable_statement_logging()
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        let transaction = self.readers.begin().await.map_err(|error| driver::error(error, "a look"))?;
        Ok(Box::new(Sql::new(Look(transaction))))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let writer = self.writer.as_ref();
        let writer = writer.ok_or(Error::new(ErrorKind::Unavailable, "a change: it was opened read-only"))?;
        Ok(Box::new(Sql::new(writer.begin().await?)))
    }

    async fn inspect(&self) -> Result<Soundness, Error> {
        inspect::inspect(&self.look).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.readers.close().await;
        match &self.writer {
            Some(writer) => writer.close().await,
            None => Ok(()),
        }
    }
}

struct Look(sqlx::Transaction<'static, Sqlite>);

#[async_trait]
impl Connection for Look {
    const DATABASE_BYTES: &'static str = driver::DATABASE_BYTES;
    const NOTE_ALL_SEEN: &'static str = driver::NOTE_ALL_SEEN;

    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        driver::execute(&mut self.0, sql, values).await.map_err(|error| driver::error(error, "a change"))
    }

    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        driver::query(&mut self.0, sql, values).await.map_err(|error| driver::error(error, "a query"))
    }
}
