use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::CredentialSlot};

use super::{
    Connection, Sql,
    record::{columns, select},
    transaction::lost,
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error, ErrorKind, Page, PageRequest, SealedBlob, fold,
    repositories::{
        Credential, Repositories, Repository, RepositoryCursor, RepositoryQueries, RepositorySettings,
    },
};

columns! {
    Repository of repositories, "repository" {
        id, name, location, backend, password, password_set, runner, parallel, created, version, deleted,
    }
    and |row| { name_key: fold(&row.name) }
}

columns! {
    Credential of repository_credentials, "credential", key "repository, slot" {
        repository, slot, sealed, set = set_at, set_by,
    }
}

#[async_trait]
impl<C: Connection> RepositoryQueries for Sql<C> {
    async fn find(&mut self, id: RepositoryId) -> Result<Option<Repository>, Error> {
        self.row(select!(Repository: "WHERE id = $1"), values![id]).await
    }

    async fn named(&mut self, name: &str) -> Result<Option<Repository>, Error> {
        let sql = select!(Repository: "WHERE name_key = $1 AND deleted IS NULL");
        self.row(sql, values![fold(name)]).await
    }

    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<RepositoryCursor>,
    ) -> Result<Page<Repository, RepositoryCursor>, Error> {
        let start = RepositoryCursor { name: String::new(), id: RepositoryId::from_bytes([0; 16]) };
        let after = request.after.unwrap_or(start);
        let sql = select!(
        Repository:
                    "WHERE deleted IS NULL AND (name_key, id) > ($1, $2) AND ($9 OR EXISTS (SELECT 1 FROM attachments \
                     WHERE attachments.repository = repositories.id AND ",
                    is_within!("attachments.host"),
                    ")) ORDER BY name_key, id LIMIT $3"
                );
        let values = scoped(values![after.name, after.id, request.limit + 1], seen_by);
        let repositories = self.rows(sql, values).await?;
        Ok(Page::from_overfull(repositories, request.limit, Repository::cursor))
    }

    async fn runners(&mut self) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT DISTINCT runner FROM repositories WHERE runner IS NOT NULL AND deleted IS NULL ORDER BY runner";
        self.column(sql, Vec::new(), "runner").await
    }

    async fn credentials(&mut self, id: RepositoryId) -> Result<Vec<Credential>, Error> {
        self.rows(select!(Credential: "WHERE repository = $1 ORDER BY slot"), values![id]).await
    }

    async fn credential(
        &mut self,
        id: RepositoryId,
        slot: CredentialSlot,
    ) -> Result<Option<Credential>, Error> {
        self.row(select!(Credential: "WHERE repository = $1 AND slot = $2"), values![id, slot]).await
    }

    async fn was_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error> {
        let sql = "SELECT location FROM repository_places WHERE repository = $1 AND location = $2";
        self.any(sql, values![id, location]).await
    }
}

#[async_trait]
impl<C: Connection> Repositories for Sql<C> {
    async fn add(&mut self, repository: &Repository) -> Result<(), Error> {
        self.expect_free_repository_name(repository.id, &repository.name).await?;
        let new = Repository { version: 1, deleted: None, ..repository.clone() };
        if self.insert(&new).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "repository")) }
    }

    async fn configure(
        &mut self,
        id: RepositoryId,
        settings: &RepositorySettings,
        expected: i64,
    ) -> Result<i64, Error> {
        let sql = "SELECT version FROM repositories WHERE id = $1 AND deleted IS NULL";
        let stored = self.version(sql, values![id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "repository"));
        }
        self.expect_free_repository_name(id, &settings.name).await?;
        let sql = "UPDATE repositories SET name = $2, name_key = $3, location = $4, backend = $5, \
                   version = version + 1 WHERE id = $1";
        let key = fold(&settings.name);
        self.execute(sql, values![id, settings.name, key, settings.location, settings.backend]).await?;
        Ok(expected + 1)
    }

    async fn appoint(
        &mut self,
        id: RepositoryId,
        runner: Option<HostId>,
        parallel: Option<u32>,
        expected: i64,
    ) -> Result<i64, Error> {
        let sql = "SELECT version FROM repositories WHERE id = $1 AND deleted IS NULL";
        let stored = self.version(sql, values![id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "repository"));
        }
        let sql = "UPDATE repositories SET runner = $2, parallel = $3, version = version + 1 WHERE id = $1";
        self.execute(sql, values![id, runner, parallel]).await?;
        Ok(expected + 1)
    }

    async fn set_password(
        &mut self,
        id: RepositoryId,
        password: &SealedBlob,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "UPDATE repositories SET password = $2, password_set = $3, version = version + 1 \
                   WHERE id = $1 AND deleted IS NULL";
        self.expect((sql, values![id, password, now]), Error::new(ErrorKind::NotFound, "repository")).await
    }

    async fn set_credential(&mut self, credential: &Credential) -> Result<(), Error> {
        self.expect_live_repository(credential.repository).await?;
        self.bump_repository(credential.repository).await?;
        self.upsert(credential).await
    }

    async fn clear_credential(&mut self, id: RepositoryId, slot: CredentialSlot) -> Result<bool, Error> {
        self.expect_live_repository(id).await?;
        let sql = "DELETE FROM repository_credentials WHERE repository = $1 AND slot = $2";
        let removed = self.change(sql, values![id, slot]).await?;
        if removed {
            self.bump_repository(id).await?;
        }
        Ok(removed)
    }

    async fn note_ready(&mut self, id: RepositoryId, location: &str) -> Result<bool, Error> {
        self.expect_live_repository(id).await?;
        let sql =
            "INSERT INTO repository_places (repository, location) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        self.change(sql, values![id, location]).await
    }

    async fn delete(&mut self, id: RepositoryId, now: Timestamp) -> Result<(), Error> {
        self.expect_live_repository(id).await?;
        if self.any("SELECT host FROM attachments WHERE repository = $1 LIMIT 1", values![id]).await? {
            return Err(Error::new(ErrorKind::InUse, "repository"));
        }
        let sql = "UPDATE repositories SET deleted = $2, password = NULL, password_set = NULL, runner = NULL WHERE id = $1";
        self.execute(sql, values![id, now]).await?;
        self.execute("DELETE FROM repository_credentials WHERE repository = $1", values![id]).await?;
        self.execute("DELETE FROM repository_places WHERE repository = $1", values![id]).await?;
        self.execute("DELETE FROM upkeep WHERE repository = $1", values![id]).await?;
        self.execute("DELETE FROM deletion_tests WHERE repository = $1", values![id]).await?;
        self.execute("DELETE FROM measurements WHERE repository = $1", values![id]).await?;
        Ok(())
    }
}

impl<C: Connection> Sql<C> {
    pub(super) async fn expect_live_repository(&mut self, id: RepositoryId) -> Result<(), Error> {
        if self.any("SELECT id FROM repositories WHERE id = $1 AND deleted IS NULL", values![id]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "repository"))
        }
    }

    async fn bump_repository(&mut self, id: RepositoryId) -> Result<(), Error> {
        self.execute("UPDATE repositories SET version = version + 1 WHERE id = $1", values![id]).await?;
        Ok(())
    }

    async fn expect_free_repository_name(&mut self, id: RepositoryId, name: &str) -> Result<(), Error> {
        let sql = "SELECT id FROM repositories WHERE name_key = $1 AND id <> $2 AND deleted IS NULL";
        if self.any(sql, values![fold(name), id]).await? {
            return Err(Error::new(ErrorKind::Taken, "repository name"));
        }
        Ok(())
    }
}
