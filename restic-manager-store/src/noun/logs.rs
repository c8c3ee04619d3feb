//! What jobs print, line by line.

use async_trait::async_trait;
use restic_manager_proto::{JobId, LogLine, Timestamp, vocabulary::LogStream};

use crate::Error;

/// What is stored of a job's log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogExtent {
    /// The number of the last line; 0 for none.
    pub last_sequence: u64,
    /// How many lines were stored.
    pub lines: u64,
    /// How many bytes of text they have.
    pub bytes: u64,
    /// How many numbers were passed over: lines that the agent had to give up.
    pub missing: u64,
    /// Whether the lines were forgotten for their age.
    pub discarded: bool,
}

impl LogExtent {
    /// The highest number a line can have: what a database's integer holds.
    pub const MAX_SEQUENCE: u64 = i64::MAX as u64;
    /// About how many bytes of text one job's log has room for. Beyond, its middle gives way: the first half stays, and
    /// of the rest what came last.
    pub const ROOM: u64 = 16 * 1024 * 1024;

    /// Takes up lines and answers the ones that are news: those whose number is above all before, and possible.
    #[must_use]
    pub fn admit(&mut self, lines: &[LogLine]) -> Vec<LogLine> {
        let mut news = Vec::with_capacity(lines.len());
        for line in lines.iter().filter(|line| line.sequence <= Self::MAX_SEQUENCE) {
            if line.sequence > self.last_sequence {
                self.missing += line.sequence - self.last_sequence - 1;
                self.last_sequence = line.sequence;
                self.lines += 1;
                self.bytes += line.text.len() as u64;
                news.push(line.clone());
            }
        }
        news
    }

    /// Whether a line stands for those that gave way.
    pub(crate) fn is_mark(line: &LogLine) -> bool {
        line.stream == LogStream::Agent && line.text.ends_with(MARK)
    }

    /// Lines of the middle give way to the one that is returned, which says so and has the number of the last of them.
    /// `before` is the number of the last line that stays ahead of them.
    #[must_use]
    pub(crate) fn give_way(&mut self, before: u64, lines: &[LogLine]) -> Option<LogLine> {
        let last = lines.last()?;
        let gone = last.sequence - before;
        let text = format!("{gone} {MARK}");
        let mark = LogLine { sequence: last.sequence, at: last.at, stream: LogStream::Agent, text };
        let bytes: u64 = lines.iter().map(|line| line.text.len() as u64).sum();
        self.lines = (self.lines + 1).saturating_sub(lines.len() as u64);
        self.missing += lines.len() as u64 - 1;
        self.bytes = (self.bytes + mark.text.len() as u64).saturating_sub(bytes);
        Some(mark)
    }
}

/// What a line says that stands for others, behind their number.
const MARK: &str = "lines were left out here: the log of one job has room for 16 MiB";

/// Queries about logs.
#[async_trait]
pub trait LogQueries: Send {
    /// Lines of a job from a number on, in order, `limit` at most. None for a job that doesn't exist.
    async fn lines(&mut self, job: JobId, from: u64, limit: usize) -> Result<Vec<LogLine>, Error>;
    /// When the job ended that is followed by so many that ended later, all of them with logs that are kept; `None` when
    /// there are no more than those.
    async fn end_before(&mut self, newest: u64) -> Result<Option<Timestamp>, Error>;
}

/// Changes to logs.
#[async_trait]
pub trait Logs: LogQueries {
    /// Adds lines and answers what is stored then. A line whose number is not above all before it is passed over, so
    /// that what arrives twice is stored once. What a log has no [room](LogExtent::ROOM) for gives way from its middle, to
    /// a line that says so. `NotFound` when the job doesn't exist.
    async fn append(&mut self, job: JobId, lines: &[LogLine]) -> Result<LogExtent, Error>;
    /// Forgets the lines of jobs that ended before a moment and keeps the jobs; `limit` jobs at most, oldest first. Says
    /// how many. Logs of jobs that have not ended are never forgotten.
    async fn discard(&mut self, ended_before: Timestamp, limit: usize) -> Result<u64, Error>;
}
