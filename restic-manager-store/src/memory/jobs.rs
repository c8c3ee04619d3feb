use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobEnd, JobId, ScheduleId, Scope, SourceGroupId, Timestamp,
    vocabulary::{JobKind, JobState},
};
use std::{collections::BTreeMap, sync::Arc};

use super::tables::{Tables, page, row};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    hosts::{DayTally, LastBackup},
    jobs::{Job, JobQueries, JobScope, Jobs, NewJob},
    metrics,
    value::without_nul,
};

#[async_trait]
impl JobQueries for Tables {
    async fn find(&mut self, id: JobId) -> Result<Option<Job>, Error> {
        Ok(self.jobs.get(&id).cloned())
    }

    async fn in_slot(
        &mut self,
        schedule: ScheduleId,
        slot: Timestamp,
        group: SourceGroupId,
    ) -> Result<Option<JobId>, Error> {
        Ok(self.job_in_slot(schedule, slot, group))
    }

    async fn page(
        &mut self,
        scope: JobScope,
        seen_by: &Scope,
        request: PageRequest<JobId>,
    ) -> Result<Page<Job, JobId>, Error> {
        let shown = |job: &&Job| match scope {
            JobScope::Fleet => true,
            JobScope::Host(host) => job.host == host,
            JobScope::Repository(repository) => job.repository == Some(repository),
            JobScope::SourceGroup(group) => job.source_group == Some(group),
            JobScope::Schedule(schedule) => job.slots.is_some_and(|slots| slots.schedule == schedule),
            JobScope::HostWithin(host, from, until) => {
                job.host == host && (JobScope::first_id(from)..JobScope::first_id(until)).contains(&job.id)
            }
            JobScope::State(state) => job.state == state,
            JobScope::HostState(host, state) => job.host == host && job.state == state,
        };
        let rows = self.jobs.values().rev().filter(shown).filter(|job| self.sees(seen_by, job.host));
        Ok(page(rows, &request, |job, after| job.id < *after, |job| job.id))
    }

    async fn active_of(&mut self, host: HostId) -> Result<Vec<Job>, Error> {
        Ok(self.active_jobs().filter(|job| job.host == host).cloned().collect())
    }

    async fn overdue(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Job>, Error> {
        let passed = |deadline: Option<Timestamp>| deadline.is_some_and(|deadline| deadline <= now);
        let late = |job: &&Job| match job.state {
            JobState::Queued => passed(job.end_by) || passed(job.dispatch_by),
            _ => passed(job.end_by) || job.cancel_requested.is_some(),
        };
        Ok(self.active_jobs().filter(late).take(limit).cloned().collect())
    }

    async fn tallies(&mut self) -> Result<Vec<(JobState, u64)>, Error> {
        let count = |state| self.jobs.values().filter(|job| job.state == state).count() as u64;
        Ok(JobState::ALL.iter().map(|state| (*state, count(*state))).filter(|(_, jobs)| *jobs > 0).collect())
    }

    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error> {
        Ok(end_before(self.jobs.values(), newest))
    }

    async fn active_tallies(&mut self, scope: &Scope) -> Result<Vec<(JobState, u64)>, Error> {
        let mut tallies = BTreeMap::new();
        for job in self.active_jobs().filter(|job| self.sees(scope, job.host)) {
            *tallies.entry(job.state).or_default() += 1;
        }
        Ok(tallies.into_iter().collect())
    }
}

#[async_trait]
impl Jobs for Tables {
    async fn queue(&mut self, job: &NewJob) -> Result<(), Error> {
        self.live_host(job.host)?;
        if self.jobs.contains_key(&job.id) {
            return Err(Error::new(ErrorKind::Taken, "job"));
        }
        if let (Some(slots), Some(group)) = (job.slots, job.source_group)
            && self.job_in_slot(slots.schedule, slots.first, group).is_some()
        {
            return Err(Error::new(ErrorKind::Taken, "job"));
        }
        Arc::make_mut(&mut self.jobs).insert(job.id, Job::queued(job));
        Ok(())
    }

