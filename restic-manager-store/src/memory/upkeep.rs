use async_trait::async_trait;
use restic_manager_proto::{RepositoryId, Timestamp, vocabulary::JobKind};
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error,
    upkeep::{DeletionTest, Duty, Upkeep, UpkeepQueries},
};

#[async_trait]
impl UpkeepQueries for Tables {
    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Duty>, Error> {
        let mut duties: Vec<_> =
            self.upkeep.values().filter(|duty| duty.repository == repository).cloned().collect();
        duties.sort_by_key(|duty| duty.kind.as_str());
        Ok(duties)
    }

    async fn find(&mut self, repository: RepositoryId, kind: JobKind) -> Result<Option<Duty>, Error> {
        Ok(self.upkeep.get(&(repository, kind)).cloned())
    }

    async fn deletion_test(&mut self, repository: RepositoryId) -> Result<Option<DeletionTest>, Error> {
        Ok(self.deletion_tests.get(&repository).copied())
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Duty>, Error> {
        let is_due = |duty: &&Duty| duty.due.is_some_and(|due| due <= now);
        let mut due: Vec<_> = self.upkeep.values().filter(is_due).cloned().collect();
        due.sort_by_key(|duty| (duty.due, duty.repository, duty.kind.as_str()));
        due.truncate(limit);
        Ok(due)
    }
}

#[async_trait]
impl Upkeep for Tables {
    async fn set(&mut self, duty: &Duty) -> Result<(), Error> {
        self.live_repository(duty.repository)?;
        Arc::make_mut(&mut self.upkeep).insert((duty.repository, duty.kind), duty.clone());
        Ok(())
    }

    async fn record_deletion_test(&mut self, test: &DeletionTest) -> Result<(), Error> {
        self.live_repository(test.repository)?;
        Arc::make_mut(&mut self.deletion_tests).insert(test.repository, *test);
        Ok(())
    }

    async fn discard_deletion_test(&mut self, repository: RepositoryId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.deletion_tests).remove(&repository).is_some())
    }
}
