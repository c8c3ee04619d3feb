use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    replies::{Replies, Reply, ReplyQueries},
};

columns! {
    Reply of replies, "reply" { actor, key = request_key, fingerprint, status, body, created, expires }
}

#[async_trait]
impl<C: Connection> ReplyQueries for Sql<C> {
    async fn find(&mut self, actor: &str, key: &str) -> Result<Option<Reply>, Error> {
        self.row(select!(Reply: "WHERE actor = $1 AND request_key = $2"), values![actor, key]).await
    }

    async fn count(&mut self, actor: &str) -> Result<u64, Error> {
        let sql = "SELECT COUNT(*) FROM replies WHERE actor = $1";
        Ok(self.column::<u64>(sql, values![actor], "reply").await?.pop().unwrap_or(0))
    }
}

#[async_trait]
impl<C: Connection> Replies for Sql<C> {
    async fn remember(&mut self, reply: &Reply) -> Result<(), Error> {
        if self.insert(reply).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "idempotency key")) }
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM replies WHERE expires < $1", values![now]).await
    }
}
