use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_proto::{JobId, Progress};
use tokio::sync::Notify;

/// The newest progress of each job. Nothing queues: what is not taken is replaced. Clones are handles to the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewestProgress(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    newest: Mutex<BTreeMap<JobId, Progress>>,
    changed: Notify,
}

impl NewestProgress {
    pub(crate) fn set(&self, job: JobId, progress: Progress) {
        self.newest().insert(job, progress);
        self.0.changed.notify_one();
    }

    pub(crate) fn remove(&self, job: JobId) {
        self.newest().remove(&job);
    }

    /// Takes everything that has changed since the last time; may be empty. Cancel-safe.
    pub(crate) async fn changed(&self) -> BTreeMap<JobId, Progress> {
        self.0.changed.notified().await;
        core::mem::take(&mut *self.newest())
    }

    fn newest(&self) -> MutexGuard<'_, BTreeMap<JobId, Progress>> {
        self.0.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
