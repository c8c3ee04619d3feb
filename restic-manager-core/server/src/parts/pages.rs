//! Pages and programs that stay open and wait for news.

use restic_manager_proto::api::events::FleetEvent;
use tokio::sync::{Notify, broadcast, futures::Notified};

/// Events that a slow reader may be behind before it has to read everything again.
pub(crate) const EVENT_BACKLOG: usize = 256;

/// Those who are told what changes.
#[derive(Debug)]
pub(crate) struct OpenPages {
    events: broadcast::Sender<FleetEvent>,
    sessions_ended: Notify,
}

impl Default for OpenPages {
    fn default() -> Self {
        Self { events: broadcast::channel(EVENT_BACKLOG).0, sessions_ended: Notify::new() }
    }
}

impl OpenPages {
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
