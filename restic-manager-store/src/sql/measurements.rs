use async_trait::async_trait;
use restic_manager_proto::{Measured, RepositoryId, Timestamp};

use super::{
    Connection, Sql,
    value::{Columns, values},
};
use crate::{
    Error,
    measurements::{Measurement, MeasurementQueries, Measurements},
};

fn read(columns: &mut Columns<'_>) -> Result<Measurement, Error> {
    Ok(Measurement {
        repository: columns.next()?,
        at: columns.next()?,
        measured: Measured {
            snapshots: columns.next()?,
            files: columns.next()?,
            restore_bytes: columns.next()?,
            raw_bytes: columns.next()?,
            uncompressed_bytes: columns.next()?,
            locks: columns.next()?,
        },
    })
}

#[async_trait]
impl<C: Connection> MeasurementQueries for Sql<C> {
    async fn history(&mut self, repository: RepositoryId, days: usize) -> Result<Vec<Measurement>, Error> {
        let sql = "SELECT repository, at, snapshots, files, restore_bytes, raw_bytes, uncompressed_bytes, locks \
                   FROM measurements WHERE repository = $1 ORDER BY day DESC LIMIT $2";
        let mut found = self.rows(sql, values![repository, days], "measurement", read).await?;
        found.reverse();
        Ok(found)
    }
}

#[async_trait]
impl<C: Connection> Measurements for Sql<C> {
    async fn record(&mut self, measurement: &Measurement) -> Result<(), Error> {
        self.expect_live_repository(measurement.repository).await?;
        let sql = "INSERT INTO measurements (repository, day, at, snapshots, files, restore_bytes, raw_bytes, \
                   uncompressed_bytes, locks) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                   ON CONFLICT (repository, day) DO UPDATE SET at = excluded.at, snapshots = excluded.snapshots, \
                   files = excluded.files, restore_bytes = excluded.restore_bytes, raw_bytes = excluded.raw_bytes, \
                   uncompressed_bytes = excluded.uncompressed_bytes, locks = excluded.locks \
                   WHERE excluded.at >= measurements.at";
        let measured = &measurement.measured;
        let values = values![
            measurement.repository,
            measurement.day(),
            measurement.at,
            measured.snapshots,
            measured.files,
            measured.restore_bytes,
            measured.raw_bytes,
            measured.uncompressed_bytes,
            measured.locks
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM measurements WHERE (repository, day) IN \
                   (SELECT repository, day FROM measurements WHERE at < $1 ORDER BY at, repository LIMIT $2)";
        self.execute(sql, values![before, limit]).await
    }
}
