use async_trait::async_trait;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    checkpoints::{AuditCheckpoint, CheckpointQueries, Checkpoints},
};

columns! {
    AuditCheckpoint of audit_checkpoints, "checkpoint" { head: "", moment, signer, signature }
}

#[async_trait]
impl<C: Connection> CheckpointQueries for Sql<C> {
    async fn last(&mut self) -> Result<Option<AuditCheckpoint>, Error> {
        self.row(select!(AuditCheckpoint: "WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1"), vec![]).await
    }

    async fn covering(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditCheckpoint>, Error> {
        let sql = select!(AuditCheckpoint: "WHERE sequence >= $1 ORDER BY sequence LIMIT $2");
        self.rows(sql, values![sequence, limit]).await
    }
}

#[async_trait]
impl<C: Connection> Checkpoints for Sql<C> {
    async fn add(&mut self, checkpoint: &AuditCheckpoint) -> Result<(), Error> {
        let taken = Error::new(ErrorKind::Taken, "checkpoint's entry");
        if self.insert(checkpoint).await? { Ok(()) } else { Err(taken) }
    }
}
