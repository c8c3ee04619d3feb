//! What a monitoring system is told of: counts that only grow, and one row for each thing that is shown.

use async_trait::async_trait;
use core::time::Duration;
use restic_manager_proto::{
    ChannelId, HostId, RepositoryId, Scope, SnapshotSeen, SourceGroupId, Statistics, Timestamp,
    vocabulary::{DeliveryState, JobKind, JobState, LeaseState},
};
use std::collections::BTreeMap;

use crate::{Error, ErrorKind, hosts::LastBackup, jobs::Job, measurements::Measurement, upkeep::Duty};

/// How many jobs of a kind ended in a state since the database was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedJobs {
    /// What they did.
    pub kind: JobKind,
    /// How they ended.
    pub state: JobState,
    /// How many.
    pub jobs: u64,
}

/// How long the jobs of a kind took since the database was made, from their start to their end. Jobs that never started
/// are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobDurations {
    /// What they did.
    pub kind: JobKind,
    /// How many took no longer than each of [`JobDurations::BOUNDS`] and longer than the one before; the last for all
    /// that took longer.
    pub counts: [u64; Self::BOUNDS.len() + 1],
    /// How long they took together, in milliseconds.
    pub milliseconds: u64,
}

impl JobDurations {
    /// The bounds between the counts, in seconds.
    pub const BOUNDS: [u64; 9] = [1, 5, 30, 60, 300, 1800, 3600, 21_600, 86_400];

    /// The count that a job belongs to.
    fn place(took: Duration) -> usize {
        Self::BOUNDS.iter().take_while(|bound| took > Duration::from_secs(**bound)).count()
    }
}

/// How many leases are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTally {
    /// Held, or what is waited for.
    pub state: LeaseState,
    /// How many.
    pub leases: u64,
}

/// How many notifications of a channel wait, or came to an end since it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryTally {
    /// The channel; it may be gone.
    pub channel: ChannelId,
    /// Where they stand.
    pub state: DeliveryState,
    /// How many.
    pub deliveries: u64,
}

/// A source group, with its last backup and its newest snapshot.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetrics {
    /// Which.
    pub id: SourceGroupId,
    /// Of which host; it may be deleted.
    pub host: HostId,
    /// Where it goes.
    pub repository: RepositoryId,
    /// What it is called.
    pub name: String,
    /// The last backup that says whether its data is safe.
    pub last_backup: Option<LastBackup>,
    /// When that backup started, as long as its job is kept.
    pub started: Option<Timestamp>,
    /// What that backup did, as long as its job is kept.
    pub statistics: Option<Statistics>,
    /// Its newest snapshot that a listing showed.
    pub newest: Option<SnapshotSeen>,
    /// How many snapshots of it the last listing showed.
    pub snapshots: u64,
}

