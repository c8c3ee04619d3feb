use async_trait::async_trait;
use restic_manager_proto::{HostId, PendingHostId, Timestamp, vocabulary::PendingHostState};

use super::{
    Connection, Sql, Value,
    record::{columns, select},
    transaction::unfit,
    value::values,
};
use crate::{
    Error, ErrorKind, PublicKey,
    pending_hosts::{PendingHost, PendingHostQueries, PendingHosts, Sighting},
};

columns! {
    PendingHost of pending_hosts, "announced host" {
        id, public_key, facts, address, network, first_seen, last_seen, expires, looked_at, state, host,
    }
}

#[async_trait]
impl<C: Connection> PendingHostQueries for Sql<C> {
    async fn find(&mut self, id: PendingHostId) -> Result<Option<PendingHost>, Error> {
        self.row(select!(PendingHost: "WHERE id = $1"), values![id]).await
    }

    async fn with_key(&mut self, key: &PublicKey) -> Result<Option<PendingHost>, Error> {
        self.row(select!(PendingHost: "WHERE public_key = $1"), values![key]).await
    }

    async fn waiting(&mut self) -> Result<Vec<PendingHost>, Error> {
        let waiting = values![PendingHostState::Waiting];
        self.rows(select!(PendingHost: "WHERE state = $1 ORDER BY id"), waiting).await
    }
}

#[async_trait]
impl<C: Connection> PendingHosts for Sql<C> {
    async fn add(&mut self, host: &PendingHost) -> Result<(), Error> {
        let state = PendingHostState::Waiting;
        let waiting = PendingHost { state, looked_at: None, host: None, ..host.clone() };
        let taken = Error::new(ErrorKind::Taken, "announced host");
        if self.insert(&waiting).await? { Ok(()) } else { Err(taken) }
    }

    async fn see(&mut self, id: PendingHostId, sighting: &Sighting) -> Result<(), Error> {
        let sql =
            "UPDATE pending_hosts SET facts = $2, address = $3, network = $4, last_seen = $5 WHERE id = $1";
        let Sighting { facts, address, network, seen } = sighting;
        self.change_pending_host(sql, values![id, facts, address, network, seen]).await
    }

    async fn note_last_seen(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error> {
        self.execute("UPDATE pending_hosts SET last_seen = $2 WHERE id = $1", values![id, now]).await?;
        Ok(())
    }

    async fn look_at(&mut self, id: PendingHostId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE pending_hosts SET looked_at = COALESCE(looked_at, $2) WHERE id = $1";
        self.change_pending_host(sql, values![id, now]).await
    }

    async fn accept(&mut self, id: PendingHostId, host: HostId, expires: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE pending_hosts SET state = $2, expires = $3, host = $4 WHERE id = $1 AND state = $5";
        let (accepted, waiting) = (PendingHostState::Accepted, PendingHostState::Waiting);
        self.decide(id, sql, values![id, accepted, expires, host, waiting]).await
    }

    async fn reject(&mut self, id: PendingHostId, expires: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE pending_hosts SET state = $2, expires = $3 WHERE id = $1 AND state = $4";
        let (rejected, waiting) = (PendingHostState::Rejected, PendingHostState::Waiting);
        self.decide(id, sql, values![id, rejected, expires, waiting]).await
    }

    async fn remove(&mut self, id: PendingHostId) -> Result<bool, Error> {
        self.change("DELETE FROM pending_hosts WHERE id = $1", values![id]).await
    }

    async fn clear(&mut self) -> Result<u64, Error> {
        self.execute("DELETE FROM pending_hosts WHERE state = $1", values![PendingHostState::Waiting]).await
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM pending_hosts WHERE expires < $1", values![now]).await
    }
}

impl<C: Connection> Sql<C> {
    async fn change_pending_host(&mut self, sql: &'static str, values: Vec<Value>) -> Result<(), Error> {
        self.expect((sql, values), Error::new(ErrorKind::NotFound, "announced host")).await
    }

    async fn decide(
        &mut self,
        id: PendingHostId,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), Error> {
        if self.change(sql, values).await? {
            return Ok(());
        }
        let known = self.any("SELECT id FROM pending_hosts WHERE id = $1", values![id]).await?;
        Err(unfit(known, "announced host"))
    }
}
