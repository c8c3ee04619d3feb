use async_trait::async_trait;
use restic_manager_proto::Timestamp;
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error,
    limits::{Lane, LimitQueries, Limits},
};

#[async_trait]
impl LimitQueries for Tables {
    async fn full_at(&mut self, lane: &Lane) -> Result<Option<Timestamp>, Error> {
        Ok(self.limits.get(lane).copied())
    }
}

#[async_trait]
impl Limits for Tables {
    async fn set(&mut self, lane: &Lane, full_at: Timestamp) -> Result<(), Error> {
        Arc::make_mut(&mut self.limits).insert(*lane, full_at);
        Ok(())
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.limits, |full_at| *full_at < now))
    }
}