/// Queries for metrics. Lists come in pages by id, `limit` rows at most after the one named; the last page is not full.
#[async_trait]
pub trait MetricQueries: Send {
    /// How many jobs of hosts within a scope ended from one moment on and before another, by kind and end.
    async fn ended_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<EndedJobs>, Error>;
    /// Those of them that failed or left something out, the newest first, `limit` at most.
    async fn failed_between(
        &mut self,
        scope: &Scope,
        from: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Job>, Error>;
    /// The jobs that ended, by kind and state, in the order of both texts; none of them is ever taken back.
    async fn ended_jobs(&mut self) -> Result<Vec<EndedJobs>, Error>;
    /// How long jobs took, by kind, in the order of its text.
    async fn job_durations(&mut self) -> Result<Vec<JobDurations>, Error>;
    /// Bytes of the logs of all jobs that ended.
    async fn log_bytes(&mut self) -> Result<u64, Error>;
    /// How many leases there are in each state, in the order of its text. Costs a look at each lease.
    async fn lease_tallies(&mut self) -> Result<Vec<LeaseTally>, Error>;
    /// How many notifications wait, arrived or were given up, by channel and state, in the order of both. Costs a look at
    /// each that waits; the others are counters, and never taken back.
    async fn delivery_tallies(&mut self) -> Result<Vec<DeliveryTally>, Error>;
    /// Source groups.
    async fn groups(
        &mut self,
        after: Option<SourceGroupId>,
        limit: usize,
    ) -> Result<Vec<GroupMetrics>, Error>;
    /// The newest measurement of each repository that has one.
    async fn measured(
        &mut self,
        after: Option<RepositoryId>,
        limit: usize,
    ) -> Result<Vec<Measurement>, Error>;
    /// The duties of all repositories, by repository and the text of their kind.
    async fn duties(
        &mut self,
        after: Option<(RepositoryId, JobKind)>,
        limit: usize,
    ) -> Result<Vec<Duty>, Error>;
    /// Bytes that the database takes on its disk; `None` where it has none.
    async fn database_bytes(&mut self) -> Result<Option<u64>, Error>;
}

/// Counters of jobs that ended: `ended/backup/succeeded`.
pub(crate) const ENDED: &str = "ended/";
/// Counters of how long they took: `took/backup/3`, by the place among the bounds.
pub(crate) const TOOK: &str = "took/";
/// Counters of how long they took together: `took-ms/backup`.
pub(crate) const TOOK_TOGETHER: &str = "took-ms/";
/// The counter of the bytes of their logs.
pub(crate) const LOG_BYTES: &str = "log-bytes";

/// Counters of notifications that came to an end: `delivery/<channel>/delivered`.
pub(crate) const DELIVERED: &str = "delivery/";

/// The counter of a notification that came to an end.
pub(crate) fn counted_delivery(channel: ChannelId, state: DeliveryState) -> String {
    format!("{DELIVERED}{channel}/{state}")
}

/// The counters below [`DELIVERED`], without that beginning, and those that wait.
pub(crate) fn read_deliveries(
    counters: Vec<(String, u64)>,
    waiting: impl IntoIterator<Item = (ChannelId, u64)>,
) -> Result<Vec<DeliveryTally>, Error> {
    let read = |(name, deliveries): &(String, u64)| {
        let (channel, state) = name.split_once('/')?;
        Some(DeliveryTally {
            channel: channel.parse().ok()?,
            state: state.parse().ok()?,
            deliveries: *deliveries,
        })
    };
    let mut tallies: Vec<_> = counters.iter().map(read).collect::<Option<_>>().ok_or_else(corrupt)?;
    let state = DeliveryState::Waiting;
    tallies.extend(waiting.into_iter().map(|(channel, deliveries)| DeliveryTally {
        channel,
        state,
        deliveries,
    }));
    tallies.sort_unstable_by_key(|tally| (tally.channel, tally.state.as_str()));
    Ok(tallies)
}

/// What is added to which counters when a job ends at `now` in `state`.
pub(crate) fn counted(job: &Job, state: JobState, now: Timestamp) -> Vec<(String, i64)> {
    let kind = job.kind;
    let mut counted = vec![(format!("{ENDED}{kind}/{state}"), 1)];
    if let Some(started) = job.started {
        let took = now.since(started);
        let milliseconds = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        counted.push((format!("{TOOK}{kind}/{}", JobDurations::place(took)), 1));
        counted.push((format!("{TOOK_TOGETHER}{kind}"), milliseconds));
    }
    if job.log.bytes > 0 {
        counted.push((LOG_BYTES.to_owned(), i64::try_from(job.log.bytes).unwrap_or(i64::MAX)));
    }
    counted
}

/// The counters below [`ENDED`], without that beginning.
pub(crate) fn read_ended(counters: Vec<(String, u64)>) -> Result<Vec<EndedJobs>, Error> {
    let read = |(name, jobs): &(String, u64)| {
        let (kind, state) = name.split_once('/')?;
        Some(EndedJobs { kind: kind.parse().ok()?, state: state.parse().ok()?, jobs: *jobs })
    };
    let mut ended: Vec<EndedJobs> = counters.iter().map(read).collect::<Option<_>>().ok_or_else(corrupt)?;
    ended.sort_unstable_by_key(|ended| (ended.kind.as_str(), ended.state.as_str()));
    Ok(ended)
}

/// The counters below [`TOOK`] and [`TOOK_TOGETHER`], without those beginnings.
pub(crate) fn read_durations(
    counts: &[(String, u64)],
    together: Vec<(String, u64)>,
) -> Result<Vec<JobDurations>, Error> {
    let together: BTreeMap<String, u64> = together.into_iter().collect();
    let mut durations: BTreeMap<&str, JobDurations> = BTreeMap::new();
    for (name, jobs) in counts {
        let (kind, place) = name.split_once('/').ok_or_else(corrupt)?;
        let parsed = kind.parse().map_err(|_| corrupt())?;
        let milliseconds = together.get(kind).copied().unwrap_or_default();
        let fresh = JobDurations { kind: parsed, counts: Default::default(), milliseconds };
        let place: usize = place.parse().map_err(|_| corrupt())?;
        let of_kind = durations.entry(kind).or_insert(fresh);
        *of_kind.counts.get_mut(place).ok_or_else(corrupt)? = *jobs;
    }
    Ok(durations.into_values().collect())
}

fn corrupt() -> Error {
    Error::new(ErrorKind::Corrupt, "counter of what ended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_job_is_counted_between_the_bounds_it_took(milliseconds in 0..200_000_000_u64) {
            let took = Duration::from_millis(milliseconds);
            let place = JobDurations::place(took);
            let bound = |place: usize| Duration::from_secs(JobDurations::BOUNDS[place]);
            prop_assert!(place == 0 || took > bound(place - 1));
            prop_assert!(place == JobDurations::BOUNDS.len() || took <= bound(place));
        }
    }

    #[test]
    fn what_no_version_wrote_is_said_to_be_corrupt() {
        let one = |name: &str| vec![(name.to_owned(), 1)];
        for name in ["backup", "backup/never", "nothing/succeeded"] {
            assert_eq!(read_ended(one(name)).unwrap_err().kind(), ErrorKind::Corrupt, "{name}");
        }
        for name in ["backup", "backup/10", "backup/x", "nothing/1"] {
            assert_eq!(
                read_durations(&one(name), Vec::new()).unwrap_err().kind(),
                ErrorKind::Corrupt,
                "{name}"
            );
        }
    }
}
