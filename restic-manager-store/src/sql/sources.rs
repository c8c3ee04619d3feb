use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SourceGroupId, Timestamp};

use super::{
    Connection, Sql,
    record::{columns, select, update},
    transaction::lost,
    value::values,
};
use crate::{
    Error, ErrorKind, fold,
    sources::{SourceGroup, SourceGroupQueries, SourceGroups},
};

columns! {
    SourceGroup of source_groups, "source group" {
        id, host, name, includes, excludes, tag, repository, retention, options, command,
        last_backup?: "last_backup_", created, version,
    }
    and |row| { name_key: fold(&row.name) }
}

#[async_trait]
impl<C: Connection> SourceGroupQueries for Sql<C> {
    async fn find(&mut self, id: SourceGroupId) -> Result<Option<SourceGroup>, Error> {
        self.row(select!(SourceGroup: "WHERE id = $1"), values![id]).await
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<SourceGroup>, Error> {
        self.rows(select!(SourceGroup: "WHERE host = $1 ORDER BY name_key"), values![host]).await
    }

    async fn reads_since(&mut self, id: SourceGroupId) -> Result<Timestamp, Error> {
        let sql = "SELECT reads_since FROM source_groups WHERE id = $1";
        let since: Option<Timestamp> = self.only(sql, values![id], "source group").await?;
        Ok(since.unwrap_or(Timestamp::from_milliseconds(0)))
    }

    async fn with_retention_in(&mut self, repository: RepositoryId) -> Result<Vec<SourceGroup>, Error> {
        let sql = select!(SourceGroup: "WHERE repository = $1 AND retention <> '{}' ORDER BY id");
        self.rows(sql, values![repository]).await
    }
}

#[async_trait]
impl<C: Connection> SourceGroups for Sql<C> {
    async fn add(&mut self, group: &SourceGroup) -> Result<(), Error> {
        self.expect_fitting(group.host, group).await?;
        let new = SourceGroup { last_backup: None, version: 1, ..group.clone() };
        if self.insert(&new).await? { Ok(()) } else { Err(Error::new(ErrorKind::Taken, "source group")) }
    }

    async fn note_reads(&mut self, id: SourceGroupId, now: Timestamp) -> Result<(), Error> {
        self.execute("UPDATE source_groups SET reads_since = $2 WHERE id = $1", values![id, now]).await?;
        Ok(())
    }

    async fn update(&mut self, group: &SourceGroup, expected: i64) -> Result<i64, Error> {
        let stored = self.row(select!(SourceGroup: "WHERE id = $1"), values![group.id]).await?;
        let host = match stored {
            Some(stored) if stored.version == expected => stored.host,
            stored => return Err(lost(stored.map(|stored| stored.version), "source group")),
        };
        self.expect_fitting(host, group).await?;
        let (sql, values) = update!(source_groups {
            name: group.name,
            name_key: fold(&group.name),
            includes: group.includes,
            excludes: group.excludes,
            tag: group.tag,
            repository: group.repository,
            options: group.options,
            retention: group.retention,
            command: group.command,
            version: expected + 1,
        } where "id = $1", [group.id]);
        self.execute(sql, values).await?;
        self.move_freezes(group.id, group.repository).await?;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: SourceGroupId) -> Result<(), Error> {
        if self
            .any("SELECT schedule FROM schedule_groups WHERE source_group = $1 LIMIT 1", values![id])
            .await?
        {
            return Err(Error::new(ErrorKind::InUse, "source group"));
        }
        let hooks = "DELETE FROM hooks WHERE kind = 'source-group' AND owner = $1";
        self.execute(hooks, values![id]).await?;
        self.expect(
            ("DELETE FROM source_groups WHERE id = $1", values![id]),
            Error::new(ErrorKind::NotFound, "source group"),
        )
        .await
    }
}

impl<C: Connection> Sql<C> {
    async fn expect_fitting(&mut self, host: HostId, group: &SourceGroup) -> Result<(), Error> {
        let sql = "SELECT host FROM attachments WHERE host = $1 AND repository = $2";
        if !self.any(sql, values![host, group.repository]).await? {
            return Err(Error::new(ErrorKind::NotFound, "attachment"));
        }
        let sql = "SELECT id FROM source_groups WHERE host = $1 AND name_key = $2 AND id <> $3";
        if self.any(sql, values![host, fold(&group.name), group.id]).await? {
            return Err(Error::new(ErrorKind::Taken, "source group name"));
        }
        Ok(())
    }
}
