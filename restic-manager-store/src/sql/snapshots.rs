use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SnapshotSeen, Timestamp};
use std::collections::BTreeSet;

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    snapshots::{
        ListingChange, Snapshot, SnapshotCursor, SnapshotQueries, SnapshotScope, Snapshots, only_tag,
    },
};

columns! {
    Snapshot of snapshots, "snapshot" { host, repository, seen, first_seen }
    and |row| { id: row.seen.id, time: row.seen.time, tag: only_tag(&row.seen), counted: row.counts() }
}

#[async_trait]
impl<C: Connection> SnapshotQueries for Sql<C> {
    async fn find(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        id: &str,
    ) -> Result<Option<Snapshot>, Error> {
        let sql = select!(Snapshot: "WHERE host = $1 AND repository = $2 AND id = $3");
        self.row(sql, values![host, repository, id]).await
    }

    async fn newest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error> {
        let sql = select!(Snapshot: "WHERE host = $1 AND repository = $2 AND tag = $3 AND counted ORDER BY time DESC, id DESC LIMIT 1");
        self.row(sql, values![host, repository, tag]).await
    }

    async fn ids(&mut self, host: HostId, repository: RepositoryId) -> Result<Vec<String>, Error> {
        let sql = "SELECT id FROM snapshots WHERE host = $1 AND repository = $2";
        self.column(sql, values![host, repository], "snapshot").await
    }

    async fn oldest_tagged(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        tag: &str,
    ) -> Result<Option<Snapshot>, Error> {
        let sql =
            select!(Snapshot: "WHERE host = $1 AND repository = $2 AND tag = $3 ORDER BY time, id LIMIT 1");
        self.row(sql, values![host, repository, tag]).await
    }

    async fn newest(&mut self, host: HostId, repository: RepositoryId) -> Result<Option<Snapshot>, Error> {
        let sql = select!(Snapshot: "WHERE host = $1 AND repository = $2 AND counted ORDER BY time DESC, id DESC LIMIT 1");
        self.row(sql, values![host, repository]).await
    }

    async fn uncounted(&mut self, host: HostId, limit: usize) -> Result<Vec<Snapshot>, Error> {
        let sql = select!(Snapshot: "WHERE host = $1 AND NOT counted ORDER BY time DESC, id DESC LIMIT $2");
        self.rows(sql, values![host, limit]).await
    }

    async fn page(
        &mut self,
        scope: SnapshotScope,
        request: PageRequest<SnapshotCursor>,
    ) -> Result<Page<Snapshot, SnapshotCursor>, Error> {
        let limit = request.limit + 1;
        let end = SnapshotCursor {
            time: Timestamp::MAX,
            id: "\u{10ffff}".to_owned(),
            host: HostId::from_bytes([0xff; 16]),
            repository: RepositoryId::from_bytes([0xff; 16]),
        };
        let after = request.after.unwrap_or(end);
        let (sql, values) = match scope {
            SnapshotScope::Host(host) => (
                select!(
                Snapshot:
                                    "WHERE host = $1 AND (time, id, repository) < ($2, $3, $4) \
                                     ORDER BY time DESC, id DESC, repository DESC LIMIT $5"
                                ),
                values![host, after.time, after.id, after.repository, limit],
            ),
            SnapshotScope::HostRepository(host, repository) => (
                select!(
                Snapshot:
                                    "WHERE host = $1 AND repository = $2 AND (time, id) < ($3, $4) \
                                     ORDER BY time DESC, id DESC LIMIT $5"
                                ),
                values![host, repository, after.time, after.id, limit],
            ),
        };
        let snapshots = self.rows(sql, values).await?;
        Ok(Page::from_overfull(snapshots, request.limit, Snapshot::cursor))
    }
}

#[async_trait]
impl<C: Connection> Snapshots for Sql<C> {
    async fn add_listed(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        snapshots: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<u64, Error> {
        self.demand_attached(host, repository).await?;
        let mut added = 0;
        for snapshot in snapshots {
            let new = Snapshot { host, repository, seen: snapshot.clone(), first_seen: now };
            added += u64::from(self.insert(&new).await?);
        }
        let sql = "UPDATE attachments SET snapshots = snapshots + $3 WHERE host = $1 AND repository = $2";
        self.execute(sql, values![host, repository, added]).await?;
        self.refresh_snapshot_facts(host).await?;
        Ok(added)
    }

    async fn record_listing(
        &mut self,
        host: HostId,
        repository: RepositoryId,
        listing: &[SnapshotSeen],
        now: Timestamp,
    ) -> Result<ListingChange, Error> {
        self.demand_attached(host, repository).await?;
        let known: BTreeSet<String> = self.ids(host, repository).await?.into_iter().collect();
        let listed: BTreeSet<&str> = listing.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let mut change = ListingChange::default();
        for id in known.iter().filter(|id| !listed.contains(id.as_str())) {
            let sql = "DELETE FROM snapshots WHERE host = $1 AND repository = $2 AND id = $3";
            change.removed += self.execute(sql, values![host, repository, id]).await?;
        }
        for snapshot in listing.iter().filter(|snapshot| !known.contains(&snapshot.id)) {
            let new = Snapshot { host, repository, seen: snapshot.clone(), first_seen: now };
            change.added += u64::from(self.insert(&new).await?);
        }
        let sql = "UPDATE attachments SET listed = $3, snapshots = $4 WHERE host = $1 AND repository = $2";
        self.execute(sql, values![host, repository, now, listed.len()]).await?;
        self.refresh_snapshot_facts(host).await?;
        Ok(change)
    }

    async fn forget(&mut self, host: HostId, repository: RepositoryId, ids: &[String]) -> Result<u64, Error> {
        let mut removed = 0;
        for id in ids {
            let sql = "DELETE FROM snapshots WHERE host = $1 AND repository = $2 AND id = $3";
            removed += self.execute(sql, values![host, repository, id]).await?;
        }
        if removed > 0 {
            let sql = "UPDATE attachments SET snapshots = snapshots - $3 WHERE host = $1 AND repository = $2";
            self.execute(sql, values![host, repository, removed]).await?;
            self.refresh_snapshot_facts(host).await?;
        }
        Ok(removed)
    }
}

impl<C: Connection> Sql<C> {
    async fn demand_attached(&mut self, host: HostId, repository: RepositoryId) -> Result<(), Error> {
        let sql = "SELECT host FROM attachments WHERE host = $1 AND repository = $2";
        match self.any(sql, values![host, repository]).await? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::NotFound, "attachment")),
        }
    }

    pub(super) async fn refresh_snapshot_facts(&mut self, host: HostId) -> Result<(), Error> {
        let sql = "UPDATE hosts SET \
                   snapshots = (SELECT CAST(COALESCE(SUM(snapshots), 0) AS BIGINT) FROM attachments WHERE host = $1), \
                   last_snapshot = (SELECT time FROM snapshots WHERE host = $1 AND counted \
                                    ORDER BY time DESC LIMIT 1) WHERE id = $1";
        self.execute(sql, values![host]).await?;
        let sql = "UPDATE attachments SET newest = (SELECT time FROM snapshots WHERE host = $1 \
                   AND repository = attachments.repository AND counted ORDER BY time DESC LIMIT 1) WHERE host = $1";
        self.execute(sql, values![host]).await?;
        Ok(())
    }
}
