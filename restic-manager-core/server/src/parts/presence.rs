//! Who is connected to this server, and what is told as that changes.

use restic_manager_proto::{HostId, JobId, PendingHostId, api::events::FleetEvent};
use std::sync::Arc;

use super::{Parts, hub::Entered, lobby::Seat};

impl Parts {
    /// A host's agent has connected. `None` when a newer connection is there already.
    pub(crate) fn agent_connected(&self, host: HostId, generation: i64) -> Option<Entered> {
        let entered = self.hub.enter(host, generation, self.now())?;
        self.announce(FleetEvent::Host { host });
        Some(entered)
    }

    /// A connection has ended; says whether the host is away now.
    pub(crate) fn agent_disconnected(&self, host: HostId, generation: i64) -> bool {
        let is_away = self.hub.leave(host, generation);
        if is_away {
            self.wake_all(self.setups.left(host));
            self.announce(FleetEvent::Host { host });
        }
        is_away
    }

    /// An announced host's agent waits for its verdict.
    pub(crate) fn announced_connected(&self, host: PendingHostId) -> Arc<Seat> {
        let seat = self.lobby.enter(host);
        self.announce(FleetEvent::PendingHosts {});
        seat
    }

    /// It waits no more; says whether it is away now.
    pub(crate) fn announced_disconnected(&self, host: PendingHostId, seat: &Arc<Seat>) -> bool {
        let is_away = self.lobby.leave(host, seat);
        if is_away {
            self.announce(FleetEvent::PendingHosts {});
        }
        is_away
    }

    /// A job makes no repository any more: whoever waited for that asks again.
    pub(crate) fn setup_ended(&self, job: JobId) {
        self.wake_all(self.setups.ended(job));
    }

    /// Wakes those whom a host kept from making a repository for too long.
    pub(crate) fn expire_setups(&self) {
        self.wake_all(self.setups.expire(self.now()));
    }
}
