//! The one connection that writes, shared by transactions in turn.
//!
//! Each transaction is a savepoint. The first opens a physical transaction, the ones that queue up behind it join it,
//! and the flusher, which queues like everybody else, commits it for all of them: how many share a write to the disk
//! follows from how many were waiting, without any timer. If the physical transaction fails, all of them are told.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    sync::{Mutex, Notify, OwnedMutexGuard, oneshot},
    task::AbortHandle,
};

use super::{driver, wal::Wal};
use crate::{
    Error, ErrorKind,
    sql::{Connection, Finish, Row, Value},
};

pub(super) struct Writer {
    group: Arc<Mutex<Group>>,
    unflushed: Arc<Notify>,
    flusher: AbortHandle,
}

/// The physical transaction and who takes part in it.
struct Group {
    connection: Option<SqliteConnection>,
    wal: Wal,
    is_open: bool,
    /// A transaction was dropped and its savepoint still stands.
    abandoned: bool,
    /// SQLite may have undone the physical transaction by itself.
    broken: bool,
    waiting: Vec<oneshot::Sender<Result<(), Arc<sqlx::Error>>>>,
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, wal: Wal) -> Arc<Self> {
        let group = Arc::new(Mutex::new(Group {
            connection: Some(connection),
            wal,
            is_open: false,
            abandoned: false,
            broken: false,
            waiting: Vec::new(),
        }));
        let unflushed = Arc::new(Notify::new());
        let flusher = tokio::spawn(flush_for_ever(Arc::clone(&group), Arc::clone(&unflushed)));
        Arc::new(Self { group, unflushed, flusher: flusher.abort_handle() })
    }

    pub(super) async fn begin(self: &Arc<Self>) -> Result<Turn, Error> {
        let mut group = Arc::clone(&self.group).lock_owned().await;
        let writer = Arc::clone(self);
        // A task of its own: a caller that goes away in mid-statement must not leave the group in an unknown state.
        let opening = tokio::spawn(async move {
            group.open().await.map_err(|error| driver::error(error, "the start of a transaction"))?;
            Ok(Turn { group: Some(group), writer })
        });
        opening.await.map_err(|error| Error::new(ErrorKind::Unavailable, "a transaction").because(error))?
    }

    pub(super) async fn close(&self) -> Result<(), Error> {
        let mut group = self.group.lock().await;
        group.flush().await;
        match group.connection.take() {
            Some(connection) => connection.close().await.map_err(|error| driver::error(error, "closing")),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flusher.abort();
    }
}

async fn flush_for_ever(group: Arc<Mutex<Group>>, unflushed: Arc<Notify>) {
    loop {
        unflushed.notified().await;
        group.lock().await.flush().await;
    }
}

impl Group {
    async fn open(&mut self) -> Result<(), sqlx::Error> {
        self.tidy().await;
        if !self.is_open {
            self.execute("BEGIN IMMEDIATE").await?;
            self.is_open = true;
        }
        let opened = self.execute("SAVEPOINT turn").await;
        self.broken |= opened.is_err();
        opened
    }

    async fn flush(&mut self) {
        self.tidy().await;
        if !self.is_open {
            return;
        }
        let committed = self.execute("COMMIT").await;
        if let Err(error) = committed {
            self.undo(error).await;
        }
        self.is_open = false;
        for waiter in self.waiting.drain(..) {
            let _ = waiter.send(Ok(()));
        }
        if let Some(connection) = &mut self.connection {
            // What is committed is safe; a log that stays long is tried again after the next commit.
            let _ = self.wal.tend(connection).await;
        }
    }

    /// Leaves no savepoint and no broken transaction behind.
    async fn tidy(&mut self) {
        if std::mem::take(&mut self.abandoned) && !self.broken {
            let undone = match self.execute("ROLLBACK TO turn").await {
                Ok(()) => self.execute("RELEASE turn").await,
                error => error,
            };
            self.broken |= undone.is_err();
        }
        if std::mem::take(&mut self.broken) {
            self.undo(sqlx::Error::Protocol("a statement of the same group failed".into())).await;
        }
    }

    async fn undo(&mut self, error: sqlx::Error) {
        // SQLite may have rolled back already, and then refuses.
        let _ = self.execute("ROLLBACK").await;
        self.is_open = false;
        let error = Arc::new(error);
        for waiter in self.waiting.drain(..) {
            let _ = waiter.send(Err(Arc::clone(&error)));
        }
    }

    async fn execute(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        driver::execute(self.connection()?, sql, Vec::new()).await.map(drop)
    }

    fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)
    }

    fn note<T>(&mut self, done: Result<T, sqlx::Error>, subject: &'static str) -> Result<T, Error> {
        done.map_err(|error| {
            self.broken |= !driver::is_constraint(&error);
            driver::error(error, subject)
        })
    }
}

/// One transaction's turn at the connection.
pub(super) struct Turn {
    group: Option<OwnedMutexGuard<Group>>,
    writer: Arc<Writer>,
}

