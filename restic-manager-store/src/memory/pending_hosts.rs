use async_trait::async_trait;
use restic_manager_proto::{HostId, PendingHostId, Timestamp, vocabulary::PendingHostState};
use std::sync::Arc;

use super::tables::{Tables, remove, row};
use crate::{
    Error, ErrorKind, PublicKey,
    pending_hosts::{PendingHost, PendingHostQueries, PendingHosts, Sighting},
};

#[async_trait]
impl PendingHostQueries for Tables {
    async fn find(&mut self, id: PendingHostId) -> Result<Option<PendingHost>, Error> {
        Ok(self.pending_hosts.get(&id).cloned())
    }

    async fn with_key(&mut self, key: &PublicKey) -> Result<Option<PendingHost>, Error> {
        Ok(self.pending_hosts.values().find(|host| host.public_key == *key).cloned())
    }

    async fn waiting(&mut self) -> Result<Vec<PendingHost>, Error> {
        Ok(self.pending_hosts.values().filter(|host| is_waiting(host)).cloned().collect())
    }
}

#[async_trait]
impl PendingHosts for Tables {
    async fn add(&mut self, host: &PendingHost) -> Result<(), Error> {
        let known = |other: &PendingHost| other.id == host.id || other.public_key == host.public_key;
        if self.pending_hosts.values().any(known) {
            return Err(Error::new(ErrorKind::Taken, "announced host"));
        }
        let row =
            PendingHost { looked_at: None, state: PendingHostState::Waiting, host: None, ..host.clone() };
        Arc::make_mut(&mut self.pending_hosts).insert(host.id, row);
        Ok(())
    }

    async fn see(&mut self, id: PendingHostId, sighting: &Sighting) -> Result<(), Error> {
        let host = row(&mut self.pending_hosts, &id, "announced host")?;
        let Sighting { facts, address, network, seen } = sighting.clone();
        (host.facts, host.address, host.network, host.last_seen) = (facts, address, network, seen);
        Ok(())
    }

    async fn note_last_seen(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error> {
        if let Ok(host) = row(&mut self.pending_hosts, &id, "announced host") {
            host.last_seen = now;
        }
        Ok(())
    }

    async fn look_at(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error> {
        row(&mut self.pending_hosts, &id, "announced host")?.looked_at.get_or_insert(now);
        Ok(())
    }

    async fn accept(&mut self, id: PendingHostId, host: HostId, expires: Timestamp) -> Result<(), Error> {
        let row = self.waiting_host(id)?;
        (row.state, row.host, row.expires) = (PendingHostState::Accepted, Some(host), expires);
        Ok(())
    }

    async fn reject(&mut self, id: PendingHostId, expires: Timestamp) -> Result<(), Error> {
        let row = self.waiting_host(id)?;
        (row.state, row.expires) = (PendingHostState::Rejected, expires);
        Ok(())
    }

    async fn remove(&mut self, id: PendingHostId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.pending_hosts).remove(&id).is_some())
    }

    async fn clear(&mut self) -> Result<u64, Error> {
        Ok(remove(&mut self.pending_hosts, is_waiting))
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.pending_hosts, |host| host.expires < now))
    }
}

impl Tables {
    fn waiting_host(&mut self, id: PendingHostId) -> Result<&mut PendingHost, Error> {
        let host = row(&mut self.pending_hosts, &id, "announced host")?;
        if is_waiting(host) { Ok(host) } else { Err(Error::new(ErrorKind::Conflict, "announced host")) }
    }
}

fn is_waiting(host: &PendingHost) -> bool {
    host.state == PendingHostState::Waiting
}
