use async_trait::async_trait;
use restic_manager_proto::{HostId, ScheduleId, SourceGroupId};

use super::{
    Connection, Sql,
    record::{columns, select, update},
    transaction::lost,
    value::values,
};
use crate::{
    Error, ErrorKind, fold,
    schedules::{Schedule, ScheduleQueries, Schedules},
};

columns! {
    Schedule of schedules, "schedule" {
        id, host, name, cron, zone, misfire, jitter_seconds, bandwidth, enabled, since, created, version,
    }
    besides { groups }
    and |row| { name_key: fold(&row.name) }
}

#[async_trait]
impl<C: Connection> ScheduleQueries for Sql<C> {
    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, Error> {
        let Some(mut schedule) = self.row(select!(Schedule: "WHERE id = $1"), values![id]).await? else {
            return Ok(None);
        };
        schedule.groups = self.groups_of(id).await?;
        Ok(Some(schedule))
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<Schedule>, Error> {
        let sql = select!(Schedule: "WHERE host = $1 ORDER BY name_key");
        let mut schedules = self.rows(sql, values![host]).await?;
        for schedule in &mut schedules {
            schedule.groups = self.groups_of(schedule.id).await?;
        }
        Ok(schedules)
    }
}

#[async_trait]
impl<C: Connection> Schedules for Sql<C> {
    async fn add(&mut self, schedule: &Schedule) -> Result<(), Error> {
        self.expect_live_host(schedule.host).await?;
        self.expect_fitting_schedule(schedule.host, schedule).await?;
        if !self.insert(&Schedule { version: 1, ..schedule.clone() }).await? {
            return Err(Error::new(ErrorKind::Taken, "schedule"));
        }
        self.put_groups(schedule).await
    }

    async fn update(&mut self, schedule: &Schedule, expected: i64) -> Result<i64, Error> {
        let stored = self.row(select!(Schedule: "WHERE id = $1"), values![schedule.id]).await?;
        let host = match stored {
            Some(stored) if stored.version == expected => stored.host,
            stored => return Err(lost(stored.map(|stored| stored.version), "schedule")),
        };
        self.expect_fitting_schedule(host, schedule).await?;
        let (sql, values) = update!(schedules {
            name: schedule.name,
            name_key: fold(&schedule.name),
            cron: schedule.cron,
            zone: schedule.zone,
            misfire: schedule.misfire,
            jitter_seconds: schedule.jitter_seconds,
            enabled: schedule.enabled,
            since: schedule.since,
            bandwidth: schedule.bandwidth,
            version: expected + 1,
        } where "id = $1", [schedule.id]);
        self.execute(sql, values).await?;
        self.execute("DELETE FROM schedule_groups WHERE schedule = $1", values![schedule.id]).await?;
        self.put_groups(schedule).await?;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: ScheduleId) -> Result<(), Error> {
        self.expect(
            ("DELETE FROM schedules WHERE id = $1", values![id]),
            Error::new(ErrorKind::NotFound, "schedule"),
        )
        .await
    }
}

impl<C: Connection> Sql<C> {
    async fn groups_of(&mut self, schedule: ScheduleId) -> Result<Vec<SourceGroupId>, Error> {
        let sql = "SELECT source_group FROM schedule_groups WHERE schedule = $1 ORDER BY place";
        self.column(sql, values![schedule], "schedule").await
    }

    async fn put_groups(&mut self, schedule: &Schedule) -> Result<(), Error> {
        for (place, group) in schedule.groups.iter().enumerate() {
            let sql = "INSERT INTO schedule_groups (schedule, place, source_group) VALUES ($1, $2, $3)";
            self.execute(sql, values![schedule.id, place, group]).await?;
        }
        Ok(())
    }

    async fn expect_fitting_schedule(&mut self, host: HostId, schedule: &Schedule) -> Result<(), Error> {
        for (place, group) in schedule.groups.iter().enumerate() {
            let sql = "SELECT id FROM source_groups WHERE id = $1 AND host = $2";
            let is_again = schedule.groups[..place].contains(group);
            if is_again || !self.any(sql, values![group, host]).await? {
                return Err(Error::new(ErrorKind::NotFound, "source group"));
            }
        }
        let sql = "SELECT id FROM schedules WHERE host = $1 AND name_key = $2 AND id <> $3";
        if self.any(sql, values![host, fold(&schedule.name), schedule.id]).await? {
            return Err(Error::new(ErrorKind::Taken, "schedule name"));
        }
        Ok(())
    }
}
