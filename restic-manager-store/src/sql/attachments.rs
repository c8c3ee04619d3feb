use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, Scope, Timestamp, vocabulary::RepositoryState};

use super::{
    Connection, Sql,
    record::{columns, select},
    transaction::lost,
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error, ErrorKind,
    attachments::{Attachment, AttachmentQueries, Attachments},
};

columns! {
    Attachment of attachments, "attachment" {
        host, repository, location, state, detail, checked, needs_check, listed, snapshots, newest, version,
    }
}

#[async_trait]
impl<C: Connection> AttachmentQueries for Sql<C> {
    async fn find(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Attachment>, Error> {
        let sql = select!(Attachment: "WHERE host = $1 AND repository = $2");
        self.row(sql, values![host, repository]).await
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<Attachment>, Error> {
        self.rows(select!(Attachment: "WHERE host = $1 ORDER BY repository"), values![host]).await
    }

    async fn of_repository(
        &mut self,
        repository: RepositoryId,
        seen_by: &Scope,
    ) -> Result<Vec<Attachment>, Error> {
        let sql = select!(Attachment: "WHERE repository = $1 AND ", is_within!("attachments.host"), " ORDER BY host");
        self.rows(sql, scoped(values![repository], seen_by)).await
    }

    async fn any_in_state(
        &mut self,
        repository: RepositoryId,
        state: RepositoryState,
    ) -> Result<bool, Error> {
        let sql = "SELECT host FROM attachments WHERE repository = $1 AND state = $2 AND EXISTS \
                   (SELECT 1 FROM hosts WHERE id = attachments.host AND deleted IS NULL) LIMIT 1";
        self.any(sql, values![repository, state]).await
    }

    async fn any_within(&mut self, repository: RepositoryId, scope: &Scope) -> Result<bool, Error> {
        let sql = concat!(
            "SELECT host FROM attachments WHERE repository = $1 AND ",
            is_within!("attachments.host"),
            " LIMIT 1"
        );
        self.any(sql, scoped(values![repository], scope)).await
    }
}

#[async_trait]
impl<C: Connection> Attachments for Sql<C> {
    async fn attach(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
    ) -> Result<(), Error> {
        self.expect_live_host(host).await?;
        self.expect_live_repository(repository).await?;
        let sql = "INSERT INTO attachments (host, repository, location, state, needs_check, snapshots, version) \
                   VALUES ($1, $2, $3, $4, $5, 0, 1) ON CONFLICT DO NOTHING";
        let values = values![host, repository, location, RepositoryState::Unverified, true];
        self.expect((sql, values), Error::new(ErrorKind::Taken, "attachment")).await
    }

    async fn relocate(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        location: Option<&str>,
        expected: i64,
    ) -> Result<i64, Error> {
        let sql = "UPDATE attachments SET location = $3, needs_check = $4, version = version + 1 \
                   WHERE host = $1 AND repository = $2 AND version = $5";
        if self.change(sql, values![host, repository, location, true, expected]).await? {
            return Ok(expected + 1);
        }
        let sql = "SELECT version FROM attachments WHERE host = $1 AND repository = $2";
        let stored = self.version(sql, values![host, repository]).await?;
        Err(lost(stored, "attachment"))
    }

    async fn record_check(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let sql = "UPDATE attachments SET state = $3, detail = $4, checked = $5, needs_check = $6 \
                   WHERE host = $1 AND repository = $2";
        self.expect(
            (sql, values![host, repository, state, detail, now, false]),
            Error::new(ErrorKind::NotFound, "attachment"),
        )
        .await
    }

    async fn note_state(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        state: RepositoryState,
        detail: Option<&str>,
    ) -> Result<(), Error> {
        let sql = "UPDATE attachments SET state = $3, detail = $4 WHERE host = $1 AND repository = $2";
        let values = values![host, repository, state, detail];
        self.expect((sql, values), Error::new(ErrorKind::NotFound, "attachment")).await
    }

    async fn request_checks(&mut self, repository: RepositoryId) -> Result<u64, Error> {
        let sql = "UPDATE attachments SET needs_check = $2 WHERE repository = $1";
        self.execute(sql, values![repository, true]).await
    }

    async fn detach(&mut self, host: HostId, repository: RepositoryId) -> Result<(), Error> {
        let sql = "SELECT version FROM attachments WHERE host = $1 AND repository = $2";
        if self.version(sql, values![host, repository]).await?.is_none() {
            return Err(Error::new(ErrorKind::NotFound, "attachment"));
        }
        let sql = "SELECT id FROM source_groups WHERE host = $1 AND repository = $2 LIMIT 1";
        if self.any(sql, values![host, repository]).await? {
            return Err(Error::new(ErrorKind::InUse, "attachment"));
        }
        let sql = "SELECT id FROM repositories WHERE id = $2 AND runner = $1";
        if self.any(sql, values![host, repository]).await? {
            return Err(Error::new(ErrorKind::InUse, "attachment of a runner"));
        }
        let sql = "DELETE FROM attachments WHERE host = $1 AND repository = $2";
        self.execute(sql, values![host, repository]).await?;
        self.refresh_snapshot_facts(host).await
    }
}
