use async_trait::async_trait;
use restic_manager_proto::{HostId, SourceGroupId};

use super::{
    Connection, Sql, Value,
    record::{Columns, Part, columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    hooks::{HookChanges, HookOwner, HookQueries, Hooks},
};

columns! {
    Hooks of hooks, "hooks", key "kind, owner" { owner: "", sealed, set = set_at, set_by, version }
}

#[async_trait]
impl<C: Connection> HookQueries for Sql<C> {
    async fn find(&mut self, owner: HookOwner) -> Result<Option<Hooks>, Error> {
        let select = select!(Hooks: "WHERE kind = $1 AND owner = $2");
        self.row(select, values![kind(owner), owner.as_bytes()]).await
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
        self.upsert(&Hooks { version: expected + 1, ..hooks.clone() }).await?;
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

const HOST: &str = "host";
const SOURCE_GROUP: &str = "source-group";

/// Which of the two an owner is, in a word.
const fn kind(owner: HookOwner) -> &'static str {
    match owner {
        HookOwner::Host(_) => HOST,
        HookOwner::SourceGroup(_) => SOURCE_GROUP,
    }
}

impl Part for HookOwner {
    fn names(_: &str, names: &mut Vec<String>) {
        names.extend(["kind", "owner"].map(str::to_owned));
    }

    fn read(columns: &Columns<'_>, _: &str) -> Result<Self, Error> {
        let id: [u8; 16] = columns.get("owner")?;
        match columns.get::<String>("kind")?.as_str() {
            HOST => Ok(Self::Host(HostId::from_bytes(id))),
            SOURCE_GROUP => Ok(Self::SourceGroup(SourceGroupId::from_bytes(id))),
            _ => Err(Error::new(ErrorKind::Corrupt, "kind of an owner of hooks")),
        }
    }

    fn values(owner: Option<&Self>, values: &mut Vec<Value>) {
        values.extend(values![owner.map(|owner| kind(*owner)), owner.map(|owner| *owner.as_bytes())]);
    }
}
