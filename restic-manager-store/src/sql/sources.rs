use async_trait::async_trait;
use restic_manager_proto::{HostId, RepositoryId, SourceGroupId};

use super::{
    Connection, Sql,
    hosts::read_last_backup,
    transaction::lost,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind, fold,
    sources::{SourceGroup, SourceGroupQueries, SourceGroups},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, host, name, includes, excludes, tag, repository, retention, options, command, \
             last_backup_job, last_backup_state, last_backup_cause, last_backup_ended, last_backup_bytes, \
             created, version FROM source_groups ",
            $rest
        )
    };
}

fn read(columns: &mut Columns<'_>) -> Result<SourceGroup, Error> {
    Ok(SourceGroup {
        id: columns.next()?,
        host: columns.next()?,
        name: columns.next()?,
        includes: columns.next()?,
        excludes: columns.next()?,
        tag: columns.next()?,
        repository: columns.next()?,
        retention: columns.next()?,
        options: columns.next()?,
        command: columns.next()?,
        last_backup: read_last_backup(columns)?,
        created: columns.next()?,
        version: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> SourceGroupQueries for Sql<C> {
    async fn find(&mut self, id: SourceGroupId) -> Result<Option<SourceGroup>, Error> {
        self.row(select!("WHERE id = $1"), values![id], "source group", read).await
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<SourceGroup>, Error> {
        self.rows(select!("WHERE host = $1 ORDER BY name_key"), values![host], "source group", read).await
    }

    async fn with_retention_in(&mut self, repository: RepositoryId) -> Result<Vec<SourceGroup>, Error> {
        let sql = select!("WHERE repository = $1 AND retention <> '{}' ORDER BY id");
        self.rows(sql, values![repository], "source group", read).await
    }
}

#[async_trait]
impl<C: Connection> SourceGroups for Sql<C> {
    async fn add(&mut self, group: &SourceGroup) -> Result<(), Error> {
        self.expect_fitting(group.host, group).await?;
        let sql = "INSERT INTO source_groups (id, host, name, name_key, includes, excludes, tag, repository, options, \
                   created, retention, command, version) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1) ON CONFLICT DO NOTHING";
        let values = values![
            group.id,
            group.host,
            group.name,
            fold(&group.name),
            group.includes,
            group.excludes,
            group.tag,
            group.repository,
            group.options,
            group.created,
            group.retention,
            group.command
        ];
        if self.change(sql, values).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Taken, "source group"))
        }
    }

    async fn update(&mut self, group: &SourceGroup, expected: i64) -> Result<i64, Error> {
        let sql = "SELECT host, version FROM source_groups WHERE id = $1";
        let read_stored = |columns: &mut Columns<'_>| Ok((columns.next::<HostId>()?, columns.next::<i64>()?));
        let stored = self.row(sql, values![group.id], "source group", read_stored).await?;
        let host = match stored {
            Some((host, version)) if version == expected => host,
            stored => return Err(lost(stored.map(|(_, version)| version), "source group")),
        };
        self.expect_fitting(host, group).await?;
        let sql = "UPDATE source_groups SET name = $2, name_key = $3, includes = $4, excludes = $5, tag = $6, \
                   repository = $7, options = $8, retention = $9, command = $10, version = version + 1 WHERE id = $1";
        let SourceGroup {
            id, name, includes, excludes, tag, repository, retention, options, command, ..
        } = group;
        let values =
            values![id, name, fold(name), includes, excludes, tag, repository, options, retention, command];
        self.execute(sql, values).await?;
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
        if self.change("DELETE FROM source_groups WHERE id = $1", values![id]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "source group"))
        }
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
