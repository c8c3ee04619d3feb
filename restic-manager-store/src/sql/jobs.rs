use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobEnd, JobId, ScheduleId, Scope, SourceGroupId, Timestamp,
    vocabulary::{JobKind, JobState},
};

use super::{
    Connection, Sql, Value,
    record::{Columns, Select, columns, select},
    value::values,
    within::{is_within, scoped},
};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    hosts::DayTally,
    jobs::{Job, JobQueries, JobScope, Jobs, NewJob, Slots},
    logs::LogExtent,
    metrics,
};

const BY_STATE: &str = "jobs:";

columns! { Slots { schedule, first = slot, last = slot_last, count = slots } }

columns! { LogExtent { last_sequence, lines, bytes, missing, discarded } }

columns! {
    Job of jobs, "job" {
        id, host, kind, state, cause, detail, trigger = asked_by, requested_by, source_group, slots?: "",
        repository, dispatch_by, end_by, created, dispatched, started, ended, cancel_requested, attempt,
        statistics, log: "log_", exit_code, lock_left, command, options,
    }
    and |_row| { log_pending: 0_u64 }
}

/// How a page of jobs within a scope is found.
enum Way {
    /// By a list that holds nothing else.
    One(JobScope),
    /// By the lists of a few hosts, joined: what the others do costs nothing.
    Few(Vec<JobScope>),
    /// By looking at each job of a list for its host; so many hosts that most of them pass.
    Sift,
}

/// Up to so many hosts have their lists joined.
const FEW: usize = 32;

/// A list as it is, and the same for hosts within a scope alone.
macro_rules! texts {
    ($condition:literal) => {
        (
            select!(Job: "WHERE id < $1 ", $condition, " ORDER BY id DESC LIMIT $2"),
            select!(
Job:
                "WHERE id < $1 ",
                $condition,
                " AND ",
                is_within!("jobs.host"),
                " ORDER BY id DESC LIMIT $2"
            ),
        )
    };
}

fn list(scope: JobScope, after: JobId, limit: usize) -> ((Select<Job>, Select<Job>), Vec<Value>) {
    match scope {
        JobScope::Fleet => (texts!(""), values![after, limit]),
        JobScope::Host(host) => (texts!("AND host = $3"), values![after, limit, host]),
        JobScope::Repository(repository) => {
            (texts!("AND repository = $3"), values![after, limit, repository])
        }
        JobScope::SourceGroup(group) => (texts!("AND source_group = $3"), values![after, limit, group]),
        JobScope::Schedule(schedule) => (texts!("AND schedule = $3"), values![after, limit, schedule]),
        JobScope::HostWithin(host, from, until) => {
            let (first, last) = (JobScope::first_id(from), JobScope::first_id(until));
            (texts!("AND host = $3 AND id >= $4"), values![after.min(last), limit, host, first])
        }
        JobScope::State(state) => (texts!("AND state = $3"), values![after, limit, state]),
        JobScope::HostState(host, state) => {
            (texts!("AND host = $3 AND state = $4"), values![after, limit, host, state])
        }
    }
}

#[async_trait]
impl<C: Connection> JobQueries for Sql<C> {
    async fn find(&mut self, id: JobId) -> Result<Option<Job>, Error> {
        self.row(select!(Job: "WHERE id = $1"), values![id]).await
    }

    async fn in_slot(
        &mut self,
        schedule: ScheduleId,
        slot: Timestamp,
        group: SourceGroupId,
    ) -> Result<Option<JobId>, Error> {
        let sql = "SELECT id FROM jobs WHERE schedule = $1 AND slot = $2 AND source_group = $3";
        self.only(sql, values![schedule, slot, group], "job").await
    }

