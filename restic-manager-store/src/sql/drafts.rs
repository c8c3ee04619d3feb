use async_trait::async_trait;
use restic_manager_proto::JobId;

use super::{Connection, Sql, value::values};
use crate::{
    Error, ErrorKind,
    drafts::{Draft, DraftQueries, Drafts},
};

#[async_trait]
impl<C: Connection> DraftQueries for Sql<C> {
    async fn find(&mut self, job: JobId) -> Result<Option<Draft>, Error> {
        let sql = "SELECT job, sealed FROM drafts WHERE job = $1";
        self.row(sql, values![job], "draft", |columns| {
            Ok(Draft { job: columns.next()?, sealed: columns.next()? })
        })
        .await
    }
}

#[async_trait]
impl<C: Connection> Drafts for Sql<C> {
    async fn keep(&mut self, draft: &Draft) -> Result<(), Error> {
        if !self.any("SELECT id FROM jobs WHERE id = $1", values![draft.job]).await? {
            return Err(Error::new(ErrorKind::NotFound, "job"));
        }
        let sql = "INSERT INTO drafts (job, sealed) VALUES ($1, $2) \
                   ON CONFLICT (job) DO UPDATE SET sealed = excluded.sealed";
        self.execute(sql, values![draft.job, draft.sealed]).await?;
        Ok(())
    }

    async fn wipe(&mut self, job: JobId) -> Result<bool, Error> {
        self.change("DELETE FROM drafts WHERE job = $1", values![job]).await
    }
}
