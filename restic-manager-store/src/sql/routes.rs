use async_trait::async_trait;
use restic_manager_proto::RouteId;

use super::{
    Connection, Sql,
    record::{columns, select, update},
    transaction::lost,
    value::values,
};
use crate::{
    Error, ErrorKind,
    routes::{Route, RouteQueries, Routes},
};

columns! {
    Route of routes, "route" { id, place, name, rule, created, version }
}

#[async_trait]
impl<C: Connection> RouteQueries for Sql<C> {
    async fn find(&mut self, id: RouteId) -> Result<Option<Route>, Error> {
        self.row(select!(Route: "WHERE id = $1"), values![id]).await
    }

    async fn all(&mut self, limit: usize) -> Result<Vec<Route>, Error> {
        self.rows(select!(Route: "ORDER BY place, id LIMIT $1"), values![limit]).await
    }
}

#[async_trait]
impl<C: Connection> Routes for Sql<C> {
    async fn add(&mut self, route: &Route) -> Result<(), Error> {
        let taken = Error::new(ErrorKind::Taken, "route");
        if self.insert(&Route { version: 1, ..route.clone() }).await? { Ok(()) } else { Err(taken) }
    }

    async fn update(&mut self, route: &Route, expected: i64) -> Result<i64, Error> {
        let stored = self.version("SELECT version FROM routes WHERE id = $1", values![route.id]).await?;
        if stored != Some(expected) {
            return Err(lost(stored, "route"));
        }
        let (sql, values) = update!(routes {
            place: route.place,
            name: route.name,
            rule: route.rule,
            version: expected + 1,
        } where "id = $1", [route.id]);
        self.execute(sql, values).await?;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: RouteId) -> Result<(), Error> {
        let none = Error::new(ErrorKind::NotFound, "route");
        self.expect(("DELETE FROM routes WHERE id = $1", values![id]), none).await
    }
}