    async fn page(
        &mut self,
        scope: JobScope,
        seen_by: &Scope,
        request: PageRequest<JobId>,
    ) -> Result<Page<Job, JobId>, Error> {
        let after = request.after.unwrap_or(JobId::from_bytes([0xff; 16]));
        let limit = request.limit + 1;
        let jobs = match self.way(scope, seen_by).await? {
            Way::One(scope) => {
                let ((sql, _), values) = list(scope, after, limit);
                self.rows(sql, values).await?
            }
            Way::Few(scopes) => self.join(&scopes, after, limit).await?,
            Way::Sift => {
                let ((_, sql), values) = list(scope, after, limit);
                self.rows(sql, scoped(values, seen_by)).await?
            }
        };
        Ok(Page::from_overfull(jobs, request.limit, |job| job.id))
    }

    async fn active_of(&mut self, host: HostId) -> Result<Vec<Job>, Error> {
        let sql =
            select!(Job: "WHERE host = $1 AND state IN ('queued', 'dispatched', 'running') ORDER BY id");
        self.rows(sql, values![host]).await
    }

    async fn overdue(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Job>, Error> {
        let sql = select!(
        Job:
                    "WHERE state IN ('queued', 'dispatched', 'running') \
                     AND (end_by <= $1 OR CASE state WHEN 'queued' THEN dispatch_by <= $1 \
                     ELSE cancel_requested IS NOT NULL END) ORDER BY id LIMIT $2"
                );
        self.rows(sql, values![now, limit]).await
    }

    async fn tallies(&mut self) -> Result<Vec<(JobState, u64)>, Error> {
        let by_state = self.counters(BY_STATE).await?;
        let count = |state: &JobState| {
            by_state.iter().find(|(name, _)| name == state.as_str()).map(|(_, jobs)| (*state, *jobs))
        };
        Ok(JobState::ALL.iter().filter_map(count).collect())
    }

    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error> {
        let sql =
            "SELECT ended FROM jobs WHERE ended IS NOT NULL ORDER BY ended DESC, id DESC LIMIT 1 OFFSET $1";
        self.only(sql, values![newest], "job").await
    }

    async fn active_tallies(&mut self, scope: &Scope) -> Result<Vec<(JobState, u64)>, Error> {
        let sql = concat!(
            "SELECT state, COUNT(*) AS jobs FROM jobs WHERE state IN ('queued', 'dispatched', 'running') AND ",
            is_within!("jobs.host"),
            " GROUP BY state"
        );
        let tally = |columns: &Columns<'_>| Ok((columns.get("state")?, columns.get("jobs")?));
        self.rows_of(sql, scoped(Vec::new(), scope), "jobs", "job", tally).await
    }
}

#[async_trait]
impl<C: Connection> Jobs for Sql<C> {
    async fn queue(&mut self, job: &NewJob) -> Result<(), Error> {
        self.expect_live_host(job.host).await?;
        if !self.insert(&Job::queued(job)).await? {
            return Err(Error::new(ErrorKind::Taken, "job"));
        }
        self.count_job(job.id, None, Some(JobState::Queued)).await
    }

    async fn dispatch(&mut self, id: JobId, now: Timestamp) -> Result<(), Error> {
        let sql = "UPDATE jobs SET state = $2, dispatched = $3, attempt = attempt + 1 \
                   WHERE id = $1 AND state = $4 AND cancel_requested IS NULL";
        if !self.change(sql, values![id, JobState::Dispatched, now, JobState::Queued]).await? {
            return Err(self.unfit_job(id).await?);
        }
        self.count_job(id, Some(JobState::Queued), Some(JobState::Dispatched)).await
    }

    async fn claim_queued(&mut self, host: HostId, now: Timestamp) -> Result<Option<Job>, Error> {
        let sql = "SELECT id FROM jobs WHERE host = $1 AND state = $2 AND cancel_requested IS NULL \
                   ORDER BY id LIMIT 1";
        let id = self.only(sql, values![host, JobState::Queued], "job").await?;
        let Some(id) = id else { return Ok(None) };
        self.dispatch(id, now).await?;
        self.row(select!(Job: "WHERE id = $1"), values![id]).await
    }

