use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::CredentialSlot};

use super::{
    Connection, Sql,
    transaction::lost,
    value::{Columns, values},
    within::{is_within, scoped},
};
use crate::{
    Error, ErrorKind, Page, PageRequest, SealedBlob, fold,
    repositories::{
        Credential, Repositories, Repository, RepositoryCursor, RepositoryQueries, RepositorySettings,
    },
};

macro_rules! select {
    ($($rest:tt)*) => {
        concat!(
            "SELECT id, name, location, backend, password, password_set, runner, parallel, created, version, deleted \
             FROM repositories ",
            $($rest)*
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<Repository, Error> {
    Ok(Repository {
        id: columns.next()?,
        name: columns.next()?,
        location: columns.next()?,
        backend: columns.next()?,
        password: columns.next()?,
        password_set: columns.next()?,
        runner: columns.next()?,
        parallel: columns.next()?,
        created: columns.next()?,
        version: columns.next()?,
        deleted: columns.next()?,
    })
}

fn read_credential(columns: &mut Columns<'_>) -> Result<Credential, Error> {
    Ok(Credential {
        repository: columns.next()?,
        slot: columns.next()?,
        sealed: columns.next()?,
        set: columns.next()?,
        set_by: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> RepositoryQueries for Sql<C> {
    async fn find(&mut self, id: RepositoryId) -> Result<Option<Repository>, Error> {
        self.row(select!("WHERE id = $1"), values![id], "repository", read).await
    }

    async fn named(&mut self, name: &str) -> Result<Option<Repository>, Error> {
        let sql = select!("WHERE name_key = $1 AND deleted IS NULL");
        self.row(sql, values![fold(name)], "repository", read).await
    }

    async fn page(
        &mut self,
        seen_by: &Scope,
        request: PageRequest<RepositoryCursor>,
    ) -> Result<Page<Repository, RepositoryCursor>, Error> {
        let start = RepositoryCursor { name: String::new(), id: RepositoryId::from_bytes([0; 16]) };
        let after = request.after.unwrap_or(start);
        let sql = select!(
            "WHERE deleted IS NULL AND (name_key, id) > ($1, $2) AND ($9 OR EXISTS (SELECT 1 FROM attachments \
             WHERE attachments.repository = repositories.id AND ",
            is_within!("attachments.host"),
            ")) ORDER BY name_key, id LIMIT $3"
        );
        let values = scoped(values![after.name, after.id, request.limit + 1], seen_by);
        let repositories = self.rows(sql, values, "repository", read).await?;
        Ok(Page::from_overfull(repositories, request.limit, Repository::cursor))
    }

    async fn runners(&mut self) -> Result<Vec<HostId>, Error> {
        let sql = "SELECT DISTINCT runner FROM repositories WHERE runner IS NOT NULL AND deleted IS NULL ORDER BY runner";
        self.rows(sql, Vec::new(), "runner", |columns| columns.next()).await
    }

    async fn credentials(&mut self, id: RepositoryId) -> Result<Vec<Credential>, Error> {
        let sql = "SELECT repository, slot, sealed, set_at, set_by FROM repository_credentials \
                   WHERE repository = $1 ORDER BY slot";
        self.rows(sql, values![id], "credential", read_credential).await
    }

    async fn credential(
        &mut self,
        id: RepositoryId,
        slot: CredentialSlot,
    ) -> Result<Option<Credential>, Error> {
        let sql = "SELECT repository, slot, sealed, set_at, set_by FROM repository_credentials \
                   WHERE repository = $1 AND slot = $2";
        self.row(sql, values![id, slot], "credential", read_credential).await
    }
}

#[async_trait]
impl<C: Connection> Repositories for Sql<C> {
    async fn add(&mut self, repository: &Repository) -> Result<(), Error> {
        self.expect_free_repository_name(repository.id, &repository.name).await?;
        let sql = "INSERT INTO repositories (id, name, name_key, location, backend, password, password_set, created, \
                   runner, parallel, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1) ON CONFLICT DO NOTHING";
        let values = values![
            repository.id,
            repository.name,
            fold(&repository.name),
            repository.location,
            repository.backend,
            repository.password,
            repository.password_set,
            repository.created,
            repository.runner,
            repository.parallel
        ];
        if self.change(sql, values).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "repository")) }
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
        if self.change(sql, values![id, password, now]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "repository"))
        }
    }

    async fn set_credential(&mut self, credential: &Credential) -> Result<(), Error> {
        self.expect_live_repository(credential.repository).await?;
        self.bump_repository(credential.repository).await?;
        let sql = "INSERT INTO repository_credentials (repository, slot, sealed, set_at, set_by) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (repository, slot) DO UPDATE \
                   SET sealed = excluded.sealed, set_at = excluded.set_at, set_by = excluded.set_by";
        let Credential { repository, slot, sealed, set, set_by } = credential;
        self.execute(sql, values![repository, slot, sealed, set, set_by]).await?;
        Ok(())
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

    async fn delete(&mut self, id: RepositoryId, now: Timestamp) -> Result<(), Error> {
        self.expect_live_repository(id).await?;
        if self.any("SELECT host FROM attachments WHERE repository = $1 LIMIT 1", values![id]).await? {
            return Err(Error::new(ErrorKind::InUse, "repository"));
        }
        let sql = "UPDATE repositories SET deleted = $2, password = NULL, password_set = NULL, runner = NULL WHERE id = $1";
        self.execute(sql, values![id, now]).await?;
        self.execute("DELETE FROM repository_credentials WHERE repository = $1", values![id]).await?;
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
