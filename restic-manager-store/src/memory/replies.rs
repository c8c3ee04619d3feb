use async_trait::async_trait;
use restic_manager_proto::Timestamp;
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error, ErrorKind,
    replies::{Replies, Reply, ReplyQueries},
};

#[async_trait]
impl ReplyQueries for Tables {
    async fn find(&mut self, actor: &str, key: &str) -> Result<Option<Reply>, Error> {
        Ok(self.replies.get(&(actor.to_owned(), key.to_owned())).cloned())
    }

    async fn count(&mut self, actor: &str) -> Result<u64, Error> {
        Ok(self.replies.values().filter(|reply| reply.actor == actor).count() as u64)
    }
}

#[async_trait]
impl Replies for Tables {
    async fn remember(&mut self, reply: &Reply) -> Result<(), Error> {
        let key = (reply.actor.clone(), reply.key.clone());
        if self.replies.contains_key(&key) {
            return Err(Error::new(ErrorKind::Taken, "idempotency key"));
        }
        Arc::make_mut(&mut self.replies).insert(key, reply.clone());
        Ok(())
    }

    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.replies, |reply| reply.expires < now))
    }
}
