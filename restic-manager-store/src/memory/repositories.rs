use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::CredentialSlot};
use std::sync::Arc;

use super::tables::{Tables, expect_version, remove, row};
use crate::{
    Error, ErrorKind, Page, PageRequest, SealedBlob, fold,
    repositories::{
        Credential, Repositories, Repository, RepositoryCursor, RepositoryQueries, RepositorySettings,
    },
    value::without_nul,
};

#[async_trait]
impl RepositoryQueries for Tables {
    async fn find(&mut self, id: RepositoryId) -> Result<Option<Repository>, Error> {
        Ok(self.repositories.get(&id).cloned())
    }

    async fn named(&mut self, name: &str) -> Result<Option<Repository>, Error> {
        let key = fold(name);
        Ok(self.live_repositories().find(|repository| fold(&repository.name) == key).cloned())
    }

    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<RepositoryCursor>,
    ) -> Result<Page<Repository, RepositoryCursor>, Error> {
        let is_seen = |repository: &&Repository| {
            seen_by.is_all() || self.repository_is_used_within(repository.id, seen_by)
        };
        let mut rows: Vec<_> = self.live_repositories().filter(is_seen).collect();
        rows.sort_by_key(|repository| repository.cursor());
        let past = |repository: &Repository, after: &RepositoryCursor| repository.cursor() > *after;
        Ok(super::tables::page(rows.into_iter(), &request, past, Repository::cursor))
    }

    async fn runners(&mut self) -> Result<Vec<HostId>, Error> {
        let runners: std::collections::BTreeSet<_> =
            self.live_repositories().filter_map(|repository| repository.runner).collect();
        Ok(runners.into_iter().collect())
    }

    async fn credentials(&mut self, id: RepositoryId) -> Result<Vec<Credential>, Error> {
        Ok(self.credentials.values().filter(|credential| credential.repository == id).cloned().collect())
    }

    async fn credential(
        &mut self,
        id: RepositoryId,
        slot: CredentialSlot,
    ) -> Result<Option<Credential>, Error> {
        Ok(self.credentials.get(&(id, slot)).cloned())
    }

    async fn was_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error> {
        Ok(self.repository_places.contains_key(&(id, without_nul(location))))
    }
}

#[async_trait]
impl Repositories for Tables {
    async fn add(&mut self, repository: &Repository) -> Result<(), Error> {
        self.expect_free_repository_name(repository.id, &repository.name)?;
        if self.repositories.contains_key(&repository.id) {
            return Err(Error::new(ErrorKind::Taken, "repository"));
        }
        let row = Repository { version: 1, deleted: None, ..repository.clone() };
        Arc::make_mut(&mut self.repositories).insert(repository.id, row);
        Ok(())
    }

    async fn configure(
        &mut self,
        id: RepositoryId,
        settings: &RepositorySettings,
        expected: i64,
    ) -> Result<i64, Error> {
        expect_version(self.live_repository(id)?.version, expected, "repository")?;
        self.expect_free_repository_name(id, &settings.name)?;
        let repository = self.live_repository(id)?;
        repository.name.clone_from(&settings.name);
        repository.location.clone_from(&settings.location);
        repository.backend.clone_from(&settings.backend);
        repository.version += 1;
        Ok(repository.version)
    }

    async fn appoint(
        &mut self,
        id: RepositoryId,
        runner: Option<HostId>,
        parallel: Option<u32>,
        expected: i64,
    ) -> Result<i64, Error> {
        let repository = self.live_repository(id)?;
        expect_version(repository.version, expected, "repository")?;
        (repository.runner, repository.parallel) = (runner, parallel);
        repository.version += 1;
        Ok(repository.version)
    }

    async fn set_password(
        &mut self,
        id: RepositoryId,
        password: &SealedBlob,
        now: Timestamp,
    ) -> Result<(), Error> {
        let repository = self.live_repository(id)?;
        repository.password = Some(password.clone());
        repository.password_set = Some(now);
        repository.version += 1;
        Ok(())
    }

    async fn set_credential(&mut self, credential: &Credential) -> Result<(), Error> {
        self.live_repository(credential.repository)?.version += 1;
        let key = (credential.repository, credential.slot);
        Arc::make_mut(&mut self.credentials).insert(key, credential.clone());
        Ok(())
    }

    async fn clear_credential(&mut self, id: RepositoryId, slot: CredentialSlot) -> Result<bool, Error> {
        self.live_repository(id)?;
        let removed = Arc::make_mut(&mut self.credentials).remove(&(id, slot)).is_some();
        if removed {
            self.live_repository(id)?.version += 1;
        }
        Ok(removed)
    }

    async fn note_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error> {
        self.live_repository(id)?;
        let place = (id, without_nul(location));
        Ok(Arc::make_mut(&mut self.repository_places).insert(place, ()).is_none())
    }

    async fn delete(&mut self, id: RepositoryId, now: Timestamp) -> Result<(), Error> {
        let attached = self.attachments.keys().any(|(_, repository)| *repository == id);
        let repository = self.live_repository(id)?;
        if attached {
            return Err(Error::new(ErrorKind::InUse, "repository"));
        }
        repository.deleted = Some(now);
        repository.password = None;
        repository.password_set = None;
        repository.runner = None;
        remove(&mut self.credentials, |credential| credential.repository == id);
        Arc::make_mut(&mut self.repository_places).retain(|(repository, _), _| *repository != id);
        remove(&mut self.upkeep, |duty| duty.repository == id);
        remove(&mut self.deletion_tests, |test| test.repository == id);
        remove(&mut self.measurements, |measurement| measurement.repository == id);
        Ok(())
    }
}

impl Tables {
    fn live_repositories(&self) -> impl Iterator<Item = &Repository> {
        self.repositories.values().filter(|repository| repository.deleted.is_none())
    }

    pub(super) fn live_repository(&mut self, id: RepositoryId) -> Result<&mut Repository, Error> {
        match row(&mut self.repositories, &id, "repository") {
            Ok(repository) if repository.deleted.is_none() => Ok(repository),
            _ => Err(Error::new(ErrorKind::NotFound, "repository")),
        }
    }

    fn expect_free_repository_name(&self, id: RepositoryId, name: &str) -> Result<(), Error> {
        let key = fold(name);
        if self.live_repositories().any(|other| other.id != id && fold(&other.name) == key) {
            return Err(Error::new(ErrorKind::Taken, "repository name"));
        }
        Ok(())
    }
}
