use async_trait::async_trait;
use restic_manager_proto::{HostId, Scope};

use super::{
    Connection, Sql,
    record::{Columns, columns, select},
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error,
    backup_days::{BackupDay, BackupDayQueries, BackupDays, Grown},
};

columns! {
    BackupDay of backup_days, "day of backups", key "host, day, source_group" {
        host, day, source_group, runs, bytes_processed, bytes_added, milliseconds,
    }
}

#[async_trait]
impl<C: Connection> BackupDayQueries for Sql<C> {
    async fn of_host(&mut self, host: HostId, since: i64) -> Result<Vec<BackupDay>, Error> {
        let sql = select!(BackupDay: "WHERE host = $1 AND day >= $2 ORDER BY day, source_group");
        self.rows(sql, values![host, since]).await
    }

    async fn most_grown(&mut self, scope: &Scope, since: i64, limit: usize) -> Result<Vec<Grown>, Error> {
        let sql = concat!(
            "SELECT host, source_group, CAST(SUM(bytes_added) AS BIGINT) AS added FROM backup_days \
             WHERE day >= $1 AND bytes_added > 0 AND ",
            is_within!("backup_days.host"),
            " GROUP BY host, source_group ORDER BY added DESC, host, source_group LIMIT $2"
        );
        let grown = |columns: &Columns<'_>| {
            let (host, source_group) = (columns.get("host")?, columns.get("source_group")?);
            Ok(Grown { host, source_group, bytes_added: columns.get("added")? })
        };
        self.rows_of(sql, scoped(values![since, limit], scope), "backup_days", "day of backups", grown).await
    }
}

#[async_trait]
impl<C: Connection> BackupDays for Sql<C> {
    async fn note(&mut self, run: &BackupDay) -> Result<(), Error> {
        let sql = select!(BackupDay: "WHERE host = $1 AND day = $2 AND source_group = $3");
        let known = self.row(sql, values![run.host, run.day, run.source_group]).await?;
        self.upsert(&known.map_or(*run, |known| known.and(run))).await
    }

    async fn purge(&mut self, before: i64, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM backup_days WHERE (host, day, source_group) IN (SELECT host, day, source_group \
                   FROM backup_days WHERE day < $1 ORDER BY day, host, source_group LIMIT $2)";
        self.execute(sql, values![before, limit]).await
    }
}
