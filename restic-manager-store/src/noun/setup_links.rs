//! One-time links by which people set their password.

use async_trait::async_trait;
use restic_manager_proto::{Timestamp, UserId};

use crate::{Error, TokenHash};

/// A link that waits for its person: one per person at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLink {
    /// Whose password it sets.
    pub user: UserId,
    /// What the person shows.
    pub token: TokenHash,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it; nobody for one made on the server's machine.
    pub created_by: Option<UserId>,
    /// When it expires.
    pub expires: Timestamp,
}

/// Queries about setup links.
#[async_trait]
pub trait SetupLinkQueries: Send {
    /// A person's link: also when it has expired, which the caller judges.
    async fn of_user(&mut self, user: UserId) -> Result<Option<SetupLink>, Error>;
    /// The link of a token: also when it has expired.
    async fn with_token(&mut self, token: &TokenHash) -> Result<Option<SetupLink>, Error>;
}

/// Changes to setup links.
#[async_trait]
pub trait SetupLinks: SetupLinkQueries {
    /// Puts a link in the place of the person's earlier one. `NotFound` when there is no such person, `Taken` when the
    /// token is known.
    async fn issue(&mut self, link: &SetupLink) -> Result<(), Error>;
    /// Takes a person's link away, because it was followed or withdrawn; says whether there was one.
    async fn remove(&mut self, user: UserId) -> Result<bool, Error>;
    /// Forgets what expired before `now`; says how many that were.
    async fn purge(&mut self, now: Timestamp) -> Result<u64, Error>;
}