    async fn dispatch(&mut self, id: JobId, now: Timestamp) -> Result<(), Error> {
        let job = row(&mut self.jobs, &id, "job")?;
        if job.state != JobState::Queued || job.cancel_requested.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "job"));
        }
        job.state = JobState::Dispatched;
        job.dispatched = Some(now);
        job.attempt += 1;
        Ok(())
    }

    async fn claim_queued(&mut self, host: HostId, now: Timestamp) -> Result<Option<Job>, Error> {
        let waits =
            |job: &&Job| job.host == host && job.state == JobState::Queued && job.cancel_requested.is_none();
        let Some(id) = self.jobs.values().find(waits).map(|job| job.id) else { return Ok(None) };
        self.dispatch(id, now).await?;
        Ok(self.jobs.get(&id).cloned())
    }

    async fn requeue(&mut self, id: JobId) -> Result<(), Error> {
        let job = row(&mut self.jobs, &id, "job")?;
        if job.state != JobState::Dispatched {
            return Err(Error::new(ErrorKind::Conflict, "job"));
        }
        job.state = JobState::Queued;
        Arc::make_mut(&mut self.leases).remove(&id);
        Ok(())
    }

    async fn start(&mut self, id: JobId, now: Timestamp, command: Option<&str>) -> Result<bool, Error> {
        let job = row(&mut self.jobs, &id, "job")?;
        if !matches!(job.state, JobState::Queued | JobState::Dispatched) {
            return Ok(false);
        }
        job.state = JobState::Running;
        job.started = Some(now);
        job.command = command.map(without_nul);
        let host = job.host;
        self.refresh_running_job(host);
        Ok(true)
    }

    async fn request_cancel(&mut self, id: JobId, now: Timestamp) -> Result<bool, Error> {
        let job = row(&mut self.jobs, &id, "job")?;
        if job.state.is_end() || job.cancel_requested.is_some() {
            return Ok(false);
        }
        job.cancel_requested = Some(now);
        Ok(true)
    }

    async fn finish(&mut self, id: JobId, now: Timestamp, end: &JobEnd) -> Result<bool, Error> {
        let job = row(&mut self.jobs, &id, "job")?;
        if !end.state.is_end() {
            return Err(Error::new(ErrorKind::Conflict, "job"));
        }
        if job.state.is_end() {
            return Ok(false);
        }
        for (name, difference) in metrics::counted(job, end.state, now) {
            *Arc::make_mut(&mut self.counters).entry(name).or_default() += difference;
        }
        job.state = end.state;
        job.cause = end.cause;
        job.detail = without_nul(&end.detail);
        job.ended = Some(now);
        job.statistics = Some(end.statistics.clone());
        job.exit_code = end.exit_code;
        job.lock_left = end.lock_left;
        let (host, group, kind, slots, created) =
            (job.host, job.source_group, job.kind, job.slots, job.created);
        Arc::make_mut(&mut self.leases).remove(&id);
        self.refresh_running_job(host);
        if kind == JobKind::Backup {
            if slots.is_none_or(|slots| slots.count == 1) {
                self.note_day(host, created, end);
            }
            self.note_backup(host, group, id, now, end);
        }
        Ok(true)
    }

    async fn collect(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let old = |job: &&Job| job.ended.is_some_and(|ended| ended < ended_before);
        let mut doomed: Vec<_> = self.jobs.values().filter(old).map(|job| (job.ended, job.id)).collect();
        doomed.sort_unstable();
        doomed.truncate(limit);
        for (_, id) in &doomed {
            Arc::make_mut(&mut self.jobs).remove(id);
            self.forget_what_belongs_to(id);
        }
        Ok(doomed.len() as u64)
    }
}

/// When the job ended that so many of these follow.
pub(super) fn end_before<'t>(jobs: impl Iterator<Item = &'t Job>, newest: u64) -> Option<Timestamp> {
    let mut ends: Vec<_> = jobs.filter_map(|job| job.ended).collect();
    ends.sort_unstable();
    ends.into_iter().rev().nth(usize::try_from(newest).unwrap_or(usize::MAX))
}

impl Tables {
    /// What goes with a job that was removed.
    pub(super) fn forget_what_belongs_to(&mut self, job: &JobId) {
        Arc::make_mut(&mut self.logs).remove(job);
        Arc::make_mut(&mut self.leases).remove(job);
        Arc::make_mut(&mut self.drafts).remove(job);
        Arc::make_mut(&mut self.previews).retain(|(of, _), _| of != job);
    }

    fn active_jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(|job| !job.state.is_end())
    }

    fn refresh_running_job(&mut self, host: HostId) {
        let runs = |job: &&Job| job.host == host && job.state == JobState::Running;
        let running =
            self.jobs.values().filter(runs).max_by_key(|job| (job.started, job.id)).map(|job| job.id);
        if let Some(host) = Arc::make_mut(&mut self.hosts).get_mut(&host) {
            host.running_job = running;
        }
    }

    fn job_in_slot(&self, schedule: ScheduleId, slot: Timestamp, group: SourceGroupId) -> Option<JobId> {
        let is_it = |job: &&Job| {
            job.source_group == Some(group)
                && job.slots.is_some_and(|slots| slots.schedule == schedule && slots.first == slot)
        };
        self.jobs.values().find(is_it).map(|job| job.id)
    }

    fn note_day(&mut self, host: HostId, created: Timestamp, end: &JobEnd) {
        let Some(host) = Arc::make_mut(&mut self.hosts).get_mut(&host) else { return };
        if let Some(count) = DayTally::counter(end.state, end.cause) {
            DayTally::note(&mut host.days, DayTally::day_of(created), count);
        }
    }

    fn note_backup(
        &mut self,
        host: HostId,
        group: Option<SourceGroupId>,
        job: JobId,
        ended: Timestamp,
        end: &JobEnd,
    ) {
        if end.state == JobState::Skipped {
            return;
        }
        let bytes_processed = end.statistics.bytes_processed;
        let last = LastBackup { job, state: end.state, cause: end.cause, ended, bytes_processed };
        if let Some(group) = group.filter(|_| end.state.is_verdict())
            && let Some(group) = Arc::make_mut(&mut self.sources).get_mut(&group)
        {
            group.last_backup = Some(last.clone());
        }
        let Some(host) = Arc::make_mut(&mut self.hosts).get_mut(&host) else { return };
        host.last_backup = Some(last);
        if end.state == JobState::Succeeded {
            host.last_good_backup = Some(ended);
        }
    }
}
