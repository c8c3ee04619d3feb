use async_trait::async_trait;
use restic_manager_proto::{MaintenanceId, Timestamp};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind,
    maintenance::{Maintenance, MaintenanceQueries, MaintenanceWindow},
};

columns! {
    MaintenanceWindow of maintenance, "maintenance window" {
        id, scope, from = starts, until = ends, reason, created, created_by,
    }
}

#[async_trait]
impl<C: Connection> MaintenanceQueries for Sql<C> {
    async fn find(&mut self, id: MaintenanceId) -> Result<Option<MaintenanceWindow>, Error> {
        self.row(select!(MaintenanceWindow: "WHERE id = $1"), values![id]).await
    }

    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<MaintenanceWindow>, Error> {
        let select = select!(MaintenanceWindow: "WHERE ends > $1 ORDER BY ends, id LIMIT $2");
        self.rows(select, values![now, limit]).await
    }
}

#[async_trait]
impl<C: Connection> Maintenance for Sql<C> {
    async fn add(&mut self, window: &MaintenanceWindow) -> Result<(), Error> {
        let taken = Error::new(ErrorKind::Taken, "maintenance window");
        if self.insert(window).await? { Ok(()) } else { Err(taken) }
    }

    async fn end(&mut self, id: MaintenanceId, now: Timestamp) -> Result<bool, Error> {
        let sql = "DELETE FROM maintenance WHERE id = $1 AND starts > $2";
        if self.change(sql, values![id, now]).await? {
            return Ok(true);
        }
        let sql = "UPDATE maintenance SET ends = $2 WHERE id = $1 AND ends > $2";
        self.change(sql, values![id, now]).await
    }

    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error> {
        self.execute("DELETE FROM maintenance WHERE ends < $1", values![before]).await
    }
}
