//! Executions, from the question to the end.

use async_trait::async_trait;
use restic_manager_proto::{
    HostId, JobEnd, JobId, JobOptions, RepositoryId, ScheduleId, Scope, SourceGroupId, Statistics, Timestamp,
    UserId,
    vocabulary::{Cause, JobKind, JobState, Trigger},
};

use crate::{Error, Page, PageRequest, logs::LogExtent};

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which.
    pub id: JobId,
    /// On which host.
    pub host: HostId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// Why it ended so.
    pub cause: Cause,
    /// The words that prove it; empty for none.
    pub detail: String,
    /// Who or what asked.
    pub trigger: Trigger,
    /// Which person.
    pub requested_by: Option<UserId>,
    /// What it backs up.
    pub source_group: Option<SourceGroupId>,
    /// Which slots of a schedule it is for.
    pub slots: Option<Slots>,
    /// Which repository it uses.
    pub repository: Option<RepositoryId>,
    /// What was chosen for it.
    pub options: JobOptions,
    /// Until when it must have reached its host.
    pub dispatch_by: Option<Timestamp>,
    /// Until when it must have ended.
    pub end_by: Option<Timestamp>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last sent to its host.
    pub dispatched: Option<Timestamp>,
    /// When its host began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When somebody asked that it stop.
    pub cancel_requested: Option<Timestamp>,
    /// How often it was sent to its host.
    pub attempt: u32,
    /// What it did, in numbers.
    pub statistics: Option<Statistics>,
    /// What is stored of its log.
    pub log: LogExtent,
    /// restic's exit code.
    pub exit_code: Option<i32>,
    /// Whether an own lock may have been left in the repository.
    pub lock_left: bool,
    /// The restic command, without secrets.
    pub command: Option<String>,
}

impl Job {
    /// A job that waits for its host.
    #[must_use]
    pub(crate) fn queued(new: &NewJob) -> Self {
        Self {
            id: new.id,
            host: new.host,
            kind: new.kind,
            state: JobState::Queued,
            cause: Cause::None,
            detail: String::new(),
            trigger: new.trigger,
            requested_by: new.requested_by,
            source_group: new.source_group,
            slots: new.slots,
            repository: new.repository,
            options: new.options.clone(),
            dispatch_by: new.dispatch_by,
            end_by: new.end_by,
            created: new.created,
            dispatched: None,
            started: None,
            ended: None,
            cancel_requested: None,
            attempt: 0,
            statistics: None,
            lock_left: false,
            log: LogExtent::default(),
            exit_code: None,
            command: None,
        }
    }
}

/// Slots of a schedule: one that runs, or one or several that were skipped together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The first slot.
    pub first: Timestamp,
    /// The last one; the same for a single slot.
    pub last: Timestamp,
    /// How many they are.
    pub count: u64,
}

impl Slots {
    /// A single slot.
    #[must_use]
    pub const fn one(schedule: ScheduleId, slot: Timestamp) -> Self {
        Self { schedule, first: slot, last: slot, count: 1 }
    }
}

/// A job as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Which.
    pub id: JobId,
    /// On which host.
    pub host: HostId,
    /// What it does.
    pub kind: JobKind,
    /// Who or what asks.
    pub trigger: Trigger,
    /// Which person.
    pub requested_by: Option<UserId>,
    /// What it backs up.
    pub source_group: Option<SourceGroupId>,
    /// Which slots of a schedule it is for.
    pub slots: Option<Slots>,
    /// Which repository it uses.
    pub repository: Option<RepositoryId>,
    /// What is chosen for it.
    pub options: JobOptions,
    /// Until when it must have reached its host.
    pub dispatch_by: Option<Timestamp>,
    /// Until when it must have ended.
    pub end_by: Option<Timestamp>,
    /// When.
    pub created: Timestamp,
}

/// Which jobs a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobScope {
    /// All.
    Fleet,
    /// Those of a host.
    Host(HostId),
    /// Those that use a repository.
    Repository(RepositoryId),
    /// Those of a source group.
    SourceGroup(SourceGroupId),
    /// Those of a schedule.
    Schedule(ScheduleId),
    /// Those of a host whose ids are from the first moment on and before the second.
    HostWithin(HostId, Timestamp, Timestamp),
    /// Those in a state.
    State(JobState),
    /// Those of a host in a state.
    HostState(HostId, JobState),
}