    async fn requeue(&mut self, id: JobId) -> Result<(), Error> {
        let sql = "UPDATE jobs SET state = $2 WHERE id = $1 AND state = $3";
        if !self.change(sql, values![id, JobState::Queued, JobState::Dispatched]).await? {
            return Err(self.unfit_job(id).await?);
        }
        self.execute("DELETE FROM leases WHERE job = $1", values![id]).await?;
        self.count_job(id, Some(JobState::Dispatched), Some(JobState::Queued)).await
    }

    async fn start(&mut self, id: JobId, now: Timestamp, command: Option<&str>) -> Result<bool, Error> {
        let Job { host, state, .. } = self.standing(id).await?;
        if !matches!(state, JobState::Queued | JobState::Dispatched) {
            return Ok(false);
        }
        let sql = "UPDATE jobs SET state = $2, started = $3, command = $4 WHERE id = $1";
        self.execute(sql, values![id, JobState::Running, now, command]).await?;
        self.count_job(id, Some(state), Some(JobState::Running)).await?;
        self.refresh_running_job(host).await?;
        Ok(true)
    }

    async fn request_cancel(&mut self, id: JobId, now: Timestamp) -> Result<bool, Error> {
        self.standing(id).await?;
        let sql = "UPDATE jobs SET cancel_requested = $2 \
                   WHERE id = $1 AND cancel_requested IS NULL AND state IN ('queued', 'dispatched', 'running')";
        self.change(sql, values![id, now]).await
    }

    async fn finish(&mut self, id: JobId, now: Timestamp, end: &JobEnd) -> Result<bool, Error> {
        let job = self.standing(id).await?;
        let Job { host, kind, source_group, state, created, slots, .. } = job;
        if !end.state.is_end() {
            return Err(Error::new(ErrorKind::Conflict, "job"));
        }
        if state.is_end() {
            return Ok(false);
        }
        let sql = "UPDATE jobs SET state = $2, cause = $3, detail = $4, ended = $5, statistics = $6, exit_code = $7, \
                   lock_left = $8 WHERE id = $1";
        let values =
            values![id, end.state, end.cause, end.detail, now, end.statistics, end.exit_code, end.lock_left];
        self.execute(sql, values).await?;
        self.count_job(id, Some(state), Some(end.state)).await?;
        for (name, difference) in metrics::counted(&job, end.state, now) {
            self.count(&name, id.as_bytes()[15], difference).await?;
        }
        self.merge_pieces(id).await?;
        self.execute("DELETE FROM leases WHERE job = $1", values![id]).await?;
        self.refresh_running_job(host).await?;
        if kind == JobKind::Backup {
            if slots.is_none_or(|slots| slots.count == 1) {
                self.note_day(host, created, end).await?;
            }
            self.note_backup(host, source_group, id, now, end).await?;
        }
        Ok(true)
    }

    async fn collect(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM jobs WHERE id IN \
                   (SELECT id FROM jobs WHERE ended < $1 ORDER BY ended, id LIMIT $2) RETURNING id, state";
        self.remove_jobs(sql, values![ended_before, limit]).await
    }
}

impl<C: Connection> Sql<C> {
    /// Removes jobs of a host, whatever their state; says how many.
    pub(super) async fn purge_jobs(&mut self, host: HostId, limit: u64) -> Result<u64, Error> {
        let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE host = $1 ORDER BY id LIMIT $2) \
                   RETURNING id, state";
        self.remove_jobs(sql, values![host, limit]).await
    }

    /// Runs a statement that removes jobs and returns their ids and states; says how many.
    async fn remove_jobs(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        let gone = |columns: &Columns<'_>| Ok((columns.get::<JobId>("id")?, columns.get("state")?));
        let gone = self.rows_of(sql, values, "jobs", "job", gone).await?;
        for (id, state) in &gone {
            self.count_job(*id, Some(*state), None).await?;
        }
        Ok(gone.len() as u64)
    }

