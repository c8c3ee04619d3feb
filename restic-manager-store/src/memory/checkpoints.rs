use async_trait::async_trait;
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error, ErrorKind,
    checkpoints::{AuditCheckpoint, CheckpointQueries, Checkpoints},
};

#[async_trait]
impl CheckpointQueries for Tables {
    async fn last(&mut self) -> Result<Option<AuditCheckpoint>, Error> {
        Ok(self.checkpoints.values().next_back().copied())
    }

    async fn covering(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditCheckpoint>, Error> {
        Ok(self.checkpoints.range(sequence..).map(|(_, one)| *one).take(limit).collect())
    }
}

#[async_trait]
impl Checkpoints for Tables {
    async fn add(&mut self, checkpoint: &AuditCheckpoint) -> Result<(), Error> {
        if self.checkpoints.contains_key(&checkpoint.head.sequence) {
            return Err(Error::new(ErrorKind::Taken, "checkpoint's entry"));
        }
        Arc::make_mut(&mut self.checkpoints).insert(checkpoint.head.sequence, *checkpoint);
        Ok(())
    }
}
