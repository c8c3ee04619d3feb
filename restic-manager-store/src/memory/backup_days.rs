use async_trait::async_trait;
use restic_manager_proto::{HostId, Scope};
use std::{collections::BTreeMap, sync::Arc};

use super::tables::Tables;
use crate::{
    Error,
    backup_days::{BackupDay, BackupDayQueries, BackupDays, Grown},
};

#[async_trait]
impl BackupDayQueries for Tables {
    async fn of_host(&mut self, host: HostId, since: i64) -> Result<Vec<BackupDay>, Error> {
        let of = self.backup_days.values().filter(|day| day.host == host && day.day >= since);
        Ok(of.copied().collect())
    }

    async fn most_grown(&mut self, scope: &Scope, since: i64, limit: usize) -> Result<Vec<Grown>, Error> {
        let mut grown = BTreeMap::new();
        for row in self.backup_days.values().filter(|row| row.day >= since && row.bytes_added > 0) {
            if scope.is_all() || self.hosts.get(&row.host).is_some_and(|host| host.is_within(scope)) {
                *grown.entry((row.host, row.source_group)).or_insert(0_u64) += row.bytes_added;
            }
        }
        let one = |((host, source_group), bytes_added)| Grown { host, source_group, bytes_added };
        let mut grown: Vec<Grown> = grown.into_iter().map(one).collect();
        grown.sort_by_key(|one| (core::cmp::Reverse(one.bytes_added), one.host, one.source_group));
        grown.truncate(limit);
        Ok(grown)
    }
}

#[async_trait]
impl BackupDays for Tables {
    async fn note(&mut self, run: &BackupDay) -> Result<(), Error> {
        let key = (run.host, run.day, run.source_group);
        let known = self.backup_days.get(&key).copied();
        Arc::make_mut(&mut self.backup_days).insert(key, known.map_or(*run, |known| known.and(run)));
        Ok(())
    }

    async fn purge(&mut self, before: i64, limit: usize) -> Result<u64, Error> {
        let old = self.backup_days.iter().filter(|(_, day)| day.day < before);
        let mut doomed: Vec<_> = old.map(|(key, day)| (day.day, *key)).collect();
        doomed.sort_unstable();
        doomed.truncate(limit);
        let rows = Arc::make_mut(&mut self.backup_days);
        for (_, key) in &doomed {
            rows.remove(key);
        }
        Ok(doomed.len() as u64)
    }
}
