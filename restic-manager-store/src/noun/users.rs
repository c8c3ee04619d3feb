//! People who sign in.

use async_trait::async_trait;
use restic_manager_proto::{Scope, Timestamp, UserId, vocabulary::Role};

use crate::{Error, Page, PageRequest, PasswordHash};

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The sign-in name; unique under [`fold`](crate::fold).
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// For which part of the fleet.
    pub scope: Scope,
    /// How the person proves it.
    pub password: PasswordHash,
    /// When the password was last set; `None` before the person has followed a setup link. Until then `password` is the hash
    /// of something that nobody knows.
    pub password_set: Option<Timestamp>,
    /// Whether sign-in is refused.
    pub disabled: bool,
    /// When the record was made.
    pub created: Timestamp,
    /// When the person last signed in.
    pub last_login: Option<Timestamp>,
    /// Counts the changes; 1 at first.
    pub version: i64,
}

/// Queries about people.
#[async_trait]
pub trait UserQueries: Send {
    /// One person.
    async fn find(&mut self, id: UserId) -> Result<Option<User>, Error>;
    /// The person with a sign-in name, compared under [`fold`](crate::fold).
    async fn named(&mut self, name: &str) -> Result<Option<User>, Error>;
    /// People in the order of their making.
    async fn page(&mut self, request: PageRequest<UserId>) -> Result<Page<User, UserId>, Error>;
    /// How many admins of the whole fleet can sign in: enabled, and with a password.
    async fn enabled_admins(&mut self) -> Result<u64, Error>;
}

/// Changes to people.
#[async_trait]
pub trait Users: UserQueries {
    /// Adds a person, at version 1. `Taken` when the name is in use.
    async fn add(&mut self, user: &User) -> Result<(), Error>;
    /// Changes name, role, scope and whether sign-in is refused; answers the new version. `Conflict` when the stored
    /// version is not `expected`.
    async fn update(&mut self, user: &User, expected: i64) -> Result<i64, Error>;
    /// Sets the password. Counts as a change.
    async fn set_password(
        &mut self,
        id: UserId,
        password: &PasswordHash,
        now: Timestamp,
    ) -> Result<(), Error>;
    /// Notes a sign-in. Not a change that anybody has to know of.
    async fn note_login(&mut self, id: UserId, now: Timestamp) -> Result<(), Error>;
    /// Replaces the hash of the same password by a stronger one, if it is still `old`. Not a change that anybody sees.
    async fn strengthen_password(
        &mut self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, Error>;
}
