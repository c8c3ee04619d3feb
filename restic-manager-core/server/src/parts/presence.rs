//! Who is connected to this server, and what is told as that changes.

use restic_manager_proto::{HostId, JobId, PendingHostId, RepositoryId, Timestamp, api::events::FleetEvent};
use restic_manager_store::Error;
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

    /// Wakes those who wait first, in the repository and in the fleet: there may be room.
    pub(super) async fn wake_next(&self, repository: RepositoryId) {
        let hosts = async {
            let now = self.now();
            let mut read = self.store.read().await?;
            let next = read.leases().next_in(repository, now).await?;
            let first = read.leases().waiting(now, 1).await?;
            Ok::<_, Error>(next.into_iter().chain(first).map(|lease| lease.host))
        };
        match hosts.await {
            Ok(hosts) => self.wake_all(hosts),
            // The round that looks for who waits wakes them.
            Err(error) => {
                tracing::warn!(error = &error as &dyn core::error::Error, "could not look who waits next");
            }
        }
    }

    /// Wakes whoever waits for a lease, the oldest `limit` of them.
    pub(crate) async fn wake_waiting(&self, now: Timestamp, limit: usize) -> Result<(), Error> {
        let waiting = self.store.read().await?.leases().waiting(now, limit).await?;
        self.wake_all(waiting.into_iter().map(|lease| lease.host));
        Ok(())
    }

    pub(super) fn wake_all(&self, hosts: impl IntoIterator<Item = HostId>) {
        hosts.into_iter().for_each(|host| self.hub.wake(host));
    }
}
