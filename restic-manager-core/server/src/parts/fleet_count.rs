//! The count of the whole fleet, made again when something changed, once for all pages that ask.

use core::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use restic_manager_proto::{Timestamp, api::fleet::Fleet};
use tokio::sync::Mutex;

/// How old a count may be when nothing has changed but the time.
const KEPT: Duration = Duration::from_secs(5);

/// The last count. Whoever needs a new one while it is being made waits for it.
#[derive(Debug, Default)]
pub(crate) struct FleetCount {
    last: Mutex<Option<Fleet>>,
    outdated: AtomicBool,
}

impl FleetCount {
    /// Something changed: the next page that asks gets a new count.
    pub(super) fn outdate(&self) {
        self.outdated.store(true, Ordering::Release);
    }

    /// The last count, or a new one.
    pub(crate) async fn get<E>(
        &self,
        now: Timestamp,
        count: impl Future<Output = Result<Fleet, E>>,
    ) -> Result<Fleet, E> {
        let mut last = self.last.lock().await;
        // Taken back before the count, so that a change during it makes the next one.
        let outdated = self.outdated.swap(false, Ordering::AcqRel);
        // A clock that was set back makes every count one of the future: it is made anew.
        let fresh = |count: &&Fleet| now >= count.counted_at && now.since(count.counted_at) < KEPT;
        if let Some(count) = last.as_ref().filter(fresh).filter(|_| !outdated) {
            return Ok(count.clone());
        }
        let count = count.await?;
        *last = Some(count.clone());
        Ok(count)
    }
}
