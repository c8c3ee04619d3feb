use async_trait::async_trait;
use restic_manager_proto::{HostId, ScheduleId};
use std::sync::Arc;

use super::tables::{Tables, expect_version, row};
use crate::{
    Error, ErrorKind, fold,
    schedules::{Schedule, ScheduleQueries, Schedules},
};

#[async_trait]
impl ScheduleQueries for Tables {
    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, Error> {
        Ok(self.schedules.get(&id).cloned())
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<Schedule>, Error> {
        let of_host = self.schedules.values().filter(|schedule| schedule.host == host);
        let mut schedules: Vec<_> = of_host.cloned().collect();
        schedules.sort_by_cached_key(|schedule| fold(&schedule.name));
        Ok(schedules)
    }
}

#[async_trait]
impl Schedules for Tables {
    async fn add(&mut self, schedule: &Schedule) -> Result<(), Error> {
        self.live_host(schedule.host)?;
        self.expect_fitting_schedule(schedule)?;
        if self.schedules.contains_key(&schedule.id) {
            return Err(Error::new(ErrorKind::Taken, "schedule"));
        }
        Arc::make_mut(&mut self.schedules).insert(schedule.id, Schedule { version: 1, ..schedule.clone() });
        Ok(())
    }

    async fn update(&mut self, schedule: &Schedule, expected: i64) -> Result<i64, Error> {
        let stored = row(&mut self.schedules, &schedule.id, "schedule")?;
        expect_version(stored.version, expected, "schedule")?;
        let changed = Schedule {
            host: stored.host,
            created: stored.created,
            version: stored.version + 1,
            ..schedule.clone()
        };
        self.expect_fitting_schedule(&changed)?;
        *row(&mut self.schedules, &schedule.id, "schedule")? = changed;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: ScheduleId) -> Result<(), Error> {
        row(&mut self.schedules, &id, "schedule")?;
        Arc::make_mut(&mut self.schedules).remove(&id);
        Ok(())
    }
}

impl Tables {
    fn expect_fitting_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        for (place, id) in schedule.groups.iter().enumerate() {
            let of_host = self.sources.get(id).is_some_and(|group| group.host == schedule.host);
            if !of_host || schedule.groups[..place].contains(id) {
                return Err(Error::new(ErrorKind::NotFound, "source group"));
            }
        }
        let key = fold(&schedule.name);
        let same = |other: &Schedule| {
            other.id != schedule.id && other.host == schedule.host && fold(&other.name) == key
        };
        if self.schedules.values().any(same) {
            return Err(Error::new(ErrorKind::Taken, "schedule name"));
        }
        Ok(())
    }
}
