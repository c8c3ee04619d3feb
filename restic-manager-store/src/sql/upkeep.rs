use async_trait::async_trait;
use restic_manager_proto::{RepositoryId, Timestamp, vocabulary::JobKind};

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error,
    upkeep::{DeletionTest, Duty, Upkeep, UpkeepQueries},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT repository, kind, every_hours, due, since, effective, failures, job, last_job, last_cause, \
             part, parts FROM upkeep ",
            $rest
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<Duty, Error> {
    Ok(Duty {
        repository: columns.next()?,
        kind: columns.next()?,
        every_hours: columns.next()?,
        due: columns.next()?,
        since: columns.next()?,
        effective: columns.next()?,
        failures: columns.next()?,
        job: columns.next()?,
        last_job: columns.next()?,
        last_cause: columns.next()?,
        part: columns.next()?,
        parts: columns.next()?,
    })
}

fn read_test(columns: &mut Columns<'_>) -> Result<DeletionTest, Error> {
    Ok(DeletionTest {
        repository: columns.next()?,
        verdict: columns.next()?,
        at: columns.next()?,
        host: columns.next()?,
        job: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> UpkeepQueries for Sql<C> {
    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Duty>, Error> {
        self.rows(select!("WHERE repository = $1 ORDER BY kind"), values![repository], "duty", read).await
    }

    async fn find(&mut self, repository: RepositoryId, kind: JobKind) -> Result<Option<Duty>, Error> {
        self.row(select!("WHERE repository = $1 AND kind = $2"), values![repository, kind], "duty", read)
            .await
    }

    async fn deletion_test(&mut self, repository: RepositoryId) -> Result<Option<DeletionTest>, Error> {
        let sql = "SELECT repository, verdict, at, host, job FROM deletion_tests WHERE repository = $1";
        self.row(sql, values![repository], "deletion test", read_test).await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Duty>, Error> {
        let sql = select!("WHERE due <= $1 ORDER BY due, repository, kind LIMIT $2");
        self.rows(sql, values![now, limit], "duty", read).await
    }
}

#[async_trait]
impl<C: Connection> Upkeep for Sql<C> {
    async fn set(&mut self, duty: &Duty) -> Result<(), Error> {
        self.expect_live_repository(duty.repository).await?;
        let sql = "INSERT INTO upkeep (repository, kind, every_hours, due, since, effective, failures, job, last_job, \
                   last_cause, part, parts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
                   ON CONFLICT (repository, kind) DO UPDATE SET every_hours = excluded.every_hours, due = excluded.due, \
                   since = excluded.since, effective = excluded.effective, failures = excluded.failures, \
                   job = excluded.job, last_job = excluded.last_job, last_cause = excluded.last_cause, \
                   part = excluded.part, parts = excluded.parts";
        let values = values![
            duty.repository,
            duty.kind,
            duty.every_hours,
            duty.due,
            duty.since,
            duty.effective,
            duty.failures,
            duty.job,
            duty.last_job,
            duty.last_cause,
            duty.part,
            duty.parts
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    async fn record_deletion_test(&mut self, test: &DeletionTest) -> Result<(), Error> {
        self.expect_live_repository(test.repository).await?;
        let sql = "INSERT INTO deletion_tests (repository, verdict, at, host, job) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (repository) DO UPDATE SET verdict = excluded.verdict, at = excluded.at, \
                   host = excluded.host, job = excluded.job";
        let DeletionTest { repository, verdict, at, host, job } = test;
        self.execute(sql, values![repository, verdict, at, host, job]).await?;
        Ok(())
    }

    async fn discard_deletion_test(&mut self, repository: RepositoryId) -> Result<bool, Error> {
        self.change("DELETE FROM deletion_tests WHERE repository = $1", values![repository]).await
    }
}
