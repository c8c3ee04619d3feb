//! Connecting to a database.

use std::{fmt, str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    driver::{self, Session},
    migrate,
};
use crate::{
    Error, ErrorKind, Read, Soundness, Store, Transaction,
    sql::{MIGRATIONS, Sql},
};

/// How a database is used.
#[derive(Clone)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// How many connections at most.
    pub connections: u32,
    /// How long a transaction waits for one of them.
    pub patience: Duration,
    pub(super) connect: PgConnectOptions,
}

impl PostgresOptions {
    /// A database by its URL, such as `postgres://name:password@host/database?sslmode=verify-full`. Sixteen connections,
    /// ten seconds of patience.
    ///
    /// # Errors
    /// `Unavailable` when it is no such URL; the error does not repeat it, for it may hold a password.
    pub fn from_url(url: &str) -> Result<Self, Error> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| Error::new(ErrorKind::Unavailable, "a connection by this URL"))?
            .application_name("restic-manager")
            .options([("synchronous_commit", "on")])
            .statement_cache_capacity(512)
            .disable_statement_logging();
        Ok(Self { connections: 16, patience: Duration::from_secs(10), connect })
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("host", &self.connect.get_host())
            .field("database", &self.connect.get_database())
            .field("connections", &self.connections)
            .field("patience", &self.patience)
            .finish()
    }
}

/// A database of a PostgreSQL server. Clones share its connections.
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    read_only: bool,
}

impl PostgresStore {
    /// Connects, and brings the schema up to date.
    ///
    /// # Errors
    /// `NewerSchema` when a newer version wrote it, else `Unavailable`.
    pub async fn open(options: PostgresOptions) -> Result<Self, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(options.patience)
            .connect_with(options.connect)
            .await
            .map_err(|error| driver::error(error, "a connection"))?;
        migrate::migrate(&pool, MIGRATIONS).await?;
        Ok(Self { pool, read_only: false })
    }

    /// Connects to look: changes nothing, and refuses every change.
    ///
    /// # Errors
    /// `NewerSchema` when a newer version wrote it, `OlderSchema` when an older one did, else `Unavailable`.
    pub async fn open_read_only(options: PostgresOptions) -> Result<Self, Error> {
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(1))
            .acquire_timeout(options.patience)
            .connect_with(options.connect)
            .await
            .map_err(|error| driver::error(error, "a connection"))?;
        migrate::expect_current(&pool, MIGRATIONS).await?;
        Ok(Self { pool, read_only: true })
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("connections", &self.pool.size()).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// In a task of its own: a caller that goes away while a transaction begins would leave it open, and perhaps read-only,
    /// on a connection that goes back to the pool.
    async fn start(
        &self,
        words: &'static str,
        subject: &'static str,
    ) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, Error> {
        let pool = self.pool.clone();
        match tokio::spawn(async move { pool.begin_with(words).await }).await {
            Ok(begun) => begun.map_err(|error| driver::error(error, subject)),
            Err(_) => Err(Error::new(ErrorKind::Unavailable, subject)),
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        let transaction = self.start("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "a look").await?;
        Ok(Box::new(Sql::new(Session(transaction))))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        if self.read_only {
            return Err(Error::new(ErrorKind::Unavailable, "a change: it was opened read-only"));
        }
        let transaction =
            self.start("BEGIN ISOLATION LEVEL SERIALIZABLE", "the start of a transaction").await?;
        Ok(Box::new(Sql::new(Session(transaction))))
    }

    /// Nothing: PostgreSQL has checksums of its own for that, and tells of damage when it reads.
    async fn inspect(&self) -> Result<Soundness, Error> {
        Ok(Soundness::NotLooked)
    }

    async fn close(&self) -> Result<(), Error> {
        self.pool.close().await;
        Ok(())
    }
}
