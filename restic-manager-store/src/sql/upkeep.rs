use async_trait::async_trait;
use restic_manager_proto::{RepositoryId, Timestamp, vocabulary::JobKind};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error,
    upkeep::{DeletionTest, Duty, Upkeep, UpkeepQueries},
};

columns! {
    Duty of upkeep, "duty", key "repository, kind" {
        repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, part, parts,
    }
}

columns! {
    DeletionTest of deletion_tests, "deletion test", key "repository" { repository, verdict, at, host, job }
}

#[async_trait]
impl<C: Connection> UpkeepQueries for Sql<C> {
    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Duty>, Error> {
        self.rows(select!(Duty: "WHERE repository = $1 ORDER BY kind"), values![repository]).await
    }

    async fn find(&mut self, repository: RepositoryId, kind: JobKind) -> Result<Option<Duty>, Error> {
        self.row(select!(Duty: "WHERE repository = $1 AND kind = $2"), values![repository, kind]).await
    }

    async fn deletion_test(&mut self, repository: RepositoryId) -> Result<Option<DeletionTest>, Error> {
        self.row(select!(DeletionTest: "WHERE repository = $1"), values![repository]).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Duty>, Error> {
        let sql = select!(Duty: "WHERE due <= $1 ORDER BY due, repository, kind LIMIT $2");
        self.rows(sql, values![now, limit]).await
    }
}

#[async_trait]
impl<C: Connection> Upkeep for Sql<C> {
    async fn set(&mut self, duty: &Duty) -> Result<(), Error> {
        self.expect_live_repository(duty.repository).await?;
        self.upsert(duty).await
    }

    async fn record_deletion_test(&mut self, test: &DeletionTest) -> Result<(), Error> {
        self.expect_live_repository(test.repository).await?;
        self.upsert(test).await
    }

    async fn discard_deletion_test(&mut self, repository: RepositoryId) -> Result<bool, Error> {
        self.change("DELETE FROM deletion_tests WHERE repository = $1", values![repository]).await
    }
}
