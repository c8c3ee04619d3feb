use async_trait::async_trait;
use restic_manager_proto::{
    RepositoryId, Scope, SourceGroupId, Timestamp,
    vocabulary::{JobKind, JobState},
};
use std::collections::BTreeMap;

use super::tables::Tables;
use crate::{
    Error,
    jobs::Job,
    measurements::Measurement,
    metrics::{
        DELIVERED, DeliveryTally, ENDED, EndedJobs, GroupMetrics, JobDurations, LOG_BYTES, LeaseTally,
        MetricQueries, TOOK, TOOK_TOGETHER, read_deliveries, read_durations, read_ended,
    },
    snapshots::only_tag,
    sources::SourceGroup,
    upkeep::Duty,
};

#[async_trait]
impl MetricQueries for Tables {
    async fn ended_jobs(&mut self) -> Result<Vec<EndedJobs>, Error> {
        read_ended(self.counters_below(ENDED))
    }

    async fn ended_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EndedJobs>, Error> {
        let mut tallies = BTreeMap::new();
        for job in self.ended_within(scope, from, until) {
            let key = (job.kind.as_str(), job.state.as_str());
            tallies.entry(key).or_insert(EndedJobs { kind: job.kind, state: job.state, jobs: 0 }).jobs += 1;
        }
        Ok(tallies.into_values().collect())
    }

    async fn failed_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Job>, Error> {
        let failed = |job: &&Job| matches!(job.state, JobState::Failed | JobState::Incomplete);
        let mut jobs: Vec<_> = self.ended_within(scope, from, until).filter(failed).cloned().collect();
        jobs.sort_by_key(|job| core::cmp::Reverse((job.ended, job.id)));
        jobs.truncate(limit);
        Ok(jobs)
    }

    async fn job_durations(&mut self) -> Result<Vec<JobDurations>, Error> {
        read_durations(&self.counters_below(TOOK), self.counters_below(TOOK_TOGETHER))
    }

    async fn log_bytes(&mut self) -> Result<u64, Error> {
        Ok(self.counters_below(LOG_BYTES).first().map_or(0, |(_, bytes)| *bytes))
    }

    async fn lease_tallies(&mut self) -> Result<Vec<LeaseTally>, Error> {
        let mut tallies = BTreeMap::new();
        for lease in self.leases.values() {
            let (_, leases) = tallies.entry(lease.state.as_str()).or_insert((lease.state, 0));
            *leases += 1;
        }
        Ok(tallies.into_values().map(|(state, leases)| LeaseTally { state, leases }).collect())
    }

    async fn delivery_tallies(&mut self) -> Result<Vec<DeliveryTally>, Error> {
        let mut waiting = BTreeMap::new();
        for delivery in self.deliveries.values().filter(|delivery| delivery.due.is_some()) {
            *waiting.entry(delivery.channel).or_insert(0) += 1;
        }
        read_deliveries(self.counters_below(DELIVERED), waiting)
    }

    async fn groups(
        &mut self,
        after: Option<SourceGroupId>,
        limit: usize,
    ) -> Result<Vec<GroupMetrics>, Error> {
        let rest = self.sources.values().filter(|group| after.is_none_or(|after| group.id > after));
        Ok(rest.take(limit).map(|group| self.group_metrics(group)).collect())
    }

    async fn measured(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<Measurement>, Error> {
        let newest: BTreeMap<RepositoryId, Measurement> =
            self.measurements.values().map(|measurement| (measurement.repository, *measurement)).collect();
        let rest = newest.into_values().filter(|row| after.is_none_or(|after| row.repository > after));
        Ok(rest.take(limit).collect())
    }

    async fn duties(
        &mut self,
        after: Option<(RepositoryId, JobKind)>,
        limit: usize,
    ) -> Result<Vec<Duty>, Error> {
        let place = |repository: RepositoryId, kind: JobKind| (repository, kind.as_str());
        let after = after.map(|(repository, kind)| place(repository, kind));
        let is_past = |duty: &&Duty| after.is_none_or(|after| place(duty.repository, duty.kind) > after);
        let mut duties: Vec<Duty> = self.upkeep.values().filter(is_past).cloned().collect();
        duties.sort_by_key(|duty| place(duty.repository, duty.kind));
        duties.truncate(limit);
        Ok(duties)
    }

    async fn database_bytes(&mut self) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}

impl Tables {
    fn ended_within(&self, scope: &Scope, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &Job> {
        let is_within = move |job: &&Job| {
            job.ended.is_some_and(|ended| (from..until).contains(&ended))
                && (scope.is_all() || self.hosts.get(&job.host).is_some_and(|host| host.is_within(scope)))
        };
        self.jobs.values().filter(is_within)
    }

    fn counters_below(&self, prefix: &str) -> Vec<(String, u64)> {
        let named = self.counters.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix(prefix)?.to_owned(), u64::try_from(*value).ok()?))
        });
        named.filter(|(_, value)| *value > 0).collect()
    }

    fn group_metrics(&self, group: &SourceGroup) -> GroupMetrics {
        let (host, repository) = (group.host, group.repository);
        let job = group.last_backup.as_ref().and_then(|last| self.jobs.get(&last.job));
        let of_group = || {
            self.snapshots
                .values()
                .map(|snapshot| (snapshot.host, snapshot.repository, &snapshot.seen))
                .filter(|(of, within, seen)| {
                    (*of, *within) == (host, repository) && only_tag(seen) == Some(group.tag.as_str())
                })
        };
        let newest =
            of_group().max_by(|(.., one), (.., other)| (one.time, &one.id).cmp(&(other.time, &other.id)));
        GroupMetrics {
            id: group.id,
            host,
            repository,
            name: group.name.clone(),
            last_backup: group.last_backup.clone(),
            started: job.and_then(|job| job.started),
            statistics: job.and_then(|job| job.statistics.clone()),
            newest: newest.map(|(.., seen)| seen.clone()),
            snapshots: of_group().count() as u64,
        }
    }
}
