use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SourceGroupId, Timestamp};
use std::sync::Arc;

use super::tables::{Tables, expect_version, remove, row};
use crate::{
    Error, ErrorKind, fold,
    hooks::HookOwner,
    sources::{SourceGroup, SourceGroupQueries, SourceGroups},
};

#[async_trait]
impl SourceGroupQueries for Tables {
    async fn find(&mut self, id: SourceGroupId) -> Result<Option<SourceGroup>, Error> {
        Ok(self.sources.get(&id).cloned())
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<SourceGroup>, Error> {
        let mut groups: Vec<_> = self.sources.values().filter(|group| group.host == host).cloned().collect();
        groups.sort_by_cached_key(|group| fold(&group.name));
        Ok(groups)
    }

    async fn reads_since(&mut self, id: SourceGroupId) -> Result<Timestamp, Error> {
        let since = self.sources_read_since.get(&id).filter(|_| self.sources.contains_key(&id));
        Ok(since.copied().unwrap_or(Timestamp::from_milliseconds(0)))
    }

    async fn with_retention_in(&mut self, repository: RepositoryId) -> Result<Vec<SourceGroup>, Error> {
        let kept_by_rule =
            |group: &&SourceGroup| group.repository == repository && !group.retention.is_empty();
        Ok(self.sources.values().filter(kept_by_rule).cloned().collect())
    }
}

#[async_trait]
impl SourceGroups for Tables {
    async fn add(&mut self, group: &SourceGroup) -> Result<(), Error> {
        self.expect_fitting(group)?;
        if self.sources.contains_key(&group.id) {
            return Err(Error::new(ErrorKind::Taken, "source group"));
        }
        Arc::make_mut(&mut self.sources_read_since).remove(&group.id);
        Arc::make_mut(&mut self.sources)
            .insert(group.id, SourceGroup { last_backup: None, version: 1, ..group.clone() });
        Ok(())
    }

    async fn note_reads(&mut self, id: SourceGroupId, now: Timestamp) -> Result<(), Error> {
        if self.sources.contains_key(&id) {
            Arc::make_mut(&mut self.sources_read_since).insert(id, now);
        }
        Ok(())
    }

    async fn update(&mut self, group: &SourceGroup, expected: i64) -> Result<i64, Error> {
        let stored = row(&mut self.sources, &group.id, "source group")?;
        expect_version(stored.version, expected, "source group")?;
        let changed = SourceGroup {
            host: stored.host,
            last_backup: stored.last_backup.clone(),
            created: stored.created,
            version: stored.version + 1,
            ..group.clone()
        };
        self.expect_fitting(&changed)?;
        for freeze in Arc::make_mut(&mut self.freezes).values_mut() {
            if freeze.source_group == Some(group.id) {
                freeze.repository = changed.repository;
            }
        }
        *row(&mut self.sources, &group.id, "source group")? = changed;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: SourceGroupId) -> Result<(), Error> {
        row(&mut self.sources, &id, "source group")?;
        if self.schedules.values().any(|schedule| schedule.groups.contains(&id)) {
            return Err(Error::new(ErrorKind::InUse, "source group"));
        }
        Arc::make_mut(&mut self.sources).remove(&id);
        Arc::make_mut(&mut self.hooks).remove(&HookOwner::SourceGroup(id));
        remove(&mut self.freezes, |freeze| freeze.source_group == Some(id));
        Ok(())
    }
}

impl Tables {
    fn expect_fitting(&self, group: &SourceGroup) -> Result<(), Error> {
        if !self.attachments.contains_key(&(group.host, group.repository)) {
            return Err(Error::new(ErrorKind::NotFound, "attachment"));
        }
        let key = fold(&group.name);
        let same = |other: &SourceGroup| {
            other.id != group.id && other.host == group.host && fold(&other.name) == key
        };
        if self.sources.values().any(same) {
            return Err(Error::new(ErrorKind::Taken, "source group name"));
        }
        Ok(())
    }
}
