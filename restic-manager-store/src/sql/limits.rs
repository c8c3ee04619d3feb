use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use super::{Connection, Sql, value::values};
use crate::{
    Error,
    limits::{Lane, LimitQueries, Limits},
};

#[async_trait]
impl<C: Connection> LimitQueries for Sql<C> {
    async fn full_at(&mut self, lane: &Lane) -> Result<Option<Timestamp>, Error> {
        let sql = "SELECT full_at FROM limits WHERE lane = $1";
        self.only(sql, values![lane], "limit").await
    }
}

#[async_trait]
impl<C: Connection> Limits for Sql<C> {
    async fn set(&mut self, lane: &Lane, full_at: Timestamp) -> Result<(), Error> {
        let sql = "INSERT INTO limits (lane, full_at) VALUES ($1, $2) \
                   ON CONFLICT (lane) DO UPDATE SET full_at = excluded.full_at";
        self.execute(sql, values![lane, full_at]).await?;
        Ok(())
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM limits WHERE full_at < $1", values![now]).await
    }
}
