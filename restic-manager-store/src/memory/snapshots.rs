use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SnapshotSeen, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::tables::{Tables, page, remove, row};
use crate::{
    Error, Page, PageRequest,
    snapshots::{
        ListingChange, Snapshot, SnapshotCursor, SnapshotQueries, SnapshotScope, Snapshots, only_tag,
    },
};

#[async_trait]
impl SnapshotQueries for Tables {
    async fn find(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        id: &str,
    ) -> Result<Option<Snapshot>, Error> {
        Ok(self.snapshots.get(&(host, repository, id.to_owned())).cloned())
    }

    async fn newest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error> {
        let mine = |snapshot: &&Snapshot| {
            snapshot.host == host
                && snapshot.repository == repository
                && only_tag(&snapshot.seen) == Some(tag)
                && snapshot.counts()
        };
        Ok(self.snapshots.values().filter(mine).max_by_key(|snapshot| snapshot.cursor()).cloned())
    }

    async fn ids(&mut self, host: HostId, repository: RepositoryId) -> Result<Vec<String>, Error> {
        let mine = |snapshot: &&Snapshot| snapshot.host == host && snapshot.repository == repository;
        Ok(self.snapshots.values().filter(mine).map(|snapshot| snapshot.seen.id.clone()).collect())
    }

    async fn oldest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error> {
        let mine = |snapshot: &&Snapshot| {
            snapshot.host == host
                && snapshot.repository == repository
                && only_tag(&snapshot.seen) == Some(tag)
        };
        Ok(self.snapshots.values().filter(mine).min_by_key(|snapshot| snapshot.cursor()).cloned())
    }

    async fn newest(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Snapshot>, Error> {
        let mine = |snapshot: &&Snapshot| {
            snapshot.host == host && snapshot.repository == repository && snapshot.counts()
        };
        Ok(self.snapshots.values().filter(mine).max_by_key(|snapshot| snapshot.cursor()).cloned())
    }

    async fn uncounted(&mut self, host: HostId, limit: usize) -> Result<Vec<Snapshot>, Error> {
        let mine = |snapshot: &&Snapshot| snapshot.host == host && !snapshot.counts();
        let mut found: Vec<_> = self.snapshots.values().filter(mine).cloned().collect();
        found.sort_by_cached_key(|snapshot| std::cmp::Reverse(snapshot.cursor()));
        found.truncate(limit);
        Ok(found)
    }

    async fn page(
        &mut self,
        scope: SnapshotScope,
        request: PageRequest<SnapshotCursor>,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error> {
        let shown = |snapshot: &&Snapshot| match scope {
            SnapshotScope::Host(host) => snapshot.host == host,
            SnapshotScope::HostRepository(host, repository) => {
                snapshot.host == host && snapshot.repository == repository
            }
        };
        let mut rows: Vec<_> = self.snapshots.values().filter(shown).collect();
        rows.sort_by_cached_key(|snapshot| std::cmp::Reverse(snapshot.cursor()));
        let past = |snapshot: &Snapshot, after: &SnapshotCursor| snapshot.cursor() < *after;
        Ok(page(rows.into_iter(), &request, past, Snapshot::cursor))
    }
}

#[async_trait]
impl Snapshots for Tables {
    async fn add_listed(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        snapshots: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<u64, Error> {
        row(&mut self.attachments, &(host, repository), "attachment")?;
        let mut added = 0;
        for snapshot in snapshots {
            let key = (host, repository, snapshot.id.clone());
            Arc::make_mut(&mut self.snapshots).entry(key).or_insert_with(|| {
                added += 1;
                Snapshot { host, repository, seen: snapshot.clone(), first_seen: now }
            });
        }
        row(&mut self.attachments, &(host, repository), "attachment")?.snapshots += added;
        self.refresh_snapshot_facts(host);
        Ok(added)
    }

    async fn record_listing(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        listing: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<ListingChange, Error> {
        row(&mut self.attachments, &(host, repository), "attachment")?;
        let listed: BTreeSet<&str> = listing.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let removed = remove(&mut self.snapshots, |snapshot| {
            snapshot.host == host
                && snapshot.repository == repository
                && !listed.contains(snapshot.seen.id.as_str())
        });
        let added = self.add_listed(host, repository, listing, now).await?;
        let attachment = row(&mut self.attachments, &(host, repository), "attachment")?;
        attachment.listed = Some(now);
        attachment.snapshots = listed.len() as u64;
        self.refresh_snapshot_facts(host);
        Ok(ListingChange { added, removed })
    }

    async fn forget(&mut self, host: HostId, repository: RepositoryId, ids: &[String]) -> Result<u64, Error> {
        let removed = remove(&mut self.snapshots, |snapshot| {
            snapshot.host == host && snapshot.repository == repository && ids.contains(&snapshot.seen.id)
        });
        if removed > 0 {
            row(&mut self.attachments, &(host, repository), "attachment")?.snapshots -= removed;
            self.refresh_snapshot_facts(host);
        }
        Ok(removed)
    }
}

impl Tables {
    pub(super) fn refresh_snapshot_facts(&mut self, id: HostId) {
        let mine = || self.snapshots.values().filter(|snapshot| snapshot.host == id);
        let counted = mine().filter(|snapshot| snapshot.counts());
        let (snapshots, newest) = (mine().count() as u64, counted.map(|snapshot| snapshot.seen.time).max());
        if let Some(host) = Arc::make_mut(&mut self.hosts).get_mut(&id) {
            host.snapshots = snapshots;
            host.last_snapshot = newest;
        }
        let counted = self.snapshots.values().filter(|snapshot| snapshot.host == id && snapshot.counts());
        let mut newest = BTreeMap::new();
        for snapshot in counted {
            let time = newest.entry(snapshot.repository).or_insert(snapshot.seen.time);
            *time = snapshot.seen.time.max(*time);
        }
        for attachment in Arc::make_mut(&mut self.attachments).values_mut().filter(|one| one.host == id) {
            attachment.newest = newest.get(&attachment.repository).copied();
        }
    }
}
