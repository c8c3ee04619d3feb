//! The journal for tasks: nothing blocks the runtime, and what must not be lost waits for a disk that recovers.

use core::time::Duration;
use std::sync::Arc;

use restic_manager_proto::{JobEnd, JobId, RepositoryId, Timestamp, agent::ReportItem};
use tokio::sync::{Mutex, watch};

use crate::{
    files::FileError,
    state::{Journal, Window},
};

/// Between two attempts to write what must not be lost.
const RETRY: Duration = Duration::from_secs(1);

/// A handle to the journal. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Ledger {
    journal: Arc<Mutex<Journal>>,
    position: Arc<watch::Sender<Position>>,
}

/// Where the outbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Number of the last item.
    pub last: u64,
    /// Number of the last item that the server has.
    pub acknowledged: u64,
}

impl Ledger {
    /// Wraps a journal.
    #[must_use]
    pub fn new(journal: Journal) -> Self {
        let position = Arc::new(watch::Sender::new(position(&journal)));
        Self { journal: Arc::new(Mutex::new(journal)), position }
    }

    /// Where the outbox stands, and its changes.
    #[must_use]
    pub fn position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Does something with the journal, away from the runtime's thread. Once begun it is done, also when the
    /// future is dropped.
    pub async fn with<R, F>(&self, act: F) -> R
    where
        F: FnOnce(&mut Journal) -> R + Send + 'static,
        R: Send + 'static,
    {
        let mut journal = Arc::clone(&self.journal).lock_owned().await;
        let changes = Arc::clone(&self.position);
        let done = tokio::task::spawn_blocking(move || {
            let result = act(&mut journal);
            let now = position(&journal);
            changes.send_if_modified(|before| core::mem::replace(before, now) != now);
            result
        });
        match done.await {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Notes and reports that a job starts.
    pub async fn start(&self, job: JobId, at: Timestamp, command: String) {
        self.insist(move |journal| journal.start(job, at, &command)).await;
    }

    /// Reports something.
    pub async fn append(&self, items: Vec<ReportItem>) {
        let items = Arc::new(items);
        self.insist(move |journal| journal.append(&items)).await;
    }

    /// Reports and notes that a job ended.
    pub async fn end(&self, job: JobId, at: Timestamp, end: JobEnd) {
        self.insist(move |journal| journal.end(job, at, &end)).await;
    }

    /// When jobs on a repository ran that an earlier agent did not end.
    pub(crate) async fn interrupted(&self, repository: RepositoryId) -> Option<Window> {
        let found = self.with(move |journal| journal.interrupted(repository)).await;
        found.map(|(since, until)| Window { since, until })
    }

    /// Tries until the disk takes it: a full disk is waited for, and complained about once.
    async fn insist<F>(&self, act: F)
    where
        F: Fn(&mut Journal) -> Result<(), FileError> + Clone + Send + 'static,
    {
        let mut complained = false;
        while let Err(error) = self.with(act.clone()).await {
            if !complained {
                tracing::error!("could not {error}; trying again every second");
                complained = true;
            }
            tokio::time::sleep(RETRY).await;
        }
        if complained {
            tracing::info!("the state folder takes writes again");
        }
    }
}

fn position(journal: &Journal) -> Position {
    Position { last: journal.outbox().last(), acknowledged: journal.outbox().acknowledged() }
}
