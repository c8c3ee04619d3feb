//! One server at a time has a database to itself: what it knows of connected agents, it knows alone.
//!
//! A transaction that does nothing else holds a lock for as long as its connection lives, through a pooler too. It reads and
//! writes no row, so that it holds up nobody. PostgreSQL lets go when the connection ends: at once when the process ended,
//! after [`GONE`] when its machine or the network did.

use core::{fmt, time::Duration};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};
use tokio::time::{sleep, timeout};

use super::{PostgresOptions, driver};
use crate::Error;

/// The number of the lock, which is any that nobody else uses.
const LOCK: i64 = 0x7265_7374_6963_6d67;
/// How often it is looked whether the lock is still held, and how long a look may take.
const LOOK: Duration = Duration::from_secs(5);
/// How long the lock of a machine that is gone stands.
const GONE: &str = "25 seconds";
/// Ten seconds of silence, then three questions five seconds apart.
const SETTINGS: &str = "BEGIN READ ONLY; SET LOCAL tcp_keepalives_idle = 10; SET LOCAL tcp_keepalives_interval = 5; \
                        SET LOCAL tcp_keepalives_count = 3; SET LOCAL idle_in_transaction_session_timeout = 0";
const TAKE: &str = "SELECT pg_try_advisory_xact_lock($1)";
const HOLDER: &str = "SELECT COALESCE(host(client_addr), 'the machine of the database') || ' since ' \
     || to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC' \
     FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     AND (classid::bigint << 32 | objid::bigint) = $1";

/// The right to use a database as its only server. Others get it when it is dropped.
pub struct Claim {
    connect: PgConnectOptions,
    /// The lock lives in its open transaction.
    connection: PgConnection,
}

/// What came of a try.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "complete: it is free or it is not")]
#[expect(clippy::large_enum_variant, reason = "there is one for each process")]
pub enum Claimed {
    /// Nobody else has it.
    Ours(Claim),
    /// Another server has it.
    Theirs(Holder),
}

/// Who has a database, as far as it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(Option<String>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.0.as_deref().unwrap_or("somewhere");
        write!(
            f,
            "another server uses this database (from {from}), and two of them would lose each other's word; stop that one \
             first. One whose machine is gone lets go within {GONE}"
        )
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claim(…)")
    }
}

impl PostgresOptions {
    /// Asks for the database, before it is opened: only its one server changes the schema. Touches no row. Cancel-safe.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be reached.
    pub async fn claim(&self) -> Result<Claimed, Error> {
        take(&self.connect).await.map_err(|error| driver::error(error, "a server that asks for it alone"))
    }
}

async fn take(connect: &PgConnectOptions) -> Result<Claimed, sqlx::Error> {
    let mut connection = connect.connect().await?;
    sqlx::raw_sql(SETTINGS).execute(&mut connection).await?;
    if sqlx::query_scalar(TAKE).bind(LOCK).fetch_one(&mut connection).await? {
        return Ok(Claimed::Ours(Claim { connect: connect.clone(), connection }));
    }
    let holder = sqlx::query_scalar(HOLDER).bind(LOCK).fetch_optional(&mut connection).await?;
    connection.close().await?;
    Ok(Claimed::Theirs(Holder(holder.flatten())))
}

impl Claim {
    /// Ends when another server has the database, which may be up to ten seconds after it got it, and says who: whoever
    /// waits for this must stop then. A database that restarts or cannot be reached is asked again and again. Must not be
    /// cancelled before the server has stopped: dropping it gives the database away.
    pub async fn lost(mut self) -> Holder {
        loop {
            if !self.is_held().await
                && let Some(holder) = self.again().await
            {
                return holder;
            }
            sleep(LOOK).await;
        }
    }

    async fn is_held(&mut self) -> bool {
        matches!(timeout(LOOK, self.connection.ping()).await, Ok(Ok(())))
    }

    async fn again(&mut self) -> Option<Holder> {
        match timeout(LOOK, take(&self.connect)).await {
            Ok(Ok(Claimed::Ours(claim))) => {
                *self = claim;
                None
            }
            Ok(Ok(Claimed::Theirs(holder))) => Some(holder),
            Ok(Err(_)) | Err(_) => None,
        }
    }
}
