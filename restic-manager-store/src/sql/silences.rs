use async_trait::async_trait;
use restic_manager_proto::{SilenceId, Timestamp};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    silences::{Silence, SilenceQueries, Silences},
};

columns! {
    Silence of silences, "silence" {
        id, matcher, from = starts, until = ends, reason, created, created_by,
    }
}

#[async_trait]
impl<C: Connection> SilenceQueries for Sql<C> {
    async fn find(&mut self, id: SilenceId) -> Result<Option<Silence>, Error> {
        self.row(select!(Silence: "WHERE id = $1"), values![id]).await
    }

    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Silence>, Error> {
        let select = select!(Silence: "WHERE ends > $1 ORDER BY ends, id LIMIT $2");
        self.rows(select, values![now, limit]).await
    }
}

#[async_trait]
impl<C: Connection> Silences for Sql<C> {
    async fn add(&mut self, silence: &Silence) -> Result<(), Error> {
        let taken = Error::new(ErrorKind::Taken, "silence");
        if self.insert(silence).await? { Ok(()) } else { Err(taken) }
    }

    async fn end(&mut self, id: SilenceId, now: Timestamp) -> Result<bool, Error> {
        let sql = "DELETE FROM silences WHERE id = $1 AND starts > $2";
        if self.change(sql, values![id, now]).await? {
            return Ok(true);
        }
        let sql = "UPDATE silences SET ends = $2 WHERE id = $1 AND ends > $2";
        self.change(sql, values![id, now]).await
    }

    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM silences WHERE ends < $1", values![before]).await
    }
}
