//! restic repositories and the sealed secrets that open them.

use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, UserId, vocabulary::CredentialSlot};

use crate::{Error, Page, PageRequest, SealedBlob};

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Which.
    pub id: RepositoryId,
    /// Unique under [`fold`](crate::fold) among repositories that are not deleted.
    pub name: String,
    /// restic's location, without any secret.
    pub location: String,
    /// The kind of backend, such as `rest` or `s3`.
    pub backend: String,
    /// The encryption password.
    pub password: Option<SealedBlob>,
    /// When the password was set.
    pub password_set: Option<Timestamp>,
    /// The host that does its upkeep, and alone gets what may delete.
    pub runner: Option<HostId>,
    /// How many jobs may use it at once, where that was chosen.
    pub parallel: Option<u32>,
    /// When the record was made.
    pub created: Timestamp,
    /// Counts the changes; 1 at first.
    pub version: i64,
    /// When it was removed from the list.
    pub deleted: Option<Timestamp>,
}

/// What people may change of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositorySettings {
    /// What it is called.
    pub name: String,
    /// restic's location, without any secret.
    pub location: String,
    /// The kind of backend.
    pub backend: String,
}

/// One transport credential of a repository, user name and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Of which repository.
    pub repository: RepositoryId,
    /// For which use.
    pub slot: CredentialSlot,
    /// What it is.
    pub sealed: SealedBlob,
    /// When it was set.
    pub set: Timestamp,
    /// Who set it.
    pub set_by: Option<UserId>,
}

/// A repository's place in the list: by name under [`fold`](crate::fold), then id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryCursor {
    /// The folded name.
    pub name: String,
    /// The id.
    pub id: RepositoryId,
}

impl Repository {
    /// Its place in the list.
    #[must_use]
    pub fn cursor(&self) -> RepositoryCursor {
        RepositoryCursor { name: crate::fold(&self.name), id: self.id }
    }
}

/// Queries about repositories.
#[async_trait]
pub trait RepositoryQueries: Send {
    /// One repository, deleted ones too.
    async fn find(&mut self, id: RepositoryId) -> Result<Option<Repository>, Error>;
    /// The repository of a name that is not deleted, compared under [`fold`](crate::fold).
    async fn named(&mut self, name: &str) -> Result<Option<Repository>, Error>;
    /// Repositories by name, without deleted ones. Within a scope: those that a host of it uses.
    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<RepositoryCursor>,
    ) -> Result<Page<Repository, RepositoryCursor>, Error>;
    /// The hosts that are a runner of any repository, each once.
    async fn runners(&mut self) -> Result<Vec<HostId>, Error>;
    /// The credentials of a repository, everyday before maintenance.
    async fn credentials(&mut self, id: RepositoryId) -> Result<Vec<Credential>, Error>;
    /// One credential.
    async fn credential(
        &mut self,
        id: RepositoryId,
        slot: CredentialSlot,
    ) -> Result<Option<Credential>, Error>;
    /// Whether any host ever saw the repository ready at a location, whatever became of that host.
    async fn was_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error>;
}

/// Changes to repositories. Deleted ones can't be changed: `NotFound`.
#[async_trait]
pub trait Repositories: RepositoryQueries {
    /// Adds a repository, at version 1. `Taken` when the name is in use.
    async fn add(&mut self, repository: &Repository) -> Result<(), Error>;
    /// Changes the settings; answers the new version. `Conflict` when the stored version is not `expected`,
    /// `Taken` when the name is in use.
    async fn configure(
        &mut self,
        id: RepositoryId,
        settings: &RepositorySettings,
        expected: i64,
    ) -> Result<i64, Error>;
    /// Names who does the upkeep, and how many jobs may use the repository at once; answers the new version.
    /// `Conflict` when the stored version is not `expected`.
    async fn appoint(
        &mut self,
        id: RepositoryId,
        runner: Option<HostId>,
        parallel: Option<u32>,
        expected: i64,
    ) -> Result<i64, Error>;
    /// Sets the encryption password. Counts as a change.
    async fn set_password(
        &mut self,
        id: RepositoryId,
        password: &SealedBlob,
        now: Timestamp,
    ) -> Result<(), Error>;
    /// Sets one transport credential. Counts as a change of its repository.
    async fn set_credential(&mut self, credential: &Credential) -> Result<(), Error>;
    /// Removes one; says whether there was one.
    async fn clear_credential(&mut self, id: RepositoryId, slot: CredentialSlot) -> Result<bool, Error>;
    /// Notes that the repository was seen ready at a location; says whether that is news.
    async fn note_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error>;
    /// Removes a repository from the list and wipes its secrets; its history stays. `InUse` while a host is attached.
    async fn delete(&mut self, id: RepositoryId, now: Timestamp) -> Result<(), Error>;
}
