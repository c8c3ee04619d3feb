//! The book: what the agent knows of its jobs and of its schedules, as values without a disk.
//!
//! A job is in it from the moment it is accepted, or its slot is due, until its end is reported; from then until the
//! server has confirmed the end, the outbox holds it. Every report that follows from a change is noted with the change
//! itself, so that one write of the book keeps both.

use std::collections::{BTreeMap, BTreeSet};

use core::time::Duration;
use restic_manager_core::schedule::{Mark, Outlook, Skipped};
use restic_manager_proto::{
    JobEnd, JobId, OutboxId, RepositoryId, ScheduleId, SourceGroupId, Timestamp,
    agent::{KnownJob, ReportItem, SlotJob},
    vocabulary::{JobKind, JobState},
};
use serde::{Deserialize, Deserializer, Serialize};

/// Marks that are kept of schedules which are no more, should they come back.
const MOST_MARKS: usize = 256;
/// Source groups whose last success is kept.
const MOST_SUCCESSES: usize = 1024;
/// A slot that was found due so far ahead of the clock was found by a clock that has been put right since.
const CLOCK_ALLOWANCE: Duration = Duration::from_secs(10 * 60);

/// A job that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// The job.
    pub job: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where to.
    pub repository: RepositoryId,
    /// What it backs up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<SourceGroupId>,
    /// `queued` while it waits for the server's order, `dispatched`, or `running`.
    pub state: JobState,
    /// Since when it runs.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// The slot that it was fired by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotRecord>,
}

/// The slot that a job was fired by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRecord {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The slot.
    pub slot: Timestamp,
    /// When it was found due.
    pub due_at: Timestamp,
}

/// A job whose end the server has not confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EndedJob {
    job: JobId,
    state: JobState,
    /// Number of its end in the outbox.
    number: u64,
}

/// Reports that belong into the outbox because the book says that they are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unsaid {
    outbox: OutboxId,
    /// Number of the last item before them.
    after: u64,
    items: Vec<ReportItem>,
}

/// The agent's jobs, its schedules' marks, and the reports that are still to be put into the outbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Book {
    #[serde(deserialize_with = "of_this_build")]
    jobs: Vec<JobRecord>,
    /// What has been decided of each schedule's slots.
    marks: BTreeMap<ScheduleId, Mark>,
    /// When each source group was last backed up without a fault.
    successes: BTreeMap<SourceGroupId, Timestamp>,
    unsaid: Option<Unsaid>,
    /// Jobs whose ends wait in the outbox; read from there at each start.
    #[serde(skip)]
    ended: Vec<EndedJob>,
    /// Jobs whose slots wait in the outbox, with the numbers of those reports; read from there likewise.
    #[serde(skip)]
    due: BTreeMap<JobId, u64>,
}

/// Looks.
impl Book {
    /// The jobs that have not ended.
    #[must_use]
    pub fn jobs(&self) -> &[JobRecord] {
        &self.jobs
    }

    /// How many jobs there are, those included whose ends the server has not confirmed.
    #[must_use]
    pub fn count(&self) -> usize {
        self.jobs.len() + self.ended.len()
    }

    /// Whether a job is known.
    #[must_use]
    pub fn knows(&self, job: JobId) -> bool {
        self.record(job).is_some() || self.ended.iter().any(|ended| ended.job == job)
    }

    /// Whether a job has been taken up: it is known and does not wait for an order.
    #[must_use]
    pub fn holds(&self, job: JobId) -> bool {
        self.knows(job) && self.record(job).is_none_or(|record| record.state != JobState::Queued)
    }

    /// The jobs that wait for the server's order.
    pub fn queued(&self) -> impl Iterator<Item = &JobRecord> {
        self.jobs.iter().filter(|record| record.state == JobState::Queued)
    }

    /// The jobs that run.
    pub fn running(&self) -> impl Iterator<Item = &JobRecord> {
        self.jobs.iter().filter(|record| record.state == JobState::Running)
    }

    /// What the server is told after each welcome.
    #[must_use]
    pub fn inventory(&self) -> Vec<KnownJob> {
        let open = self.jobs.iter().map(|record| (record.job, record.state));
        let ended = self.ended.iter().map(|ended| (ended.job, ended.state));
        let known = |(job, state)| KnownJob::new(job, state).with_new(self.due.contains_key(&job));
        open.chain(ended).map(known).collect()
    }

    /// What has been decided of a schedule's slots.
    #[must_use]
    pub fn mark(&self, schedule: ScheduleId) -> Option<&Mark> {
        self.marks.get(&schedule)
    }

