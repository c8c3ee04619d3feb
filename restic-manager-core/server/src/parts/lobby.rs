//! Announced hosts whose agents wait for a verdict.

use core::sync::atomic::{AtomicBool, Ordering};
use restic_manager_proto::PendingHostId;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// The announced hosts whose agents are connected to this server.
#[derive(Debug, Default)]
pub(crate) struct Lobby(Mutex<HashMap<PendingHostId, Arc<Seat>>>);

/// One waiting connection.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    news: Notify,
    is_replaced: AtomicBool,
}

impl Seat {
    /// Waits until there may be news. Cancel-safe.
    pub(crate) async fn woken(&self) {
        self.news.notified().await;
    }

    /// Whether a newer connection of the same host has taken its place.
    pub(crate) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Acquire)
    }
}

impl Lobby {
    /// Enters a connection; an older one of the same host is told that it was replaced.
    pub(super) fn enter(&self, id: PendingHostId) -> Arc<Seat> {
        let seat = Arc::new(Seat::default());
        if let Some(older) = self.lock().insert(id, Arc::clone(&seat)) {
            older.is_replaced.store(true, Ordering::Release);
            older.news.notify_one();
        }
        seat
    }

    /// Removes a connection, unless a newer one took its place; says whether the host is gone.
    pub(super) fn leave(&self, id: PendingHostId, seat: &Arc<Seat>) -> bool {
        let mut seats = self.lock();
        let is_ours = seats.get(&id).is_some_and(|taken| Arc::ptr_eq(taken, seat));
        if is_ours {
            seats.remove(&id);
        }
        is_ours
    }

    /// Tells a host's connection, if there is one, to look what was decided.
    pub(super) fn wake(&self, id: PendingHostId) {
        if let Some(seat) = self.lock().get(&id) {
            seat.news.notify_one();
        }
    }

    /// Tells all connections to look what was decided.
    pub(super) fn wake_all(&self) {
        self.lock().values().for_each(|seat| seat.news.notify_one());
    }

    /// Whether a host's agent is connected.
    pub(crate) fn is_connected(&self, id: PendingHostId) -> bool {
        self.lock().contains_key(&id)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PendingHostId, Arc<Seat>>> {
        // Nothing panics while it is held, and every state of the map is a valid one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
