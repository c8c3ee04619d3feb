use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{LeaseMode, LeaseState},
};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    leases::{Crowd, FleetCrowd, Lease, LeaseQueries, Leases},
};

columns! {
    Lease of leases, "lease", key "job" { job, repository, host, kind, mode, state, expires, lost }
}

#[async_trait]
impl<C: Connection> LeaseQueries for Sql<C> {
    async fn find(&mut self, job: JobId) -> Result<Option<Lease>, Error> {
        self.row(select!(Lease: "WHERE job = $1"), values![job]).await
    }

    async fn crowd(&mut self, job: JobId, repository: RepositoryId) -> Result<Crowd, Error> {
        let sql = select!(Lease: "WHERE repository = $1 AND state = 'held' AND job <> $2 ORDER BY job");
        let held = self.rows(sql, values![repository, job]).await?;
        let sql =
            select!(Lease: "WHERE repository = $1 AND state <> 'held' AND job < $2 ORDER BY job LIMIT 1");
        let ahead = self.row(sql, values![repository, job]).await?;
        Ok(Crowd {
            held: held.len() as u64,
            exclusive: held.iter().find(|lease| lease.mode == LeaseMode::Exclusive).cloned(),
            oldest: held.into_iter().next(),
            ahead,
        })
    }

    async fn fleet_crowd(&mut self, job: JobId) -> Result<FleetCrowd, Error> {
        let sql = "SELECT COUNT(*) FROM leases WHERE state = 'held' AND job <> $1";
        let held = self.only(sql, values![job], "lease").await?;
        let sql = "SELECT job FROM leases WHERE state = 'waits-for-fleet' AND job < $1 ORDER BY job LIMIT 1";
        let ahead = self.any(sql, values![job]).await?;
        Ok(FleetCrowd { held: held.unwrap_or_default(), ahead })
    }

    async fn places_before(&mut self, lease: &Lease, limit: usize) -> Result<u64, Error> {
        let Lease { job, repository, state, .. } = lease;
        let found = if *state == LeaseState::WaitsForFleet {
            let sql = "SELECT COUNT(*) FROM (SELECT job FROM leases \
                       WHERE state = 'waits-for-fleet' AND job < $1 LIMIT $2) AS places";
            self.only(sql, values![job, limit], "lease").await?
        } else {
            let sql = "SELECT COUNT(*) FROM (SELECT job FROM leases WHERE repository = $1 AND state <> 'held' \
                       AND job < $2 LIMIT $3) AS places";
            self.only(sql, values![repository, job, limit], "lease").await?
        };
        Ok(found.unwrap_or_default())
    }

    async fn held_in(&mut self, repository: RepositoryId, limit: usize) -> Result<Vec<Lease>, Error> {
        let sql = select!(Lease: "WHERE repository = $1 AND state = 'held' ORDER BY job LIMIT $2");
        self.rows(sql, values![repository, limit]).await
    }

    async fn next_in(&mut self, repository: RepositoryId) -> Result<Option<Lease>, Error> {
        let sql = select!(Lease: "WHERE repository = $1 AND state <> 'held' ORDER BY job LIMIT 1");
        self.row(sql, values![repository]).await
    }

    async fn next_in_fleet(&mut self) -> Result<Option<Lease>, Error> {
        let first = JobId::from_bytes([0; 16]);
        let sql = select!(Lease: "WHERE state = 'waits-for-fleet' AND job > $1 ORDER BY job LIMIT 1");
        self.row(sql, values![first]).await
    }

    async fn waited_for(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<RepositoryId>, Error> {
        let after = after.unwrap_or(RepositoryId::from_bytes([0; 16]));
        let sql = "SELECT DISTINCT repository FROM leases WHERE state <> 'held' AND repository > $1 \
                   ORDER BY repository LIMIT $2";
        self.column(sql, values![after, limit], "lease").await
    }

    async fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error> {
        let sql = select!(Lease: "WHERE state = 'held' AND expires <= $1 ORDER BY expires, job LIMIT $2");
        self.rows(sql, values![now, limit]).await
    }
}

#[async_trait]
impl<C: Connection> Leases for Sql<C> {
    async fn take(&mut self, lease: &Lease) -> Result<(), Error> {
        if lease.state == LeaseState::Held {
            let sql = match lease.mode {
                LeaseMode::Exclusive => {
                    "SELECT job FROM leases WHERE repository = $1 AND state = 'held' AND job <> $2 LIMIT 1"
                }
                _ => {
                    "SELECT job FROM leases WHERE repository = $1 AND state = 'held' AND mode = 'exclusive' \
                     AND job <> $2 LIMIT 1"
                }
            };
            if self.any(sql, values![lease.repository, lease.job]).await? {
                return Err(Error::new(ErrorKind::Conflict, "lease"));
            }
        }
        self.reflect(lease).await
    }

    async fn reflect(&mut self, lease: &Lease) -> Result<(), Error> {
        if !self.any("SELECT id FROM jobs WHERE id = $1", values![lease.job]).await? {
            return Err(Error::new(ErrorKind::NotFound, "job"));
        }
        self.upsert(lease).await
    }

    async fn renew(&mut self, host: HostId, expires: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE leases SET expires = $2, lost = NULL WHERE host = $1 AND state = 'held'";
        self.execute(sql, values![host, expires]).await
    }

    async fn lose(&mut self, job: JobId, now: Timestamp, look_again: Timestamp) -> Result<(), Error> {
        let sql =
            "UPDATE leases SET lost = COALESCE(lost, $2), expires = $3 WHERE job = $1 AND state = 'held'";
        self.expect((sql, values![job, now, look_again]), Error::new(ErrorKind::NotFound, "lease")).await
    }

    async fn release(&mut self, job: JobId) -> Result<bool, Error> {
        self.change("DELETE FROM leases WHERE job = $1", values![job]).await
    }

    async fn release_lost(&mut self, repository: RepositoryId) -> Result<Vec<Lease>, Error> {
        let sql =
            select!(Lease: "WHERE repository = $1 AND state = 'held' AND lost IS NOT NULL ORDER BY job");
        let lost = self.rows(sql, values![repository]).await?;
        for lease in &lost {
            self.release(lease.job).await?;
        }
        Ok(lost)
    }

    async fn leave_queue(&mut self, host: HostId) -> Result<u64, Error> {
        self.execute("DELETE FROM leases WHERE host = $1 AND state <> 'held'", values![host]).await
    }

    async fn clear_queue(&mut self) -> Result<u64, Error> {
        self.execute("DELETE FROM leases WHERE state <> 'held'", Vec::new()).await
    }
}
