use async_trait::async_trait;
use restic_manager_proto::{HostId, ScheduleId, SourceGroupId};

use super::{
    Connection, Sql,
    transaction::lost,
    value::{Columns, values},
};
use crate::{
    Error, ErrorKind, fold,
    schedules::{Schedule, ScheduleQueries, Schedules},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, host, name, cron, zone, misfire, jitter_seconds, bandwidth, enabled, since, \
             created, version FROM schedules ",
            $rest
        )
    };
}

/// A schedule without its groups, which are in rows of their own.
fn read(columns: &mut Columns<'_>) -> Result<Schedule, Error> {
    Ok(Schedule {
        id: columns.next()?,
        host: columns.next()?,
        name: columns.next()?,
        cron: columns.next()?,
        zone: columns.next()?,
        misfire: columns.next()?,
        jitter_seconds: columns.next()?,
        bandwidth: columns.next()?,
        enabled: columns.next()?,
        since: columns.next()?,
        groups: Vec::new(),
        created: columns.next()?,
        version: columns.next()?,
    })
}

#[async_trait]
impl<C: Connection> ScheduleQueries for Sql<C> {
    async fn find(&mut self, id: ScheduleId) -> Result<Option<Schedule>, Error> {
        let Some(mut schedule) = self.row(select!("WHERE id = $1"), values![id], "schedule", read).await?
        else {
            return Ok(None);
        };
        schedule.groups = self.groups_of(id).await?;
        Ok(Some(schedule))
    }

    async fn of_host(&mut self, host: HostId) -> Result<Vec<Schedule>, Error> {
        let sql = select!("WHERE host = $1 ORDER BY name_key");
        let mut schedules = self.rows(sql, values![host], "schedule", read).await?;
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
        let sql = "INSERT INTO schedules (id, host, name, name_key, cron, zone, misfire, jitter_seconds, enabled, \
                   since, created, bandwidth, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 1) \
                   ON CONFLICT DO NOTHING";
        let values = values![
            schedule.id,
            schedule.host,
            schedule.name,
            fold(&schedule.name),
            schedule.cron,
            schedule.zone,
            schedule.misfire,
            schedule.jitter_seconds,
            schedule.enabled,
            schedule.since,
            schedule.created,
            schedule.bandwidth
        ];
        if !self.change(sql, values).await? {
            return Err(Error::new(ErrorKind::Taken, "schedule"));
        }
        self.put_groups(schedule).await
    }

    async fn update(&mut self, schedule: &Schedule, expected: i64) -> Result<i64, Error> {
        let sql = "SELECT host, version FROM schedules WHERE id = $1";
        let read_stored = |columns: &mut Columns<'_>| Ok((columns.next::<HostId>()?, columns.next::<i64>()?));
        let stored = self.row(sql, values![schedule.id], "schedule", read_stored).await?;
        let host = match stored {
            Some((host, version)) if version == expected => host,
            stored => return Err(lost(stored.map(|(_, version)| version), "schedule")),
        };
        self.expect_fitting_schedule(host, schedule).await?;
        let sql = "UPDATE schedules SET name = $2, name_key = $3, cron = $4, zone = $5, misfire = $6, \
                   jitter_seconds = $7, enabled = $8, since = $9, bandwidth = $10, version = version + 1 WHERE id = $1";
        let values = values![
            schedule.id,
            schedule.name,
            fold(&schedule.name),
            schedule.cron,
            schedule.zone,
            schedule.misfire,
            schedule.jitter_seconds,
            schedule.enabled,
            schedule.since,
            schedule.bandwidth
        ];
        self.execute(sql, values).await?;
        self.execute("DELETE FROM schedule_groups WHERE schedule = $1", values![schedule.id]).await?;
        self.put_groups(schedule).await?;
        Ok(expected + 1)
    }

    async fn delete(&mut self, id: ScheduleId) -> Result<(), Error> {
        if self.change("DELETE FROM schedules WHERE id = $1", values![id]).await? {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::NotFound, "schedule"))
        }
    }
}

impl<C: Connection> Sql<C> {
    async fn groups_of(&mut self, schedule: ScheduleId) -> Result<Vec<SourceGroupId>, Error> {
        let sql = "SELECT source_group FROM schedule_groups WHERE schedule = $1 ORDER BY place";
        self.rows(sql, values![schedule], "schedule", |columns| columns.next()).await
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