    /// Whether a job of a schedule waits or runs. One whose slot was found due by a clock that was far ahead, and that
    /// has not been taken up, keeps nobody waiting.
    #[must_use]
    pub fn is_busy(&self, schedule: ScheduleId, now: Timestamp) -> bool {
        let counts = |record: &JobRecord, slot: SlotRecord| {
            slot.schedule == schedule
                && (record.state != JobState::Queued || slot.due_at <= now.after(CLOCK_ALLOWANCE))
        };
        self.jobs.iter().any(|record| record.slot.is_some_and(|slot| counts(record, slot)))
    }

    /// The oldest of the last successes of some source groups; `None` when one of them never succeeded.
    #[must_use]
    pub fn last_success(&self, groups: &[SourceGroupId]) -> Option<Timestamp> {
        let all: Option<Vec<_>> = groups.iter().map(|group| self.successes.get(group).copied()).collect();
        all?.into_iter().min()
    }

    fn record(&self, job: JobId) -> Option<&JobRecord> {
        self.jobs.iter().find(|record| record.job == job)
    }
}

/// Changes.
impl Book {
    /// Takes up a job that is to wait its turn; `false` when it was taken up before.
    pub fn accept(
        &mut self,
        job: JobId,
        kind: JobKind,
        repository: RepositoryId,
        group: Option<SourceGroupId>,
    ) -> bool {
        if self.holds(job) {
            return false;
        }
        let state = JobState::Dispatched;
        match self.jobs.iter_mut().find(|record| record.job == job) {
            Some(record) => (record.state, record.repository) = (state, repository),
            None => {
                let (started_at, slot) = (None, None);
                self.jobs.push(JobRecord { job, kind, repository, group, state, started_at, slot });
            }
        }
        true
    }

    /// Forgets jobs that were taken up and never started, so that the server sends them again; those of a slot wait
    /// again.
    pub fn lay_down(&mut self, which: impl Fn(JobId) -> bool) {
        let is_laid_down = |record: &JobRecord| record.state == JobState::Dispatched && which(record.job);
        self.jobs.retain(|record| record.slot.is_some() || !is_laid_down(record));
        for record in self.jobs.iter_mut().filter(|record| is_laid_down(record)) {
            record.state = JobState::Queued;
        }
    }

    /// A job starts.
    pub fn start(&mut self, job: JobId, at: Timestamp, command: &str) {
        if let Some(record) = self.jobs.iter_mut().find(|record| record.job == job) {
            (record.state, record.started_at) = (JobState::Running, Some(at));
        }
        self.report(ReportItem::JobStarted { job, at, command: command.to_owned() });
    }

    /// A job ended; one that has ended already stays as it is.
    pub fn end(&mut self, job: JobId, at: Timestamp, end: &JobEnd) {
        if self.record(job).is_some() {
            let number = self.report(ReportItem::JobEnded { job, at, end: end.clone() });
            self.note_end(job, at, end.state, number);
        }
    }

    /// A schedule counts its slots from a moment on.
    pub fn begin(&mut self, schedule: ScheduleId, since: Timestamp) {
        match self.marks.get_mut(&schedule) {
            Some(mark) => mark.begin(since),
            None => drop(self.marks.insert(schedule, Mark::new(since))),
        }
    }

    /// Notes what was decided about a schedule, and reports it: the slots that are skipped, and the one that is due
    /// with its jobs.
    pub fn decide(
        &mut self,
        schedule: ScheduleId,
        groups: &[SourceGroupId],
        outlook: &Outlook,
        jobs: Vec<SlotJob>,
        now: Timestamp,
    ) {
        for skipped in &outlook.skipped {
            self.report(slot_skipped(schedule, groups, skipped, now));
        }
        if let Some(slot) = outlook.fire {
            let slot = SlotRecord { schedule, slot: slot.instant, due_at: now };
            self.jobs.extend(jobs.iter().map(|job| waiting(*job, slot)));
            let ids: Vec<_> = jobs.iter().map(|job| job.job).collect();
            let number = self.report(slot_due(slot, jobs));
            self.due.extend(ids.into_iter().map(|job| (job, number)));
        }
        self.marks.insert(schedule, outlook.mark.clone());
    }

    /// Forgets marks and successes of what is no more, when they are many.
    pub fn tidy(&mut self, schedules: &[ScheduleId], groups: &[SourceGroupId]) {
        if self.marks.len() > MOST_MARKS {
            self.marks.retain(|schedule, _| schedules.contains(schedule));
        }
        if self.successes.len() > MOST_SUCCESSES {
            self.successes.retain(|group, _| groups.contains(group));
        }
    }

    /// Notes a report that goes into the outbox with the next write; gives the number that it will have there.
    pub fn report(&mut self, item: ReportItem) -> u64 {
        let unsaid = self.unsaid.get_or_insert_with(|| Unsaid::after(OutboxId::from_bytes([0; 16]), 0));
        unsaid.items.push(item);
        unsaid.last()
    }

