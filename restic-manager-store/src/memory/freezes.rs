use async_trait::async_trait;
use restic_manager_proto::{FreezeId, RepositoryId};
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error, ErrorKind,
    freezes::{Freeze, FreezeQueries, Freezes},
};

#[async_trait]
impl FreezeQueries for Tables {
    async fn find(&mut self, id: FreezeId) -> Result<Option<Freeze>, Error> {
        Ok(self.freezes.get(&id).cloned())
    }

    async fn of_repository(&mut self, repository: RepositoryId) -> Result<Vec<Freeze>, Error> {
        let of = |freeze: &&Freeze| freeze.repository == repository;
        let mut found: Vec<_> = self.freezes.values().filter(of).cloned().collect();
        found.sort_by_key(|freeze| (freeze.created, freeze.id));
        Ok(found)
    }
}

#[async_trait]
impl Freezes for Tables {
    async fn add(&mut self, freeze: &Freeze) -> Result<bool, Error> {
        self.live_repository(freeze.repository)?;
        if let Some(group) = freeze.source_group
            && self.sources.get(&group).is_none_or(|group| group.repository != freeze.repository)
        {
            return Err(Error::new(ErrorKind::NotFound, "source group"));
        }
        let is_there = self.freezes.values().any(|other| other.id == freeze.id || other.is_twin(freeze));
        if !is_there {
            Arc::make_mut(&mut self.freezes).insert(freeze.id, freeze.clone());
        }
        Ok(!is_there)
    }

    async fn lift(&mut self, id: FreezeId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.freezes).remove(&id).is_some())
    }
}
