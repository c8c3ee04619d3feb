//! What all jobs of an agent share.

use core::time::Duration;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_core::clock::Clock;
use restic_manager_proto::{RepositoryId, SnapshotSeen, Timestamp};

use super::{indexing::Indexing, owed::OwedHooks, progress::NewestProgress, restic::Restic};
use crate::{ledger::Ledger, policy::Guard, state::PastRun};

type Lane = Arc<tokio::sync::Mutex<()>>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) restic: Arc<Restic>,
    pub(super) guard: Guard,
    pub(super) ledger: Ledger,
    pub(super) progress: NewestProgress,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) owed: OwedHooks,
    pub(super) indexing: Indexing,
    /// Held by the job that uses the repository; the others wait in the order they came.
    lanes: Mutex<HashMap<RepositoryId, Lane>>,
    /// The newest snapshot of each host and tag in each repository, as far as listings showed it.
    parents: Mutex<HashMap<(RepositoryId, String), String>>,
    /// How long each repository may take to open.
    patience: Mutex<HashMap<RepositoryId, Duration>>,
    /// Where runs of this agent, or of an earlier one, may have left locks.
    unswept: Mutex<Unswept>,
}

#[derive(Debug, Default)]
struct Unswept {
    /// Runs of this agent that did not see to their locks.
    runs: HashMap<RepositoryId, Vec<PastRun>>,
    /// Repositories where what an earlier agent left was looked for.
    looked: HashSet<RepositoryId>,
}

/// Runs of one repository that are remembered; the oldest give way.
const MOST_RUNS: usize = 16;

impl Shared {
    pub(super) fn new(
        restic: Arc<Restic>,
        guard: Guard,
        ledger: Ledger,
        progress: NewestProgress,
        clock: Arc<dyn Clock>,
        owed: OwedHooks,
        indexing: Indexing,
    ) -> Self {
        let (lanes, parents, patience, unswept) = Default::default();
        Self { restic, guard, ledger, progress, clock, owed, indexing, lanes, parents, patience, unswept }
    }

    /// The lane of a repository; those that nobody holds or waits for are dropped on the way.
    pub(super) fn lane(&self, repository: RepositoryId) -> Lane {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|_, lane| Arc::strong_count(lane) > 1);
        Arc::clone(lanes.entry(repository).or_default())
    }

    /// How long a repository may take to open, as far as it is known.
    pub(super) fn patience(&self, repository: RepositoryId) -> Option<Duration> {
        let patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        patience.get(&repository).copied()
    }

    pub(super) fn remember_patience(&self, repository: RepositoryId, length: Duration) {
        let mut patience = self.patience.lock().unwrap_or_else(PoisonError::into_inner);
        patience.insert(repository, length);
    }

    /// The newest snapshot with exactly this tag that a listing showed.
    pub(super) fn parent(&self, repository: RepositoryId, tag: &str) -> Option<String> {
        let parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.get(&(repository, tag.to_owned())).cloned()
    }

    /// Remembers a run that may have left a lock.
    pub(super) fn remember_run(&self, repository: RepositoryId, run: PastRun) {
        let mut unswept = self.unswept();
        let runs = unswept.runs.entry(repository).or_default();
        runs.push(run);
        let surplus = runs.len().saturating_sub(MOST_RUNS);
        runs.drain(..surplus);
    }

    /// The runs that may have left locks in a repository.
    pub(super) fn past_runs(&self, repository: RepositoryId) -> Vec<PastRun> {
        self.unswept().runs.get(&repository).cloned().unwrap_or_default()
    }

    /// No lock of this host is left in a repository.
    pub(super) fn note_swept(&self, repository: RepositoryId) {
        let mut unswept = self.unswept();
        unswept.runs.remove(&repository);
        unswept.looked.insert(repository);
    }

    /// Whether nobody has looked yet for what an earlier agent may have left.
    pub(super) fn is_unlooked(&self, repository: RepositoryId) -> bool {
        !self.unswept().looked.contains(&repository)
    }

    fn unswept(&self) -> MutexGuard<'_, Unswept> {
        self.unswept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a listing of a repository shows, oldest first. What does not count is nobody's parent.
    pub(super) fn remember_parents(&self, repository: RepositoryId, listed: &[SnapshotSeen], at: Timestamp) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.retain(|(of, _), _| *of != repository);
        for snapshot in listed.iter().filter(|snapshot| snapshot.counts(at)) {
            if let [tag] = snapshot.tags.as_slice() {
                parents.insert((repository, tag.clone()), snapshot.id.clone());
            }
        }
    }
}