impl Turn {
    fn group(&mut self) -> Result<&mut Group, Error> {
        self.group.as_deref_mut().ok_or(Error::new(ErrorKind::Unavailable, "a finished transaction"))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(group) = &mut self.group {
            group.abandoned = true;
            self.writer.unflushed.notify_one();
        }
    }
}

#[async_trait]
impl Connection for Turn {
    const DATABASE_BYTES: &'static str = driver::DATABASE_BYTES;
    const NOTE_ALL_SEEN: &'static str = driver::NOTE_ALL_SEEN;

    async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let group = self.group()?;
        let done = match group.connection() {
            Ok(connection) => driver::execute(connection, sql, values).await,
            Err(error) => Err(error),
        };
        group.note(done, "a change")
    }

    async fn query(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        let group = self.group()?;
        let done = match group.connection() {
            Ok(connection) => driver::query(connection, sql, values).await,
            Err(error) => Err(error),
        };
        group.note(done, "a query")
    }
}

#[async_trait]
impl Finish for Turn {
    async fn commit(mut self) -> Result<(), Error> {
        let (told, outcome) = oneshot::channel();
        let group = self.group.take();
        let writer = Arc::clone(&self.writer);
        let releasing = tokio::spawn(async move {
            let Some(mut group) = group else { return };
            match group.execute("RELEASE turn").await {
                Ok(()) => group.waiting.push(told),
                Err(error) => {
                    group.broken = true;
                    let _ = told.send(Err(Arc::new(error)));
                }
            }
            drop(group);
            writer.unflushed.notify_one();
        });
        let failed = Error::new(ErrorKind::Unavailable, "a commit");
        match (releasing.await, outcome.await) {
            (Ok(()), Ok(Ok(()))) => Ok(()),
            (Ok(()), Ok(Err(error))) => Err(failed.because(error)),
            _ => Err(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Row as _;

    const INSERT: &str = "INSERT INTO facts VALUES ($1)";

    async fn writer() -> Arc<Writer> {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::query("CREATE TABLE facts (number INTEGER PRIMARY KEY)")
            .execute(&mut connection)
            .await
            .unwrap();
        Writer::start(connection, Wal::of("no-file".as_ref(), u64::MAX))
    }

    async fn facts(writer: &Arc<Writer>) -> Vec<i64> {
        let mut group = writer.group.lock().await;
        let rows = sqlx::query("SELECT number FROM facts ORDER BY 1").fetch_all(group.connection().unwrap());
        rows.await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    async fn insert(turn: &mut Turn, number: i64) -> Result<u64, Error> {
        turn.execute(INSERT, vec![Value::Integer(number)]).await
    }

    #[tokio::test]
    async fn a_dropped_turn_undoes_its_own_part_alone() {
        let writer = writer().await;
        let (mut first, second) = (writer.begin().await.unwrap(), writer.begin());
        insert(&mut first, 1).await.unwrap();
        let second = async {
            let mut turn = second.await.unwrap();
            insert(&mut turn, 2).await.unwrap();
        };
        let (first, ()) = tokio::join!(first.commit(), second);
        first.unwrap();
        assert_eq!(facts(&writer).await, [1]);
    }

    #[tokio::test]
    async fn a_violated_constraint_hurts_nobody_else() {
        let writer = writer().await;
        let mut first = writer.begin().await.unwrap();
        insert(&mut first, 1).await.unwrap();
        let second = async {
            let mut turn = writer.begin().await.unwrap();
            assert_eq!(insert(&mut turn, 1).await.unwrap_err().kind(), ErrorKind::Conflict);
        };
        let (first, ()) = tokio::join!(first.commit(), second);
        first.unwrap();
        assert_eq!(facts(&writer).await, [1]);
    }

    #[tokio::test]
    async fn when_the_group_breaks_all_of_it_are_told() {
        let writer = writer().await;
        let mut first = writer.begin().await.unwrap();
        insert(&mut first, 1).await.unwrap();
        let second = async {
            let mut turn = writer.begin().await.unwrap();
            turn.execute("INSERT INTO nowhere VALUES (1)", Vec::new()).await.unwrap_err();
        };
        let (first, ()) = tokio::join!(first.commit(), second);
        assert_eq!(first.unwrap_err().kind(), ErrorKind::Unavailable);
        let mut third = writer.begin().await.unwrap();
        insert(&mut third, 3).await.unwrap();
        third.commit().await.unwrap();
        assert_eq!(facts(&writer).await, [3]);
    }

    #[tokio::test]
    async fn a_caller_that_goes_away_leaves_the_group_whole() {
        let writer = writer().await;
        for number in 1..=20 {
            tokio::select! {
                biased;
                _ = async {
                    let mut turn = writer.begin().await.unwrap();
                    insert(&mut turn, number).await.unwrap();
                    std::future::pending::<()>().await;
                } => {}
                () = async {
                    for _ in 0..number {
                        tokio::task::yield_now().await;
                    }
                } => {}
            }
            let mut turn = writer.begin().await.unwrap();
            insert(&mut turn, 100 + number).await.unwrap();
            turn.commit().await.unwrap();
        }
        assert_eq!(facts(&writer).await, (101..=120).collect::<Vec<_>>());
    }
}