    fn note_end(&mut self, job: JobId, at: Timestamp, state: JobState, number: u64) {
        if let Some(index) = self.jobs.iter().position(|record| record.job == job) {
            let record = self.jobs.remove(index);
            if let (Some(group), JobState::Succeeded) = (record.group, state) {
                self.successes.insert(group, at);
            }
        }
        if !self.ended.iter().any(|ended| ended.job == job) {
            self.ended.push(EndedJob { job, state, number });
        }
    }
}

/// In step with the outbox.
impl Book {
    /// Reports that are to be put into the outbox.
    #[must_use]
    pub fn unsaid(&self) -> &[ReportItem] {
        self.unsaid.as_ref().map_or(&[], |unsaid| &unsaid.items)
    }

    /// Everything that was to be said is in the outbox, which ends there.
    pub fn said(&mut self, outbox: OutboxId, last: u64) {
        self.unsaid = Some(Unsaid::after(outbox, last));
    }

    /// After a start: of what was to be said only that is left which the outbox lacks. Beside an outbox that is not the
    /// one it knew, all of it is, and the slots whose jobs wait are reported again.
    pub fn meet(&mut self, outbox: OutboxId, last: u64) {
        let Some(mut unsaid) = self.unsaid.take() else { return };
        if unsaid.outbox == outbox {
            let said = usize::try_from(last.saturating_sub(unsaid.after)).unwrap_or(usize::MAX);
            unsaid.items.drain(..said.min(unsaid.items.len()));
        } else {
            let due = self.jobs.iter().filter_map(due_again);
            unsaid.items.splice(..0, due);
        }
        self.unsaid = Some(Unsaid { outbox, after: last, items: unsaid.items });
    }

    /// What an item of the outbox says of the jobs: their ends and their slots.
    pub fn recall(&mut self, number: u64, item: &ReportItem) {
        match item {
            ReportItem::JobEnded { job, at, end } => self.note_end(*job, *at, end.state, number),
            ReportItem::SlotDue { jobs, .. } => self.due.extend(jobs.iter().map(|job| (job.job, number))),
            _ => {}
        }
    }

    /// The same for what is still to be said.
    pub fn recall_unsaid(&mut self) {
        let Some(unsaid) = self.unsaid.clone() else { return };
        for (number, item) in (unsaid.after + 1..).zip(&unsaid.items) {
            self.recall(number, item);
        }
    }

    /// The server has everything up to a number.
    pub fn acknowledge(&mut self, through: u64) {
        self.ended.retain(|ended| ended.number > through);
        self.due.retain(|_, number| *number > through);
    }

    /// Jobs that an earlier form of the book kept after their ends.
    pub(super) fn drop_ended(&mut self) {
        self.jobs.retain(|record| !record.state.is_end());
        let mut seen = BTreeSet::new();
        self.jobs.retain(|record| seen.insert(record.job));
    }
}

impl Unsaid {
    fn after(outbox: OutboxId, after: u64) -> Self {
        Self { outbox, after, items: Vec::new() }
    }

    fn last(&self) -> u64 {
        self.after + self.items.len() as u64
    }
}

fn waiting(job: SlotJob, slot: SlotRecord) -> JobRecord {
    JobRecord {
        job: job.job,
        kind: JobKind::Backup,
        repository: job.repository,
        group: Some(job.group),
        state: JobState::Queued,
        started_at: None,
        slot: Some(slot),
    }
}

fn slot_due(slot: SlotRecord, jobs: Vec<SlotJob>) -> ReportItem {
    ReportItem::SlotDue { schedule: slot.schedule, slot: slot.slot, at: slot.due_at, jobs }
}

fn due_again(record: &JobRecord) -> Option<ReportItem> {
    let job = SlotJob { job: record.job, group: record.group?, repository: record.repository };
    Some(slot_due(record.slot?, vec![job]))
}

fn slot_skipped(
    schedule: ScheduleId,
    groups: &[SourceGroupId],
    skipped: &Skipped,
    now: Timestamp,
) -> ReportItem {
    ReportItem::SlotSkipped {
        schedule,
        from: skipped.from,
        through: skipped.through,
        count: skipped.count,
        at: now,
        cause: skipped.cause,
        groups: groups.to_vec(),
    }
}

/// Jobs of a kind that this build does not know are left out: the server ends what nobody knows.
fn of_this_build<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<JobRecord>, D::Error> {
    let jobs = Vec::<serde_json::Value>::deserialize(deserializer)?;
    let known = jobs.into_iter().filter_map(|job| {
        serde_json::from_value(job)
            .inspect_err(
                |error| tracing::warn!(%error, "a job in the book is not of this build; it is left out"),
            )
            .ok()
    });
    Ok(known.collect())
}
