use std::{
    fs, io,
    path::{Path, PathBuf},
};

use restic_manager_proto::{
    JobEnd, JobId, OutboxId, RepositoryId, Timestamp,
    agent::{OutboxPosition, Report, ReportItem},
    vocabulary::{Cause, JobState},
};

use super::book::Book;
use crate::{
    files::{self, FileError, StateFolder},
    outbox::{Outbox, OutboxLimits},
};

const BOOK: &str = "jobs.json";
const OUTBOX: &str = "outbox";
const MAX_BOOK_BYTES: u64 = 64 * 1024 * 1024;
const WAY_BACK: &str = "put back your copy of it, or remove it: its jobs are then unknown to this agent, and the server \
                        ends them";

/// The book and the outbox of one agent. All methods block on the disk.
#[derive(Debug)]
pub struct Journal {
    book_path: PathBuf,
    book: Book,
    outbox: Outbox,
    /// Jobs that ran when an earlier agent ended: where to, from when, until when at the latest.
    interrupted: Vec<(RepositoryId, Timestamp, Timestamp)>,
    /// Those of them whose ends are still to be noted, and when they were found.
    cut_off: Vec<JobId>,
    found_at: Timestamp,
}

impl Journal {
    /// Opens both, and ends what ran when the agent stopped. A disk that takes nothing is no reason not to open: what
    /// is to be written follows with the first change that it takes.
    ///
    /// # Errors
    /// When a file is damaged, or cannot be read.
    pub fn open(
        folder: &StateFolder,
        limits: OutboxLimits,
        now: Timestamp,
        fresh: impl FnOnce() -> OutboxId,
    ) -> Result<Self, FileError> {
        let book_path = folder.file(BOOK);
        let mut book = read_book(&book_path)?;
        let outbox = Outbox::open(&folder.file(OUTBOX), limits, fresh)?;
        book.meet(outbox.id(), outbox.last());
        outbox.visit(|number, item| book.recall(number, &item))?;
        book.recall_unsaid();
        // What ran has ended with the process; what waited is forgotten, or waits again.
        book.lay_down(|_| true);
        let interrupted =
            book.running().map(|job| (job.repository, job.started_at.unwrap_or(now), now)).collect();
        let cut_off = book.running().map(|job| job.job).collect();
        let mut journal = Self { book_path, book, outbox, interrupted, cut_off, found_at: now };
        if let Err(error) = journal.catch_up() {
            tracing::error!("could not {error}; what an earlier agent left is told once the disk takes it");
        }
        Ok(journal)
    }

