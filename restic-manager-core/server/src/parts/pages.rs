//! Pages and programs that stay open and wait for news.

use restic_manager_proto::api::events::FleetEvent;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Notify, broadcast, futures::Notified};

use crate::limits::{EVENT_BACKLOG, SOCKETS_OF_CALLER};

/// Those who are told what changes.
#[derive(Debug)]
pub(crate) struct OpenPages {
    events: broadcast::Sender<FleetEvent>,
    sessions_ended: Notify,
    sockets: Arc<Mutex<HashMap<String, usize>>>,
}

/// One open socket of a caller; it counts until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    caller: String,
    sockets: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = sockets.get_mut(&self.caller) {
            *open -= 1;
            if *open == 0 {
                sockets.remove(&self.caller);
            }
        }
    }
}

impl Default for OpenPages {
    fn default() -> Self {
        Self {
            events: broadcast::channel(EVENT_BACKLOG).0,
            sessions_ended: Notify::new(),
            sockets: Arc::default(),
        }
    }
}

impl OpenPages {
    /// A caller opens a socket; `None` when they have too many.
    pub(crate) fn open(&self, caller: String) -> Option<OpenSocket> {
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        let open = sockets.entry(caller.clone()).or_insert(0);
        if *open >= SOCKETS_OF_CALLER {
            return None;
        }
        *open += 1;
        Some(OpenSocket { caller, sockets: Arc::clone(&self.sockets) })
    }

    /// What changes from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<FleetEvent> {
        self.events.subscribe()
    }

    /// Somebody's session or token ended: an open socket looks whether it may stay.
    pub(crate) fn sessions_ended(&self) -> Notified<'_> {
        self.sessions_ended.notified()
    }

    pub(super) fn tell(&self, event: FleetEvent) {
        // An error means that no page is open.
        let _ = self.events.send(event);
    }

    pub(super) fn end_sessions(&self) {
        self.sessions_ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_so_many_sockets_and_gets_them_back() {
        let pages = OpenPages::default();
        let mut open: Vec<_> = core::iter::from_fn(|| pages.open("alice".to_owned())).collect();
        assert_eq!(open.len(), SOCKETS_OF_CALLER);
        assert!(pages.open("bob".to_owned()).is_some());
        open.pop();
        assert!(pages.open("alice".to_owned()).is_some());
        drop(open);
        assert!(pages.sockets.lock().unwrap().is_empty());
    }
}
