//! Answers kept so that a repeated request gets the first one's.

use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use crate::Error;

/// The answer to a request that carried an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who asked; keys of different callers never meet.
    pub actor: String,
    /// The key.
    pub key: String,
    /// A hash of the request, to tell a repetition from another request under the same key.
    pub fingerprint: [u8; 32],
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// When it was given.
    pub created: Timestamp,
    /// Until when it is kept.
    pub expires: Timestamp,
}

/// Queries about answers.
#[async_trait]
pub trait ReplyQueries: Send {
    /// The answer kept under a caller's key.
    async fn find(&mut self, actor: &str, key: &str) -> Result<Option<Reply>, Error>;
    /// How many answers are kept for a caller.
    async fn count(&mut self, actor: &str) -> Result<u64, Error>;
}

/// Changes to answers.
#[async_trait]
pub trait Replies: ReplyQueries {
    /// Keeps an answer. `Taken` when the caller used the key before.
    async fn remember(&mut self, reply: &Reply) -> Result<(), Error>;
    /// Forgets what expired before `now`; says how many.
    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error>;
}
