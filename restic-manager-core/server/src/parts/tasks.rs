//! How what happens by itself is doing, for `/healthz`, `/readyz`, metrics and the outside watch.

use restic_manager_core::task::{Rhythm, TaskFacts, TaskState, judge};
use restic_manager_proto::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;

/// The tasks that were started, by what they do.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<BTreeMap<&'static str, Entry>>);

#[derive(Clone, Copy, Debug)]
struct Entry {
    rhythm: Rhythm,
    /// Since when a round goes on, or none does. By elapsed time: the machine's clock may jump.
    since: Instant,
    is_running: bool,
    /// Rounds in a row that failed.
    failures: u32,
    rounds: RoundCounts,
}

/// How the rounds of a task ended since the server started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RoundCounts {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    /// When one last did what it is for.
    pub(crate) last_done: Option<Timestamp>,
}

/// How a task is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskReport {
    /// What it does.
    pub(crate) name: &'static str,
    pub(crate) state: TaskState,
    pub(crate) rounds: RoundCounts,
}

impl Tasks {
    /// A task starts, or starts again.
    pub(crate) fn enter(&self, name: &'static str, rhythm: Rhythm) {
        let mut tasks = self.lock();
        let rounds = tasks.get(name).map(|entry| entry.rounds).unwrap_or_default();
        tasks.insert(name, Entry { rhythm, since: Instant::now(), is_running: false, failures: 0, rounds });
    }

    /// A round begins.
    pub(crate) fn begin(&self, name: &'static str) {
        if let Some(entry) = self.lock().get_mut(name) {
            (entry.since, entry.is_running) = (Instant::now(), true);
        }
    }

    /// A round has ended: at `done` it did what it is for, else it failed.
    pub(crate) fn end(&self, name: &'static str, done: Option<Timestamp>) {
        let mut tasks = self.lock();
        let Some(entry) = tasks.get_mut(name) else { return };
        (entry.since, entry.is_running) = (Instant::now(), false);
        if done.is_some() {
            (entry.failures, entry.rounds.last_done) = (0, done);
            entry.rounds.done += 1;
        } else {
            entry.failures = entry.failures.saturating_add(1);
            entry.rounds.failed += 1;
        }
    }

    /// How each of them is, by name.
    pub(crate) fn reports(&self) -> Vec<TaskReport> {
        let report = |(name, entry): (&&'static str, &Entry)| {
            let (name, rounds) = (*name, entry.rounds);
            TaskReport { name, state: judge(&entry.facts(), entry.rhythm), rounds }
        };
        self.lock().iter().map(report).collect()
    }

    /// The worst of them that is not well, but for the one named.
    pub(crate) fn worst(&self, but_for: Option<&str>) -> Option<TaskReport> {
        let others = self.reports().into_iter().filter(|report| Some(report.name) != but_for);
        others.filter(|report| report.state != TaskState::Well).max_by_key(|report| report.state)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn facts(&self) -> TaskFacts {
        let length = self.since.elapsed();
        TaskFacts { running: self.is_running.then_some(length), idle: length, failures: self.failures }
    }
}
