use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use restic_manager_core::schedule::Mark;
use restic_manager_proto::{
    JobEnd, JobId, OutboxId, RepositoryId, ScheduleId, SourceGroupId, Timestamp,
    agent::{KnownJob, Report, ReportItem},
    vocabulary::{Cause, JobKind, JobState},
};
use serde::{Deserialize, Serialize};

use super::slots::{SlotRecord, Unsaid};
use crate::{
    files::{self, FileError, StateFolder},
    outbox::{Outbox, OutboxLimits},
};

const BOOK: &str = "jobs.json";
const OUTBOX: &str = "outbox";
const MAX_BOOK_BYTES: u64 = 64 * 1024 * 1024;

/// A job as the book has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// `queued` while it waits for the server's order, `dispatched`, `running`, or how it ended.
    pub state: JobState,
    /// Since when it runs.
    pub started_at: Option<Timestamp>,
    /// Number of its end in the outbox.
    pub ended_as: Option<u64>,
    /// The slot that it was fired by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotRecord>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Book {
    pub(super) jobs: Vec<JobRecord>,
    /// What has been decided of each schedule's slots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) marks: BTreeMap<ScheduleId, Mark>,
    /// When each source group was last backed up without a fault.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) successes: BTreeMap<SourceGroupId, Timestamp>,
    /// What was decided and may not have reached the outbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unsaid: Option<Unsaid>,
}

/// The book and the outbox of one agent.
#[derive(Debug)]
pub struct Journal {
    book_path: PathBuf,
    pub(super) book: Book,
    pub(super) outbox: Outbox,
    /// Jobs that ran when an earlier agent ended: where to, from when, until when at the latest.
    interrupted: Vec<(RepositoryId, Timestamp, Timestamp)>,
}

impl Journal {
    /// Opens both, and ends what ran when the agent stopped.
    ///
    /// # Errors
    /// When a file is damaged, or the operating system refuses.
    pub fn open(
        folder: &StateFolder,
        limits: OutboxLimits,
        now: Timestamp,
        fresh: impl FnOnce() -> OutboxId,
    ) -> Result<Self, FileError> {
        let book_path = folder.file(BOOK);
        let book = read_book(&book_path)?;
        let outbox = Outbox::open(&folder.file(OUTBOX), limits, fresh)?;
        let mut journal = Self { book_path, book, outbox, interrupted: Vec::new() };
        journal.find_ends()?;
        journal.find_unsaid();
        journal.say()?;
        journal.end_interrupted(now)?;
        Ok(journal)
    }

    /// Removes both from a state folder.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn discard(folder: &Path) -> Result<(), FileError> {
        let (book, outbox) = (folder.join(BOOK), folder.join(OUTBOX));
        for (path, removed) in [(&book, fs::remove_file(&book)), (&outbox, fs::remove_dir_all(&outbox))] {
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(FileError::io(path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The outbox, to read.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Whether a job is in the book.
    #[must_use]
    pub fn knows(&self, job: JobId) -> bool {
        self.book.jobs.iter().any(|record| record.job == job)
    }

    /// Every job in the book.
    #[must_use]
    pub fn jobs(&self) -> &[JobRecord] {
        &self.book.jobs
    }

    /// When jobs on a repository ran that an earlier agent did not end: what they locked may be locked still.
    #[must_use]
    pub fn interrupted(&self, repository: RepositoryId) -> Option<(Timestamp, Timestamp)> {
        let of_repository = self.interrupted.iter().filter(|(of, ..)| *of == repository);
        of_repository
            .map(|(_, since, until)| (*since, *until))
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// Whether a job has been taken up: it is in the book and does not wait for an order.
    #[must_use]
    pub fn holds(&self, job: JobId) -> bool {
        self.book.jobs.iter().any(|record| record.job == job && record.state != JobState::Queued)
    }

    /// What the server is told after each welcome.
    #[must_use]
    pub fn inventory(&self) -> Vec<KnownJob> {
        let known = |record: &JobRecord| {
            let is_new = record.slot.is_some_and(|slot| !slot.is_known);
            KnownJob::new(record.job, record.state).with_new(is_new)
        };
        self.book.jobs.iter().map(known).collect()
    }

    /// Takes up a job that is to wait its turn; `false` when it was taken up before. It need not be on the disk: the
    /// secrets of a job that waits die with the process, and the server sends a job again that the agent does not
    /// know, as the agent starts one of a slot again.
    pub fn accept(
        &mut self,
        job: JobId,
        kind: JobKind,
        repository: RepositoryId,
        group: Option<SourceGroupId>,
    ) -> bool {
        if let Some(record) = self.book.jobs.iter_mut().find(|record| record.job == job) {
            let waits = record.state == JobState::Queued;
            if waits {
                record.state = JobState::Dispatched;
                record.repository = repository;
            }
            return waits;
        }
        let state = JobState::Dispatched;
        let record =
            JobRecord { job, kind, repository, group, state, started_at: None, ended_as: None, slot: None };
        self.book.jobs.push(record);
        true
    }

    /// Forgets a job that never started, so that the server sends it again; one of a slot waits again.
    pub fn forget(&mut self, job: JobId) {
        self.lay_down(|record| record.job == job);
    }

    fn lay_down(&mut self, which: impl Fn(&JobRecord) -> bool) {
        let is_laid_down = |record: &JobRecord| record.state == JobState::Dispatched && which(record);
        self.book.jobs.retain(|record| record.slot.is_some() || !is_laid_down(record));
        for record in self.book.jobs.iter_mut().filter(|record| is_laid_down(record)) {
            record.state = JobState::Queued;
        }
    }

    /// Notes and reports that a job starts.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn start(&mut self, job: JobId, at: Timestamp, command: &str) -> Result<(), FileError> {
        self.change_record(job, |record| {
            record.state = JobState::Running;
            record.started_at = Some(at);
        })?;
        self.append(&[ReportItem::JobStarted { job, at, command: command.to_owned() }])
    }

    /// Reports something.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn append(&mut self, items: &[ReportItem]) -> Result<(), FileError> {
        self.say()?;
        self.outbox.append(items).map(drop)
    }

    /// Reports and notes that a job ended; a job that has ended already stays as it is.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn end(&mut self, job: JobId, at: Timestamp, end: &JobEnd) -> Result<(), FileError> {
        let known = self.book.jobs.iter().find(|record| record.job == job);
        if known.is_none_or(|record| record.ended_as.is_some()) {
            return Ok(());
        }
        let item = ReportItem::JobEnded { job, at, end: end.clone() };
        self.say()?;
        let number = self.outbox.append(core::slice::from_ref(&item))?;
        self.note_end(job, at, end.state, number);
        // The end is safe: it is found in the outbox should this not reach the disk.
        self.write_book()
    }

    /// The items after number `after` that fit into `limit_bytes`.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub fn report(&self, after: u64, limit_bytes: usize) -> Result<Option<Report>, FileError> {
        self.outbox.report(after, limit_bytes)
    }

