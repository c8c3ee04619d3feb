//! A request has one handle on the database at a time.
//!
//! A second one would wait for a place that the first ones of others hold, and they for its: SQLite has four readers and
//! one writer. So each store of these tests notes who holds a handle, and a test fails in which a task took a second.

use async_trait::async_trait;
use restic_manager_store::{Audit, Error, Read, Soundness, Store, Transaction, forward_nouns};
use std::{
    backtrace::Backtrace,
    collections::HashSet,
    sync::{Arc, Mutex, mpsc},
};
use tokio::task;

/// A store that sees who takes two handles.
pub(crate) struct OneHandle {
    inner: Arc<dyn Store>,
    holders: Arc<Mutex<HashSet<task::Id>>>,
    /// Where second handles were taken.
    taken: Mutex<Vec<String>>,
}

impl OneHandle {
    pub(crate) fn over(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { inner, holders: Arc::default(), taken: Mutex::default() })
    }

    /// Where a task that held a handle took another.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }

    /// A request, a round of background work and an agent's connection are tasks. The test itself is none, and may hold
    /// what it likes.
    fn place(&self) -> Place {
        let task = task::try_id();
        let is_second = task.is_some_and(|task| !self.holders.lock().unwrap().insert(task));
        if is_second {
            self.taken.lock().unwrap().push(ours(&Backtrace::force_capture()));
        }
        let task = task.filter(|_| !is_second);
        Place { task, holders: Arc::clone(&self.holders), _clock: HeldClock::new() }
    }
}

/// The lines of a trace that are the server's own.
fn ours(trace: &Backtrace) -> String {
    let trace = trace.to_string();
    let lines = trace.lines().filter(|line| line.contains("./src/"));
    lines.map(str::trim).collect::<Vec<_>>().join("\n    ")
}

/// What a task holds while it has a handle.
struct Place {
    task: Option<task::Id>,
    holders: Arc<Mutex<HashSet<task::Id>>>,
    _clock: HeldClock,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            self.holders.lock().unwrap().remove(task);
        }
    }
}

/// Keeps a paused clock from running ahead while the database works, which the runtime does not see: it takes a thread
/// that waits for work in progress.
pub(crate) struct HeldClock(#[expect(dead_code, reason = "dropping it ends the wait")] mpsc::Sender<()>);

impl HeldClock {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        task::spawn_blocking(move || receiver.recv());
        Self(sender)
    }
}

#[async_trait]
impl Store for OneHandle {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        let place = self.place();
        Ok(Box::new(Held { handle: self.inner.read().await?, _place: place }))
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        let place = self.place();
        Ok(Box::new(Held { handle: self.inner.begin().await?, _place: place }))
    }

    async fn inspect(&self) -> Result<Soundness, Error> {
        self.inner.inspect().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

struct Held<H: ?Sized> {
    /// Given back before the place is.
    handle: Box<H>,
    _place: Place,
}

impl Read for Held<dyn Read> {
    forward_nouns!(Read, handle);
}

#[async_trait]
impl Transaction for Held<dyn Transaction> {
    forward_nouns!(Transaction, handle);

    async fn commit(self: Box<Self>, audit: Audit) -> Result<(), Error> {
        let Self { handle, _place } = *self;
        handle.commit(audit).await
    }
}
