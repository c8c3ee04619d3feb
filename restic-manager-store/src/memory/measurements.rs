use async_trait::async_trait;
use restic_manager_proto::{RepositoryId, Timestamp};
use std::sync::Arc;

use super::tables::Tables;
use crate::{
    Error,
    measurements::{Measurement, MeasurementQueries, Measurements},
};

#[async_trait]
impl MeasurementQueries for Tables {
    async fn history(&mut self, repository: RepositoryId, days: usize) -> Result<Vec<Measurement>, Error> {
        let of = self.measurements.range((repository, i64::MIN)..=(repository, i64::MAX));
        let mut found: Vec<_> = of.rev().take(days).map(|(_, measurement)| *measurement).collect();
        found.reverse();
        Ok(found)
    }
}

#[async_trait]
impl Measurements for Tables {
    async fn record(&mut self, measurement: &Measurement) -> Result<(), Error> {
        self.live_repository(measurement.repository)?;
        let kept = Arc::make_mut(&mut self.measurements)
            .entry((measurement.repository, measurement.day()))
            .or_insert(*measurement);
        if measurement.at >= kept.at {
            *kept = *measurement;
        }
        Ok(())
    }

    async fn purge(&mut self, before: Timestamp, limit: usize) -> Result<u64, Error> {
        let old = self.measurements.iter().filter(|(_, measurement)| measurement.at < before);
        let mut doomed: Vec<_> =
            old.map(|(key, measurement)| (measurement.at, measurement.repository, *key)).collect();
        doomed.sort_unstable();
        doomed.truncate(limit);
        let rows = Arc::make_mut(&mut self.measurements);
        for (.., key) in &doomed {
            rows.remove(key);
        }
        Ok(doomed.len() as u64)
    }
}
