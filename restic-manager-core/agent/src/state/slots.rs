//! Slots in the book: what was decided is on the disk before anybody hears of it.

use restic_manager_core::schedule::{Mark, Outlook, Skipped};
use restic_manager_proto::{
    OutboxId, ScheduleId, SourceGroupId, Timestamp,
    agent::{ReportItem, SlotJob},
    vocabulary::{JobKind, JobState},
};
use serde::{Deserialize, Serialize};

use super::journal::{Book, JobRecord, Journal};
use crate::files::FileError;

/// Marks that are kept of schedules which are no more, should they come back.
const MOST_MARKS: usize = 256;
/// Source groups whose last success is kept.
const MOST_SUCCESSES: usize = 1024;

/// The slot that a job was fired by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlotRecord {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The slot.
    pub slot: Timestamp,
    /// When it was found due.
    pub due_at: Timestamp,
    /// Number of the report in the outbox.
    pub reported_as: u64,
    /// Whether the server has it.
    pub is_known: bool,
}

/// Items that belong into the outbox because the book says that they are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsaid {
    outbox: OutboxId,
    /// Number of the last item before them.
    after: u64,
    items: Vec<ReportItem>,
}

impl Journal {
    /// What has been decided of a schedule's slots.
    #[must_use]
    pub fn mark(&self, schedule: ScheduleId) -> Option<&Mark> {
        self.book.marks.get(&schedule)
    }

    /// Whether a job of a schedule waits or runs.
    #[must_use]
    pub fn is_busy(&self, schedule: ScheduleId) -> bool {
        let of_schedule = |record: &&JobRecord| record.slot.is_some_and(|slot| slot.schedule == schedule);
        self.book.jobs.iter().filter(of_schedule).any(|record| record.ended_as.is_none())
    }

    /// The oldest of the last successes of some source groups; `None` when one of them never succeeded.
    #[must_use]
    pub fn last_success(&self, groups: &[SourceGroupId]) -> Option<Timestamp> {
        let all: Option<Vec<_>> =
            groups.iter().map(|group| self.book.successes.get(group).copied()).collect();
        all?.into_iter().min()
    }

    /// The jobs that wait for the server's order.
    pub fn queued(&self) -> impl Iterator<Item = &JobRecord> {
        self.book.jobs.iter().filter(|record| record.state == JobState::Queued)
    }

    /// A schedule counts its slots from a moment on.
    ///
    /// # Errors
    /// When the disk refuses; nothing has changed then.
    pub fn begin(&mut self, schedule: ScheduleId, since: Timestamp) -> Result<(), FileError> {
        self.change_book(|book| match book.marks.get_mut(&schedule) {
            Some(mark) => mark.begin(since),
            None => drop(book.marks.insert(schedule, Mark::new(since))),
        })
    }

    /// Forgets marks and successes of what is no more, when they are many.
    pub fn tidy(&mut self, schedules: &[ScheduleId], groups: &[SourceGroupId]) {
        let Book { marks, successes, .. } = &mut self.book;
        if marks.len() > MOST_MARKS {
            marks.retain(|schedule, _| schedules.contains(schedule));
        }
        if successes.len() > MOST_SUCCESSES {
            successes.retain(|group, _| groups.contains(group));
        }
    }

    /// Notes what was decided about a schedule, and reports it. Once the book is on the disk, the report follows even
    /// after a crash.
    ///
    /// # Errors
    /// When the disk refuses. Before the book is on it nothing has changed; after, the report goes out with the next.
    pub fn decide(
        &mut self,
        schedule: ScheduleId,
        groups: &[SourceGroupId],
        outlook: &Outlook,
        jobs: Vec<SlotJob>,
        now: Timestamp,
    ) -> Result<(), FileError> {
        if outlook.skipped.is_empty() && outlook.fire.is_none() && self.mark(schedule) == Some(&outlook.mark)
        {
            return Ok(());
        }
        self.say()?;
        let (outbox, after) = (self.outbox.id(), self.outbox.last());
        let mut items: Vec<_> =
            outlook.skipped.iter().map(|skipped| said(schedule, groups, skipped, now)).collect();
        self.change_book(|book| {
            if let Some(slot) = outlook.fire {
                let reported_as = after + items.len() as u64 + 1;
                let record =
                    SlotRecord { schedule, slot: slot.instant, due_at: now, reported_as, is_known: false };
                book.jobs.extend(jobs.iter().map(|job| queued(*job, record)));
                items.push(ReportItem::SlotDue { schedule, slot: slot.instant, at: now, jobs });
            }
            book.marks.insert(schedule, outlook.mark.clone());
            book.unsaid = (!items.is_empty()).then_some(Unsaid { outbox, after, items });
        })?;
        self.say()
    }

    /// Puts into the outbox what the book says is there. Nothing else goes in before.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn say(&mut self) -> Result<(), FileError> {
        if let Some(unsaid) = &self.book.unsaid {
            self.outbox.append(&unsaid.items)?;
            // The book forgets it on the disk with its next writing; until then the numbers tell.
            self.book.unsaid = None;
        }
        Ok(())
    }

    /// After a crash: leaves of what was decided only what the outbox lacks.
    pub(super) fn find_unsaid(&mut self) {
        let (outbox, last) = (self.outbox.id(), self.outbox.last());
        let Some(unsaid) = &mut self.book.unsaid else { return };
        if unsaid.outbox == outbox {
            let said = usize::try_from(last.saturating_sub(unsaid.after)).unwrap_or(usize::MAX);
            unsaid.items.drain(..said.min(unsaid.items.len()));
        }
        if unsaid.items.is_empty() {
            self.book.unsaid = None;
        }
    }
}

fn queued(job: SlotJob, slot: SlotRecord) -> JobRecord {
    JobRecord {
        job: job.job,
        kind: JobKind::Backup,
        repository: job.repository,
        group: Some(job.group),
        state: JobState::Queued,
        started_at: None,
        ended_as: None,
        slot: Some(slot),
    }
}

fn said(schedule: ScheduleId, groups: &[SourceGroupId], skipped: &Skipped, now: Timestamp) -> ReportItem {
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