    /// Removes both from a state folder.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn discard(folder: &Path) -> Result<(), FileError> {
        files::remove(&folder.join(BOOK))?;
        let outbox = folder.join(OUTBOX);
        match fs::remove_dir_all(&outbox) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io(&outbox, error)),
            _ => Ok(()),
        }
    }

    /// The book, to read.
    #[must_use]
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The book, to change what need not be on the disk. What waits its turn is such: its secrets die with the
    /// process, and the server sends a job again that the agent does not know, as the agent starts one of a slot again.
    pub const fn book_mut(&mut self) -> &mut Book {
        &mut self.book
    }

    /// The outbox, to read.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// When jobs on a repository ran that an earlier agent did not end: what they locked may be locked still.
    #[must_use]
    pub fn interrupted(&self, repository: RepositoryId) -> Option<(Timestamp, Timestamp)> {
        let of_repository = self.interrupted.iter().filter(|(of, ..)| *of == repository);
        of_repository
            .map(|(_, since, until)| (*since, *until))
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }

    /// Changes the book on the disk and in memory, or neither. Once it is on the disk the reports that it notes follow,
    /// even after a crash.
    ///
    /// # Errors
    /// When the disk refuses; nothing has changed then.
    pub fn commit<R>(&mut self, change: impl FnOnce(&mut Book) -> R) -> Result<R, FileError> {
        self.catch_up()?;
        let result = self.write(change)?;
        if let Err(error) = self.say() {
            tracing::warn!("could not {error}; what is to be reported is noted, and follows");
        }
        Ok(result)
    }

    /// Reports what changes nothing in the book.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn append(&mut self, items: &[ReportItem]) -> Result<(), FileError> {
        self.catch_up()?;
        let parts: Vec<_> = items.iter().cloned().flat_map(ReportItem::parts).collect();
        self.outbox.append(&parts)?;
        self.book.said(self.outbox.id(), self.outbox.last());
        Ok(())
    }

    /// Notes and reports that a job starts.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn start(&mut self, job: JobId, at: Timestamp, command: &str) -> Result<(), FileError> {
        self.commit(|book| book.start(job, at, command))
    }

    /// Notes and reports that a job ended; a job that has ended already stays as it is.
    ///
    /// # Errors
    /// When the disk refuses; it can be tried again.
    pub fn end(&mut self, job: JobId, at: Timestamp, end: &JobEnd) -> Result<(), FileError> {
        self.commit(|book| book.end(job, at, end))
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
        self.book.acknowledge(through);
        self.outbox.acknowledge(through)
    }

    /// Compares what the server has with what is here. A server that has more than this outbox ever held knows a later
    /// time of it: then the outbox begins anew, and what it holds is reported again. Says whether it did.
    ///
    /// # Errors
    /// When the disk refuses; it is found again at the next welcome.
    pub fn meet(
        &mut self,
        server: OutboxPosition,
        fresh: impl FnOnce() -> OutboxId,
        now: Timestamp,
    ) -> Result<bool, FileError> {
        let (before, last) = (self.outbox.id(), self.outbox.last());
        if server.outbox != before || server.through <= last {
            return Ok(false);
        }
        let confirmed = server.through;
        self.outbox.append(&[ReportItem::OutboxBegan { at: now, before, last, confirmed }])?;
        self.outbox.begin_anew(fresh())?;
        self.book.said(self.outbox.id(), self.outbox.last());
        self.keep(&self.book)?;
        Ok(true)
    }

    /// Does what an earlier attempt left undone, in the order in which it is to be reported.
    fn catch_up(&mut self) -> Result<(), FileError> {
        self.say()?;
        let (cut_off, at) = (self.cut_off.clone(), self.found_at);
        self.write(|book| cut_off.iter().for_each(|job| book.end(*job, at, &agent_stopped())))?;
        self.cut_off.clear();
        self.say()
    }

    /// Puts into the outbox what the book says is there. Nothing else goes in before.
    fn say(&mut self) -> Result<(), FileError> {
        if !self.book.unsaid().is_empty() {
            self.outbox.append(self.book.unsaid())?;
        }
        // The book forgets it on the disk with its next writing; until then the numbers tell.
        self.book.said(self.outbox.id(), self.outbox.last());
        Ok(())
    }

    fn write<R>(&mut self, change: impl FnOnce(&mut Book) -> R) -> Result<R, FileError> {
        let mut changed = self.book.clone();
        let result = change(&mut changed);
        if changed != self.book {
            self.keep(&changed)?;
            self.book = changed;
        }
        Ok(result)
    }

    fn keep(&self, book: &Book) -> Result<(), FileError> {
        let text = serde_json::to_vec(book).map_err(|error| FileError::io(&self.book_path, error.into()))?;
        files::write(&self.book_path, &text)
    }
}

fn agent_stopped() -> JobEnd {
    let mut end = JobEnd::new(JobState::Failed, Cause::AgentStopped);
    "the agent was stopped or killed while the job ran".clone_into(&mut end.detail);
    end.lock_left = true;
    end
}

fn read_book(path: &Path) -> Result<Book, FileError> {
    let Some(text) = files::read(path, MAX_BOOK_BYTES)? else { return Ok(Book::default()) };
    let mut book: Book = serde_json::from_str(&text).map_err(|error| {
        FileError::damaged(path, format!("line {} is not what an agent writes", error.line()), WAY_BACK)
    })?;
    book.drop_ended();
    Ok(book)
}