    async fn way(&mut self, scope: JobScope, seen_by: &Scope) -> Result<Way, Error> {
        let state = match scope {
            _ if seen_by.is_all() => return Ok(Way::One(scope)),
            JobScope::Host(host) | JobScope::HostState(host, _) | JobScope::HostWithin(host, ..) => {
                let is_seen = self.sees(seen_by, host).await?;
                return Ok(if is_seen { Way::One(scope) } else { Way::Few(Vec::new()) });
            }
            JobScope::Repository(_) | JobScope::SourceGroup(_) | JobScope::Schedule(_) => {
                return Ok(Way::Sift);
            }
            JobScope::State(state) => Some(state),
            JobScope::Fleet => None,
        };
        let hosts = self.hosts_within(seen_by, FEW + 1).await?;
        if hosts.len() > FEW {
            return Ok(Way::Sift);
        }
        let of_host = |host| state.map_or(JobScope::Host(host), |state| JobScope::HostState(host, state));
        Ok(Way::Few(hosts.into_iter().map(of_host).collect()))
    }

    async fn join(&mut self, scopes: &[JobScope], after: JobId, limit: usize) -> Result<Vec<Job>, Error> {
        let mut jobs = Vec::new();
        for scope in scopes {
            let ((sql, _), values) = list(*scope, after, limit);
            jobs.extend(self.rows(sql, values).await?);
        }
        jobs.sort_unstable_by_key(|job: &Job| core::cmp::Reverse(job.id));
        jobs.truncate(limit);
        Ok(jobs)
    }

    async fn standing(&mut self, id: JobId) -> Result<Job, Error> {
        let job = self.row(select!(Job: "WHERE id = $1"), values![id]).await?;
        job.ok_or(Error::new(ErrorKind::NotFound, "job"))
    }

    async fn unfit_job(&mut self, id: JobId) -> Result<Error, Error> {
        self.standing(id).await?;
        Ok(Error::new(ErrorKind::Conflict, "job"))
    }

    async fn count_job(
        &mut self,
        id: JobId,
        before: Option<JobState>,
        after: Option<JobState>,
    ) -> Result<(), Error> {
        let shard = id.as_bytes()[15];
        for (state, difference) in [(before, -1), (after, 1)] {
            if let Some(state) = state {
                self.count(&format!("{BY_STATE}{state}"), shard, difference).await?;
            }
        }
        Ok(())
    }

    async fn refresh_running_job(&mut self, host: HostId) -> Result<(), Error> {
        let sql = "UPDATE hosts SET running_job = (SELECT id FROM jobs WHERE host = $1 AND state = 'running' \
                   ORDER BY started DESC, id DESC LIMIT 1) WHERE id = $1";
        self.execute(sql, values![host]).await?;
        Ok(())
    }

    async fn note_day(&mut self, host: HostId, created: Timestamp, end: &JobEnd) -> Result<(), Error> {
        match DayTally::counter(end.state, end.cause) {
            Some(count) => self.note_days(host, &[DayTally::day_of(created)], count).await,
            None => Ok(()),
        }
    }

    async fn note_backup(
        &mut self,
        host: HostId,
        group: Option<SourceGroupId>,
        job: JobId,
        ended: Timestamp,
        end: &JobEnd,
    ) -> Result<(), Error> {
        if end.state == JobState::Skipped {
            return Ok(());
        }
        let good = (end.state == JobState::Succeeded).then_some(ended);
        let sql = "UPDATE hosts SET last_backup_job = $2, last_backup_state = $3, last_backup_cause = $4, \
                   last_backup_ended = $5, last_backup_bytes = $6, \
                   last_good_backup = COALESCE($7, last_good_backup) WHERE id = $1";
        let bytes = end.statistics.bytes_processed;
        self.execute(sql, values![host, job, end.state, end.cause, ended, bytes, good]).await?;
        if let Some(group) = group.filter(|_| end.state.is_verdict()) {
            let sql = "UPDATE source_groups SET last_backup_job = $2, last_backup_state = $3, last_backup_cause = $4, \
                       last_backup_ended = $5, last_backup_bytes = $6 WHERE id = $1";
            self.execute(sql, values![group, job, end.state, end.cause, ended, bytes]).await?;
        }
        Ok(())
    }
}
