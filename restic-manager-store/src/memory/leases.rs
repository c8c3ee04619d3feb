use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{LeaseMode, LeaseState},
};
use std::{collections::BTreeSet, sync::Arc};

use super::tables::{Tables, remove, row};
use crate::{
    Error, ErrorKind,
    leases::{Crowd, FleetCrowd, Lease, LeaseQueries, Leases},
};

#[async_trait]
impl LeaseQueries for Tables {
    async fn find(&mut self, job: JobId) -> Result<Option<Lease>, Error> {
        Ok(self.leases.get(&job).cloned())
    }

    async fn crowd(&mut self, job: JobId, repository: RepositoryId) -> Result<Crowd, Error> {
        let held: Vec<_> = self.held(repository).filter(|lease| lease.job != job).collect();
        Ok(Crowd {
            held: held.len() as u64,
            exclusive: held.iter().find(|lease| lease.mode == LeaseMode::Exclusive).copied().cloned(),
            oldest: held.first().copied().cloned(),
            ahead: self.queue().find(|lease| lease.repository == repository && lease.job < job).cloned(),
        })
    }

    async fn fleet_crowd(&mut self, job: JobId) -> Result<FleetCrowd, Error> {
        let held = |lease: &&Lease| lease.state == LeaseState::Held && lease.job != job;
        let before = |lease: &Lease| lease.state == LeaseState::WaitsForFleet && lease.job < job;
        Ok(FleetCrowd {
            held: self.leases.values().filter(held).count() as u64,
            ahead: self.queue().any(before),
        })
    }

    async fn places_before(&mut self, lease: &Lease, limit: usize) -> Result<u64, Error> {
        let same = |other: &&Lease| match lease.state {
            LeaseState::WaitsForFleet => other.state == LeaseState::WaitsForFleet,
            _ => other.repository == lease.repository,
        };
        Ok(self.queue().filter(same).filter(|other| other.job < lease.job).take(limit).count() as u64)
    }

    async fn held_in(&mut self, repository: RepositoryId, limit: usize) -> Result<Vec<Lease>, Error> {
        Ok(self.held(repository).take(limit).cloned().collect())
    }

    async fn next_in(&mut self, repository: RepositoryId) -> Result<Option<Lease>, Error> {
        Ok(self.queue().find(|lease| lease.repository == repository).cloned())
    }

    async fn next_in_fleet(&mut self) -> Result<Option<Lease>, Error> {
        Ok(self.queue().find(|lease| lease.state == LeaseState::WaitsForFleet).cloned())
    }

    async fn waited_for(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<RepositoryId>, Error> {
        let found: BTreeSet<_> = self.queue().map(|lease| lease.repository).collect();
        Ok(found.into_iter().filter(|id| after.is_none_or(|after| *id > after)).take(limit).collect())
    }

    async fn expired(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Lease>, Error> {
        let over = |lease: &&Lease| lease.state == LeaseState::Held && lease.expires <= now;
        let mut found: Vec<_> = self.leases.values().filter(over).cloned().collect();
        found.sort_by_key(|lease| (lease.expires, lease.job));
        found.truncate(limit);
        Ok(found)
    }
}

#[async_trait]
impl Leases for Tables {
    async fn take(&mut self, lease: &Lease) -> Result<(), Error> {
        let alone = lease.mode == LeaseMode::Exclusive;
        let stands_in_the_way =
            |other: &Lease| other.job != lease.job && (alone || other.mode == LeaseMode::Exclusive);
        if lease.state == LeaseState::Held && self.held(lease.repository).any(stands_in_the_way) {
            return Err(Error::new(ErrorKind::Conflict, "lease"));
        }
        self.reflect(lease).await
    }

    async fn reflect(&mut self, lease: &Lease) -> Result<(), Error> {
        if !self.jobs.contains_key(&lease.job) {
            return Err(Error::new(ErrorKind::NotFound, "job"));
        }
        Arc::make_mut(&mut self.leases).insert(lease.job, lease.clone());
        Ok(())
    }

    async fn renew(&mut self, host: HostId, expires: Timestamp) -> Result<u64, Error> {
        let mut renewed = 0;
        for lease in Arc::make_mut(&mut self.leases).values_mut() {
            if lease.host == host && lease.state == LeaseState::Held {
                (lease.expires, lease.lost) = (expires, None);
                renewed += 1;
            }
        }
        Ok(renewed)
    }

    async fn lose(&mut self, job: JobId, now: Timestamp, look_again: Timestamp) -> Result<(), Error> {
        let lease = row(&mut self.leases, &job, "lease")?;
        if lease.state != LeaseState::Held {
            return Err(Error::new(ErrorKind::NotFound, "lease"));
        }
        lease.lost.get_or_insert(now);
        lease.expires = look_again;
        Ok(())
    }

    async fn release(&mut self, job: JobId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.leases).remove(&job).is_some())
    }

    async fn release_lost(&mut self, repository: RepositoryId) -> Result<Vec<Lease>, Error> {
        let lost: Vec<_> = self.held(repository).filter(|lease| lease.lost.is_some()).cloned().collect();
        for lease in &lost {
            Arc::make_mut(&mut self.leases).remove(&lease.job);
        }
        Ok(lost)
    }

    async fn leave_queue(&mut self, host: HostId) -> Result<u64, Error> {
        Ok(remove(&mut self.leases, |lease| lease.host == host && lease.state != LeaseState::Held))
    }

    async fn clear_queue(&mut self) -> Result<u64, Error> {
        Ok(remove(&mut self.leases, |lease| lease.state != LeaseState::Held))
    }
}

impl Tables {
    fn held(&self, repository: RepositoryId) -> impl Iterator<Item = &Lease> {
        self.leases
            .values()
            .filter(move |lease| lease.repository == repository && lease.state == LeaseState::Held)
    }

    /// Places, oldest job first.
    fn queue(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values().filter(|lease| lease.state != LeaseState::Held)
    }
}
