use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use super::{Connection, Sql, value::values};
use crate::{
    Error, ErrorKind,
    replies::{Replies, Reply, ReplyQueries},
};

#[async_trait]
impl<C: Connection> ReplyQueries for Sql<C> {
    async fn find(&mut self, actor: &str, key: &str) -> Result<Option<Reply>, Error> {
        let sql = "SELECT actor, request_key, fingerprint, status, body, created, expires FROM replies \
                   WHERE actor = $1 AND request_key = $2";
        self.row(sql, values![actor, key], "reply", |columns| {
            Ok(Reply {
                actor: columns.next()?,
                key: columns.next()?,
                fingerprint: columns.next()?,
                status: columns.next()?,
                body: columns.next()?,
                created: columns.next()?,
                expires: columns.next()?,
            })
        })
        .await
    }
}

#[async_trait]
impl<C: Connection> Replies for Sql<C> {
    async fn remember(&mut self, reply: &Reply) -> Result<(), Error> {
        let sql = "INSERT INTO replies (actor, request_key, fingerprint, status, body, created, expires) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let Reply { actor, key, fingerprint, status, body, created, expires } = reply;
        if self.change(sql, values![actor, key, fingerprint, status, body, created, expires]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Taken, "idempotency key"))
        }
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM replies WHERE expires < $1", values![now]).await
    }
}
