use async_trait::async_trait;

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind,
    hooks::{HookChanges, HookOwner, HookQueries, Hooks},
};

#[async_trait]
impl<C: Connection> HookQueries for Sql<C> {
    async fn find(&mut self, owner: HookOwner) -> Result<Option<Hooks>, Error> {
        let sql = "SELECT sealed, set_at, set_by, version FROM hooks WHERE kind = $1 AND owner = $2";
        let read = |columns: &mut Columns<'_>| {
            Ok(Hooks {
                owner,
                sealed: columns.next()?,
                set: columns.next()?,
                set_by: columns.next()?,
                version: columns.next()?,
            })
        };
        self.row(sql, values![kind(owner), owner.as_bytes()], "hooks", read).await
    }
}

#[async_trait]
impl<C: Connection> HookChanges for Sql<C> {
    async fn set(&mut self, hooks: &Hooks, expected: i64) -> Result<i64, Error> {
        self.expect_hook_owner(hooks.owner).await?;
        let stored = HookQueries::find(self, hooks.owner).await?.map_or(0, |stored| stored.version);
        if stored != expected {
            return Err(Error::new(ErrorKind::Conflict, "hooks"));
        }
        let sql = "INSERT INTO hooks (kind, owner, sealed, set_at, set_by, version) VALUES ($1, $2, $3, $4, $5, $6) \
                   ON CONFLICT (kind, owner) DO UPDATE SET sealed = excluded.sealed, set_at = excluded.set_at, \
                   set_by = excluded.set_by, version = excluded.version";
        let Hooks { owner, sealed, set, set_by, .. } = hooks;
        let values = values![kind(*owner), owner.as_bytes(), sealed, set, set_by, expected + 1];
        self.execute(sql, values).await?;
        Ok(expected + 1)
    }

    async fn remove(&mut self, owner: HookOwner) -> Result<bool, Error> {
        let sql = "DELETE FROM hooks WHERE kind = $1 AND owner = $2";
        self.change(sql, values![kind(owner), owner.as_bytes()]).await
    }
}

impl<C: Connection> Sql<C> {
    async fn expect_hook_owner(&mut self, owner: HookOwner) -> Result<(), Error> {
        let sql = match owner {
            HookOwner::Host(_) => "SELECT id FROM hosts WHERE id = $1 AND deleted IS NULL",
            HookOwner::SourceGroup(_) => {
                "SELECT source_groups.id FROM source_groups JOIN hosts ON hosts.id = source_groups.host \
                 WHERE source_groups.id = $1 AND hosts.deleted IS NULL"
            }
        };
        if self.any(sql, values![owner.as_bytes()]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "owner of hooks"))
        }
    }
}

/// Which of the two an owner is, in a word.
const fn kind(owner: HookOwner) -> &'static str {
    match owner {
        HookOwner::Host(_) => "host",
        HookOwner::SourceGroup(_) => "source-group",
    }
}
