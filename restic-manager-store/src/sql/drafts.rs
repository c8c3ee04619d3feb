use async_trait::async_trait;
use restic_manager_proto::JobId;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    drafts::{Draft, DraftQueries, Drafts},
};

columns! { Draft of drafts, "draft", key "job" { job, sealed } }

#[async_trait]
impl<C: Connection> DraftQueries for Sql<C> {
    async fn find(&mut self, job: JobId) -> Result<Option<Draft>, Error> {
        self.row(select!(Draft: "WHERE job = $1"), values![job]).await
    }
}

#[async_trait]
impl<C: Connection> Drafts for Sql<C> {
    async fn keep(&mut self, draft: &Draft) -> Result<(), Error> {
        if !self.any("SELECT id FROM jobs WHERE id = $1", values![draft.job]).await? {
            return Err(Error::new(ErrorKind::NotFound, "job"));
        }
        self.upsert(draft).await
    }

    async fn wipe(&mut self, job: JobId) -> Result<bool, Error> {
        self.change("DELETE FROM drafts WHERE job = $1", values![job]).await
    }
}
