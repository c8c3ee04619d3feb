use async_trait::async_trait;
use restic_manager_proto::{FreezeId, RepositoryId, SourceGroupId};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    freezes::{Freeze, FreezeQueries, Freezes},
};

columns! {
    Freeze of freezes, "freeze" { id, repository, source_group, cause, reason, created, created_by }
}

#[async_trait]
impl<C: Connection> FreezeQueries for Sql<C> {
    async fn find(&mut self, id: FreezeId) -> Result<Option<Freeze>, Error> {
        self.row(select!(Freeze: "WHERE id = $1"), values![id]).await
    }

    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Freeze>, Error> {
        let select = select!(Freeze: "WHERE repository = $1 ORDER BY created, id");
        self.rows(select, values![repository]).await
    }
}

#[async_trait]
impl<C: Connection> Freezes for Sql<C> {
    async fn add(&mut self, freeze: &Freeze) -> Result<bool, Error> {
        self.expect_live_repository(freeze.repository).await?;
        if let Some(group) = freeze.source_group {
            let sql = "SELECT id FROM source_groups WHERE id = $1 AND repository = $2";
            if !self.any(sql, values![group, freeze.repository]).await? {
                return Err(Error::new(ErrorKind::NotFound, "source group"));
            }
        }
        self.insert(freeze).await
    }

    async fn lift(&mut self, id: FreezeId) -> Result<bool, Error> {
        self.change("DELETE FROM freezes WHERE id = $1", values![id]).await
    }
}

impl<C: Connection> Sql<C> {
    /// A source group is in another repository now, and its freezes with it.
    pub(super) async fn move_freezes(
        &mut self,
        group: SourceGroupId,
        repository: RepositoryId,
    ) -> Result<(), Error> {
        let sql = "UPDATE freezes SET repository = $2 WHERE source_group = $1";
        self.execute(sql, values![group, repository]).await?;
        Ok(())
    }
}
