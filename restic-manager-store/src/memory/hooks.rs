use async_trait::async_trait;
use std::sync::Arc;

use super::tables::{Tables, expect_version};
use crate::{
    Error, ErrorKind,
    hooks::{HookChanges, HookOwner, HookQueries, Hooks},
};

#[async_trait]
impl HookQueries for Tables {
    async fn find(&mut self, owner: HookOwner) -> Result<Option<Hooks>, Error> {
        Ok(self.hooks.get(&owner).cloned())
    }
}

#[async_trait]
impl HookChanges for Tables {
    async fn set(&mut self, hooks: &Hooks, expected: i64) -> Result<i64, Error> {
        let host = match hooks.owner {
            HookOwner::Host(host) => Some(host),
            HookOwner::SourceGroup(group) => self.sources.get(&group).map(|group| group.host),
        };
        let host = host.ok_or(Error::new(ErrorKind::NotFound, "owner of hooks"))?;
        self.live_host(host)?;
        let stored = self.hooks.get(&hooks.owner).map_or(0, |stored| stored.version);
        expect_version(stored, expected, "hooks")?;
        let row = Hooks { version: expected + 1, ..hooks.clone() };
        Arc::make_mut(&mut self.hooks).insert(hooks.owner, row);
        Ok(expected + 1)
    }

    async fn remove(&mut self, owner: HookOwner) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.hooks).remove(&owner).is_some())
    }
}
