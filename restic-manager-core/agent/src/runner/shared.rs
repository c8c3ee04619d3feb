//! What all jobs of an agent share.

use core::time::Duration;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use restic_manager_core::clock::Clock;
use restic_manager_proto::{RepositoryId, SnapshotSeen};

use super::{owed::OwedHooks, progress::NewestProgress, restic::Restic};
use crate::{ledger::Ledger, policy::Guard};

type Lane = Arc<tokio::sync::Mutex<()>>;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) restic: Arc<Restic>,
    pub(super) guard: Guard,
    pub(super) ledger: Ledger,
    pub(super) progress: NewestProgress,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) owed: OwedHooks,
    /// Held by the job that uses the repository; the others wait in the order they came.
    lanes: Mutex<HashMap<RepositoryId, Lane>>,
    /// The newest snapshot of each host and tag in each repository, as far as listings showed it.
    parents: Mutex<HashMap<(RepositoryId, String), String>>,
    /// How long each repository may take to open.
    patience: Mutex<HashMap<RepositoryId, Duration>>,
}

impl Shared {
    pub(super) fn new(
        restic: Arc<Restic>,
        guard: Guard,
        ledger: Ledger,
        progress: NewestProgress,
        clock: Arc<dyn Clock>,
        owed: OwedHooks,
    ) -> Self {
        let (lanes, parents, patience) = Default::default();
        Self { restic, guard, ledger, progress, clock, owed, lanes, parents, patience }
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

    /// Remembers what a listing of a repository shows, oldest first.
    pub(super) fn remember_parents(&self, repository: RepositoryId, listed: &[SnapshotSeen]) {
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.retain(|(of, _), _| *of != repository);
        for snapshot in listed {
            if let [tag] = snapshot.tags.as_slice() {
                parents.insert((repository, tag.clone()), snapshot.id.clone());
            }
        }
    }
}
