use async_trait::async_trait;

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind,
    audit::AuditHead,
    checkpoints::{AuditCheckpoint, CheckpointQueries, Checkpoints},
};

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT sequence, hash, moment, signer, signature FROM audit_checkpoints ", $rest)
    };
}

fn read(columns: &mut Columns<'_>) -> Result<AuditCheckpoint, Error> {
    Ok(AuditCheckpoint {
        head: AuditHead { sequence: columns.next()?, hash: columns.next()? },
        moment: columns.next()?,
        signer: columns.next()?,
        signature: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> CheckpointQueries for Sql<C> {
    async fn last(&mut self) -> Result<Option<AuditCheckpoint>, Error> {
        self.row(select!("WHERE sequence > 0 ORDER BY sequence DESC LIMIT 1"), vec![], "checkpoint", read)
            .await
    }

    async fn covering(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditCheckpoint>, Error> {
        let sql = select!("WHERE sequence >= $1 ORDER BY sequence LIMIT $2");
        self.rows(sql, values![sequence, limit], "checkpoint", read).await
    }
}

#[async_trait]
impl<C: Connection> Checkpoints for Sql<C> {
    async fn add(&mut self, checkpoint: &AuditCheckpoint) -> Result<(), Error> {
        let sql = "INSERT INTO audit_checkpoints (sequence, hash, moment, signer, signature) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let AuditCheckpoint { head, moment, signer, signature } = checkpoint;
        if self.change(sql, values![head.sequence, head.hash, moment, signer, signature]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Taken, "checkpoint's entry"))
        }
    }
}
