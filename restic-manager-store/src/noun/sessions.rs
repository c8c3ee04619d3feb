//! Logins of browsers, and how each follows from the one before.

use async_trait::async_trait;
use restic_manager_proto::{SessionId, Timestamp, UserId};

use crate::{Error, TokenHash};

/// One login under one token. Rotation makes a new session of the same family and keeps the old one, so that the
/// use of an old token can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Which.
    pub id: SessionId,
    /// The first session of the chain of rotations; its own id for the first.
    pub family: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the browser shows.
    pub token: TokenHash,
    /// When the family began.
    pub started: Timestamp,
    /// When this token was made.
    pub created: Timestamp,
    /// When the person last proved who they are: at sign-in, and whenever an act asked for it again.
    pub proved: Timestamp,
    /// When this token was first shown. One that never was may never have reached its browser.
    pub confirmed: Option<Timestamp>,
    /// When it was last shown.
    pub last_seen: Timestamp,
    /// When it expires if it isn't shown.
    pub idle_expires: Timestamp,
    /// When the family expires.
    pub expires: Timestamp,
    /// Where it was used first.
    pub address: Option<String>,
    /// What browser used it first.
    pub user_agent: Option<String>,
    /// The session that took its place.
    pub replaced_by: Option<SessionId>,
}

/// Queries about logins.
#[async_trait]
pub trait SessionQueries: Send {
    /// One session.
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, Error>;
    /// The session of a token: also when it was replaced or has expired, which the caller judges.
    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<Session>, Error>;
    /// The newest session of a family, which nothing has replaced.
    async fn newest_of(&mut self, family: SessionId) -> Result<Option<Session>, Error>;
    /// A person's sessions that are neither replaced nor expired at `now`, newest first, 500 at most.
    async fn live_of(&mut self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error>;
}

/// Changes to logins.
#[async_trait]
pub trait Sessions: SessionQueries {
    /// Starts a session. `Taken` when the token is known, `NotFound` when the person isn't.
    async fn open(&mut self, session: &Session) -> Result<(), Error>;
    /// Notes that it was shown, the first time and the last. `NotFound` when it has ended.
    async fn touch(&mut self, id: SessionId, seen: Timestamp, idle_expires: Timestamp) -> Result<(), Error>;
    /// Notes that the person proved again who they are. `NotFound` when it has ended or was replaced.
    async fn prove(&mut self, id: SessionId, now: Timestamp) -> Result<(), Error>;
    /// Puts `new` in the place of `old`. `Conflict` when `old` was replaced already, `NotFound` when it has ended.
    async fn rotate(&mut self, old: SessionId, new: &Session) -> Result<(), Error>;
    /// Puts `new` in the place of `stale`, which took the place of `old` and was never shown; `old` is from then on replaced
    /// by `new`. `Conflict` when any of this is not so, `NotFound` when `old` has ended.
    async fn supersede(&mut self, old: SessionId, stale: SessionId, new: &Session) -> Result<(), Error>;
    /// Ends a whole family; says how many sessions that were.
    async fn end_family(&mut self, family: SessionId) -> Result<u64, Error>;
    /// Ends all families of a person but one; says how many sessions that were.
    async fn end_all_of(&mut self, user: UserId, except_family: Option<SessionId>) -> Result<u64, Error>;
    /// Forgets what expired before `now`; says how many sessions that were.
    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error>;
}