impl JobScope {
    /// The id that is lower than any made at a moment or later.
    pub(crate) fn first_id(moment: Timestamp) -> JobId {
        let milliseconds = u64::try_from(moment.as_milliseconds()).unwrap_or(0).min((1 << 48) - 1);
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&milliseconds.to_be_bytes()[2..]);
        JobId::from_bytes(bytes)
    }
}

/// Queries about jobs.
#[async_trait]
pub trait JobQueries: Send {
    /// One job.
    async fn find(&mut self, id: JobId) -> Result<Option<Job>, Error>;
    /// The job of a source group for a slot of a schedule, or for slots that begin with it.
    async fn in_slot(
        &mut self,
        schedule: ScheduleId,
        slot: Timestamp,
        group: SourceGroupId,
    ) -> Result<Option<JobId>, Error>;
    /// Jobs on hosts that somebody sees, newest first.
    async fn page(
        &mut self,
        scope: JobScope,
        seen_by: &Scope,
        request: PageRequest<JobId>,
    ) -> Result<Page<Job, JobId>, Error>;
    /// The jobs of a host that have not ended, oldest first.
    async fn active_of(&mut self, host: HostId) -> Result<Vec<Job>, Error>;
    /// Jobs that somebody should look at, oldest first, `limit` at most: queued ones that passed either deadline at
    /// `now`, dispatched and running ones that passed the one for their end or shall be cancelled.
    async fn overdue(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Job>, Error>;
    /// How many jobs are in each state, in the order of [`JobState::ALL`], kept as counters. States without any are
    /// missing.
    async fn tallies(&mut self) -> Result<Vec<(JobState, u64)>, Error>;
    /// When the job ended that is followed by so many that ended later; `None` when no more than those have ended.
    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error>;
    /// How many jobs that have not ended are in each state on the hosts of a scope, in any order.
    async fn active_tallies(&mut self, scope: &Scope) -> Result<Vec<(JobState, u64)>, Error>;
}

/// Changes to jobs: the steps of their life. The host's row follows: running job, last backup, last good backup, the
/// tally of the day on which the job was asked for. What was skipped is no last backup.
#[async_trait]
pub trait Jobs: JobQueries {
    /// Records a job, queued. `NotFound` when the host doesn't exist or is deleted, `Taken` when there is one for the
    /// same source group and slot.
    async fn queue(&mut self, job: &NewJob) -> Result<(), Error>;
    /// Sends a queued job: dispatched, one attempt more. `Conflict` when it isn't queued or shall be cancelled.
    async fn dispatch(&mut self, id: JobId, now: Timestamp) -> Result<(), Error>;
    /// Dispatches the oldest queued job of a host that nobody wants cancelled.
    async fn claim_queued(&mut self, host: HostId, now: Timestamp) -> Result<Option<Job>, Error>;
    /// Takes back a dispatch that did not arrive: queued again, without its lease. `Conflict` when the job isn't dispatched.
    async fn requeue(&mut self, id: JobId) -> Result<(), Error>;
    /// Notes that the host began; says whether that is news. A job that has ended stays so.
    async fn start(&mut self, id: JobId, now: Timestamp, command: Option<&str>) -> Result<bool, Error>;
    /// Notes that somebody wants it stopped; says whether that is news. A job that has ended stays so.
    async fn request_cancel(&mut self, id: JobId, now: Timestamp) -> Result<bool, Error>;
    /// Ends a job, and its lease with it; says whether that is news. The first end stays. `Conflict` when the state given is no end.
    async fn finish(&mut self, id: JobId, now: Timestamp, end: &JobEnd) -> Result<bool, Error>;
    /// Forgets jobs that ended before a moment, logs and all, `limit` at most, oldest first; says how many. Jobs that
    /// have not ended are never forgotten.
    async fn collect(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error>;
}
