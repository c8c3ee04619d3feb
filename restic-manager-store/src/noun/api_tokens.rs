//! Tokens that programs sign in with.

use async_trait::async_trait;
use restic_manager_proto::{ApiTokenId, Scope, Timestamp, UserId, vocabulary::Role};

use crate::{Error, Page, PageRequest, TokenHash};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// Which.
    pub id: ApiTokenId,
    /// Who made it, and whom it can never exceed.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// What the program shows.
    pub token: TokenHash,
    /// What it may do at most.
    pub role: Role,
    /// For which part of the fleet, within its maker's.
    pub scope: Scope,
    /// Whether it may do what asks people for a recent proof of identity.
    pub dangerous: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it expires.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// From where.
    pub last_address: Option<String>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it opens anything: it was not revoked and has not expired.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }
}

/// Queries about tokens.
#[async_trait]
pub trait ApiTokenQueries: Send {
    /// One token, revoked and expired ones too.
    async fn find(&mut self, id: ApiTokenId) -> Result<Option<ApiToken>, Error>;
    /// The token of a hash: also when it was revoked or has expired, which the caller judges.
    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<ApiToken>, Error>;
    /// Tokens of one person, or of all when none is named, newest first; without revoked ones.
    async fn page(
        &mut self,
        user: Option<UserId>,
        request: PageRequest<ApiTokenId>,
    ) -> Result<Page<ApiToken, ApiTokenId>, Error>;
    /// Tokens that were not revoked and expire after one moment and by another, the next to do so first, `limit` at most.
    async fn expiring(
        &mut self,
        after: Timestamp,
        by: Timestamp,
        limit: usize,
    ) -> Result<Vec<ApiToken>, Error>;
}

/// Changes to tokens.
#[async_trait]
pub trait ApiTokens: ApiTokenQueries {
    /// Adds a token. `Taken` when its hash is known, `NotFound` when the person isn't.
    async fn add(&mut self, token: &ApiToken) -> Result<(), Error>;
    /// Notes that it was used. `NotFound` when it doesn't exist.
    async fn touch(&mut self, id: ApiTokenId, now: Timestamp, address: Option<&str>) -> Result<(), Error>;
    /// Revokes it; says no when it was revoked before or doesn't exist.
    async fn revoke(&mut self, id: ApiTokenId, now: Timestamp) -> Result<bool, Error>;
    /// Revokes every token of a person; says how many there were.
    async fn revoke_all_of(&mut self, user: UserId, now: Timestamp) -> Result<u64, Error>;
    /// Forgets those that were revoked or expired before a moment, `limit` at most; says how many.
    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error>;
}
