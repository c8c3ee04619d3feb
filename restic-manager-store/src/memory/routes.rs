use async_trait::async_trait;
use restic_manager_proto::RouteId;
use std::sync::Arc;

use super::tables::{Tables, expect_version, row};
use crate::{
    Error, ErrorKind,
    routes::{Route, RouteQueries, Routes},
};

#[async_trait]
impl RouteQueries for Tables {
    async fn find(&mut self, id: RouteId) -> Result<Option<Route>, Error> {
        Ok(self.routes.get(&id).cloned())
    }

    async fn all(&mut self, limit: usize) -> Result<Vec<Route>, Error> {
        let mut routes: Vec<_> = self.routes.values().cloned().collect();
        routes.sort_by_key(|route| (route.place, route.id));
        routes.truncate(limit);
        Ok(routes)
    }
}

#[async_trait]
impl Routes for Tables {
    async fn add(&mut self, route: &Route) -> Result<(), Error> {
        if self.routes.contains_key(&route.id) {
            return Err(Error::new(ErrorKind::Taken, "route"));
        }
        Arc::make_mut(&mut self.routes).insert(route.id, Route { version: 1, ..route.clone() });
        Ok(())
    }

    async fn update(&mut self, route: &Route, expected: i64) -> Result<i64, Error> {
        let stored = row(&mut self.routes, &route.id, "route")?;
        expect_version(stored.version, expected, "route")?;
        *stored = Route { created: stored.created, version: expected + 1, ..route.clone() };
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: RouteId) -> Result<(), Error> {
        row(&mut self.routes, &id, "route")?;
        Arc::make_mut(&mut self.routes).remove(&id);
        Ok(())
    }
}
