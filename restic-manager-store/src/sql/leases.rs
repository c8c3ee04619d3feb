use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{LeaseMode, LeaseState},
};

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind,
    leases::{Crowd, FleetCrowd, Lease, LeaseQueries, Leases},
};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT job, repository, host, kind, mode, state, expires, lost FROM leases ", $rest)
    };
}

fn read(columns: &mut Columns<'_>) -> Result<Lease, Error> {
    Ok(Lease {
        job: columns.next()?,
        repository: columns.next()?,
        host: columns.next()?,
        kind: columns.next()?,
        mode: columns.next()?,
        state: columns.next()?,
        expires: columns.next()?,
        lost: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> LeaseQueries for Sql<C> {
    async fn find(&mut self, job: JobId) -> Result<Option<Lease>, Error> {
        self.row(select!("WHERE job = $1"), values![job], "lease", read).await
    }

    async fn crowd(&mut self, job: JobId, repository: RepositoryId, now: Timestamp) -> Result<Crowd, Error> {
        let held = self
            .rows(
                select!("WHERE repository = $1 AND state = 'held' AND job <> $2 ORDER BY job"),
                values![repository, job],
                "lease",
                read,
            )
            .await?;
        let sql = select!(
            "WHERE repository = $1 AND state <> 'held' AND job < $2 AND expires > $3 ORDER BY job LIMIT 1"
        );
        let ahead = self.row(sql, values![repository, job, now], "lease", read).await?;
        Ok(Crowd {
            held: held.len() as u64,
            exclusive: held.iter().find(|lease| lease.mode == LeaseMode::Exclusive).cloned(),
            oldest: held.into_iter().next(),
            ahead,
        })
    }

    async fn fleet_crowd(&mut self, job: JobId, now: Timestamp) -> Result<FleetCrowd, Error> {
        let sql = "SELECT COUNT(*) FROM leases WHERE state = 'held' AND job <> $1";
        let held = self.row(sql, values![job], "lease", |columns| columns.next::<u64>()).await?;
        let sql = "SELECT job FROM leases WHERE state = 'waits-for-fleet' AND job < $1 AND expires > $2 \
                   ORDER BY job LIMIT 1";
        let ahead = self.any(sql, values![job, now]).await?;
        Ok(FleetCrowd { held: held.unwrap_or_default(), ahead })
    }

    async fn places_before(&mut self, lease: &Lease, now: Timestamp, limit: usize) -> Result<u64, Error> {
        let Lease { job, repository, state, .. } = lease;
        let count = |columns: &mut Columns<'_>| columns.next::<u64>();
        let found = if *state == LeaseState::WaitsForFleet {
            let sql = "SELECT COUNT(*) FROM (SELECT job FROM leases \
                       WHERE state = 'waits-for-fleet' AND job < $1 AND expires > $2 LIMIT $3) AS places";
            self.row(sql, values![job, now, limit], "lease", count).await?
        } else {
            let sql = "SELECT COUNT(*) FROM (SELECT job FROM leases WHERE repository = $1 AND state <> 'held' \
                       AND job < $2 AND expires > $3 LIMIT $4) AS places";
            self.row(sql, values![repository, job, now, limit], "lease", count).await?
        };
        Ok(found.unwrap_or_default())
    }

    async fn held_in(&mut self, repository: RepositoryId, limit: usize) -> Result<Vec<Lease>, Error> {
        let sql = select!("WHERE repository = $1 AND state = 'held' ORDER BY job LIMIT $2");
        self.rows(sql, values![repository, limit], "lease", read).await
    }

    async fn next_in(&mut self, repository: RepositoryId, now: Timestamp) -> Result<Option<Lease>, Error> {
        let sql = select!("WHERE repository = $1 AND state <> 'held' AND expires > $2 ORDER BY job LIMIT 1");
        self.row(sql, values![repository, now], "lease", read).await
    }

    async fn waiting(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error> {
        let first = JobId::from_bytes([0; 16]);
        let sql = select!("WHERE state <> 'held' AND job > $3 AND expires > $1 ORDER BY job LIMIT $2");
        self.rows(sql, values![now, limit, first], "lease", read).await
    }

    async fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error> {
        let sql = select!("WHERE state = 'held' AND expires <= $1 ORDER BY expires, job LIMIT $2");
        self.rows(sql, values![now, limit], "lease", read).await
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
        let sql = "INSERT INTO leases (job, repository, host, kind, mode, state, expires, lost) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (job) DO UPDATE SET \
                   repository = excluded.repository, host = excluded.host, kind = excluded.kind, \
                   mode = excluded.mode, state = excluded.state, expires = excluded.expires, lost = excluded.lost";
        let Lease { job, repository, host, kind, mode, state, expires, lost } = lease;
        self.execute(sql, values![job, repository, host, kind, mode, state, expires, lost]).await?;
        Ok(())
    }

    async fn renew(&mut self, host: HostId, expires: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE leases SET expires = $2, lost = NULL WHERE host = $1 AND state = 'held'";
        self.execute(sql, values![host, expires]).await
    }

    async fn lose(&mut self, job: JobId, now: Timestamp, look_again: Timestamp) -> Result<(), Error> {
        let sql =
            "UPDATE leases SET lost = COALESCE(lost, $2), expires = $3 WHERE job = $1 AND state = 'held'";
        if self.change(sql, values![job, now, look_again]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "lease"))
        }
    }

    async fn release(&mut self, job: JobId) -> Result<bool, Error> {
        self.change("DELETE FROM leases WHERE job = $1", values![job]).await
    }

    async fn release_lost(&mut self, repository: RepositoryId) -> Result<Vec<Lease>, Error> {
        let sql = select!("WHERE repository = $1 AND state = 'held' AND lost IS NOT NULL ORDER BY job");
        let lost = self.rows(sql, values![repository], "lease", read).await?;
        for lease in &lost {
            self.release(lease.job).await?;
        }
        Ok(lost)
    }

    async fn leave_queue(&mut self, host: HostId) -> Result<u64, Error> {
        self.execute("DELETE FROM leases WHERE host = $1 AND state <> 'held'", values![host]).await
    }
}
