use async_trait::async_trait;
use restic_manager_proto::{Measured, RepositoryId, Timestamp};

use super::{
    Connection, Sql,
    record::{columns, select},
    value::values,
};
use crate::{
    Error,
    measurements::{Measurement, MeasurementQueries, Measurements},
};

columns! {
    Measured { snapshots, files, restore_bytes, raw_bytes, uncompressed_bytes, locks }
}

columns! {
    Measurement of measurements, "measurement", key "repository, day" { repository, at, measured: "" }
    and |row| { day: row.day() }
}

#[async_trait]
impl<C: Connection> MeasurementQueries for Sql<C> {
    async fn history(&mut self, repository: RepositoryId, days: usize) -> Result<Vec<Measurement>, Error> {
        let newest = select!(Measurement: "WHERE repository = $1 ORDER BY day DESC LIMIT $2");
        let mut found = self.rows(newest, values![repository, days]).await?;
        found.reverse();
        Ok(found)
    }
}

#[async_trait]
impl<C: Connection> Measurements for Sql<C> {
    async fn record(&mut self, measurement: &Measurement) -> Result<(), Error> {
        self.expect_live_repository(measurement.repository).await?;
        let newer = "SELECT at FROM measurements WHERE repository = $1 AND day = $2 AND at > $3";
        let Measurement { repository, at, .. } = measurement;
        if self.any(newer, values![repository, measurement.day(), at]).await? {
            return Ok(());
        }
        self.upsert(measurement).await
    }

    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM measurements WHERE (repository, day) IN \
                   (SELECT repository, day FROM measurements WHERE at < $1 ORDER BY at, repository LIMIT $2)";
        self.execute(sql, values![before, limit]).await
    }
}