    /// Lets go of what the server has on its disk, and of jobs whose end it has.
    ///
    /// # Errors
    /// When the disk refuses; what is left is sent again.
    pub fn acknowledge(&mut self, outbox: OutboxId, through: u64) -> Result<(), FileError> {
        if outbox != self.outbox.id() {
            return Ok(());
        }
        let is_done = |record: &JobRecord| record.ended_as.is_some_and(|number| number <= through);
        let is_told = |record: &JobRecord| {
            record.slot.is_some_and(|slot| !slot.is_known && slot.reported_as <= through)
        };
        if self.book.jobs.iter().any(|record| is_done(record) || is_told(record)) {
            self.change_book(|book| {
                book.jobs.retain(|record| !is_done(record));
                for slot in book.jobs.iter_mut().filter_map(|record| record.slot.as_mut()) {
                    slot.is_known |= slot.reported_as <= through;
                }
            })?;
        }
        self.outbox.acknowledge(through)
    }

    /// Ends that reached the outbox but not the book.
    fn find_ends(&mut self) -> Result<(), FileError> {
        let mut ends = Vec::new();
        self.outbox.visit(|number, item| {
            if let ReportItem::JobEnded { job, at, end } = item {
                ends.push((job, at, end.state, number));
            }
        })?;
        for (job, at, state, number) in ends {
            self.note_end(job, at, state, number);
        }
        Ok(())
    }

    /// What ran has ended with the process; what waited is forgotten, or waits again.
    fn end_interrupted(&mut self, now: Timestamp) -> Result<(), FileError> {
        self.lay_down(|_| true);
        let ran = |record: &&JobRecord| record.ended_as.is_none() && record.state != JobState::Queued;
        let open: Vec<_> = self.book.jobs.iter().filter(ran).cloned().collect();
        for record in open {
            let since = record.started_at.unwrap_or(now);
            self.interrupted.push((record.repository, since, now));
            let mut end = JobEnd::new(JobState::Failed, Cause::AgentStopped);
            "the agent was stopped or killed while the job ran".clone_into(&mut end.detail);
            end.lock_left = true;
            self.end(record.job, now, &end)?;
        }
        Ok(())
    }

    fn note_end(&mut self, job: JobId, at: Timestamp, state: JobState, number: u64) {
        if let Some(record) = self.book.jobs.iter_mut().find(|record| record.job == job) {
            record.state = state;
            record.ended_as = Some(number);
            if let (Some(group), JobState::Succeeded) = (record.group, state) {
                self.book.successes.insert(group, at);
            }
        }
    }

    fn change_record(&mut self, job: JobId, change: impl FnOnce(&mut JobRecord)) -> Result<(), FileError> {
        self.change_book(|book| {
            if let Some(record) = book.jobs.iter_mut().find(|record| record.job == job) {
                change(record);
            }
        })
    }

    /// Changes the book on the disk and in memory, or neither.
    pub(super) fn change_book(&mut self, change: impl FnOnce(&mut Book)) -> Result<(), FileError> {
        let before = self.book.clone();
        change(&mut self.book);
        self.write_book().inspect_err(|_| self.book = before)
    }

    fn write_book(&self) -> Result<(), FileError> {
        let text =
            serde_json::to_vec(&self.book).map_err(|error| FileError::io(&self.book_path, error.into()))?;
        files::write(&self.book_path, &text)
    }
}

fn read_book(path: &Path) -> Result<Book, FileError> {
    let Some(text) = files::read(path, MAX_BOOK_BYTES)? else { return Ok(Book::default()) };
    serde_json::from_str(&text).map_err(|error| {
        let way_back = "put back your copy of it, or remove it: its jobs are then unknown to this agent, \
                        and the server ends them";
        FileError::damaged(path, format!("line {} is not what an agent writes", error.line()), way_back)
    })
}
