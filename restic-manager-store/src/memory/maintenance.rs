use async_trait::async_trait;
use restic_manager_proto::{MaintenanceId, Timestamp};
use std::sync::Arc;

use super::tables::{Tables, remove};
use crate::{
    Error, ErrorKind,
    maintenance::{Maintenance, MaintenanceQueries, MaintenanceWindow},
};

#[async_trait]
impl MaintenanceQueries for Tables {
    async fn find(&mut self, id: MaintenanceId) -> Result<Option<MaintenanceWindow>, Error> {
        Ok(self.maintenance.get(&id).cloned())
    }

    async fn not_over(&mut self, now: Timestamp, limit: usize) -> Result<Vec<MaintenanceWindow>, Error> {
        let mut windows: Vec<_> =
            self.maintenance.values().filter(|window| window.until > now).cloned().collect();
        windows.sort_by_key(|window| (window.until, window.id));
        windows.truncate(limit);
        Ok(windows)
    }
}

#[async_trait]
impl Maintenance for Tables {
    async fn add(&mut self, window: &MaintenanceWindow) -> Result<(), Error> {
        if self.maintenance.contains_key(&window.id) {
            return Err(Error::new(ErrorKind::Taken, "maintenance window"));
        }
        Arc::make_mut(&mut self.maintenance).insert(window.id, window.clone());
        Ok(())
    }

    async fn end(&mut self, id: MaintenanceId, now: Timestamp) -> Result<bool, Error> {
        let windows = Arc::make_mut(&mut self.maintenance);
        match windows.get_mut(&id) {
            Some(window) if window.until > now => {
                window.until = now;
                if window.from > now {
                    windows.remove(&id);
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn purge(&mut self, before: Timestamp) -> Result<u64, Error> {
        Ok(remove(&mut self.maintenance, |window| window.until < before))
    }
}
