//! The log of one job, from the moment a line is read until it is in the outbox.
//!
//! Lines are gathered and written together, because each write waits for the disk. What is gathered is bounded: when
//! the disk does not keep up, lines give way and are counted.

use core::time::Duration;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use restic_manager_core::clock::Clock;
use restic_manager_proto::{JobId, LogLine, agent::ReportItem, vocabulary::LogStream};
use restic_manager_restic::{Event, redact};
use tokio::{sync::Notify, task::JoinHandle};

use crate::ledger::Ledger;

/// Longest line; what is longer is cut, and says so.
const LINE_BYTES: usize = 16 * 1024;
/// Most text that waits for the disk.
const WAITING_BYTES: usize = 4 * 1024 * 1024;
/// Most lines, and most text, in one item of the outbox.
const ITEM_LINES: usize = 256;
const ITEM_BYTES: usize = 64 * 1024;
/// How long the first line of an item waits for others.
const LINGER: Duration = Duration::from_millis(100);

/// The log of one job.
#[derive(Debug)]
pub(super) struct JobLog {
    waiting: Arc<Waiting>,
    clock: Arc<dyn Clock>,
    scribe: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Mutex<Lines>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Lines {
    /// Each with the number of lines before it that gave way.
    queue: VecDeque<(u64, LogLine)>,
    bytes: usize,
    sequence: u64,
    dropped: u64,
    closed: bool,
}

impl JobLog {
    pub(super) fn open(job: JobId, ledger: Ledger, clock: Arc<dyn Clock>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let scribe = tokio::spawn(write_down(job, Arc::clone(&waiting), ledger));
        Self { waiting, clock, scribe }
    }

    /// The log of a job that an earlier agent has ended. What it numbered last is not known, so numbers go on from the
    /// time of day, which no job has reached by counting.
    pub(super) fn reopen(job: JobId, ledger: Ledger, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let log = Self::open(job, ledger, clock);
        log.waiting.lines().sequence = u64::try_from(now.as_milliseconds()).unwrap_or_default();
        log
    }

    /// Adds what restic said on standard output.
    pub(super) fn stdout(&self, text: &str) {
        self.add(LogStream::Stdout, text);
    }

    /// Adds what restic said on standard error.
    pub(super) fn stderr(&self, text: &str) {
        self.add(LogStream::Stderr, text);
    }

    /// Adds a remark of the agent's own.
    pub(super) fn remark(&self, text: &str) {
        self.add(LogStream::Agent, text);
    }

    /// Adds what an event says, if it is something for people.
    pub(super) fn event(&self, event: &Event) {
        match event {
            Event::Failure(failure) => self.stderr(&failure.text()),
            Event::ExitError(error) => self.stderr(&error.message),
            Event::Text { text, .. } | Event::Unrecognized { text } if !text.trim().is_empty() => {
                self.stdout(text);
            }
            Event::Overlong { head, cut_bytes } => self.stdout(&format!("{head}… ({cut_bytes} bytes more)")),
            _ => {}
        }
    }

    /// Waits until every line is in the outbox.
    pub(super) async fn finish(mut self) {
        self.waiting.close();
        if let Err(error) = (&mut self.scribe).await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }

    fn add(&self, stream: LogStream, text: &str) {
        let at = self.clock.now();
        let text = redact::text(text);
        let mut lines = self.waiting.lines();
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            lines.add(LogLine { sequence: 0, at, stream, text: cut(line) });
        }
        self.waiting.changed.notify_one();
    }
}

impl Drop for JobLog {
    fn drop(&mut self) {
        self.waiting.close();
    }
}

impl Waiting {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lines().closed = true;
        self.changed.notify_one();
    }
}

impl Lines {
    fn add(&mut self, line: LogLine) {
        if self.bytes + line.text.len() > WAITING_BYTES {
            self.sequence += 1;
            self.dropped += 1;
            return;
        }
        if self.dropped > 0 {
            self.push(LogLine { stream: LogStream::Agent, text: left_out(self.dropped), ..line });
        }
        self.push(line);
    }

    fn push(&mut self, line: LogLine) {
        self.sequence += 1;
        self.bytes += line.text.len();
        let dropped = core::mem::take(&mut self.dropped);
        self.queue.push_back((dropped, LogLine { sequence: self.sequence, ..line }));
    }

    /// The next item's lines, and how many before them gave way.
    fn take(&mut self) -> (u64, Vec<LogLine>) {
        let mut taken = Vec::new();
        let (mut gone, mut bytes) = (0, 0);
        while let Some((dropped, line)) = self.queue.front() {
            let is_first = taken.is_empty();
            bytes += line.text.len();
            if !is_first && (*dropped > 0 || bytes > ITEM_BYTES || taken.len() == ITEM_LINES) {
                break;
            }
            if is_first {
                gone = *dropped;
            }
            self.bytes -= line.text.len();
            taken.extend(self.queue.pop_front().map(|(_, line)| line));
        }
        (gone, taken)
    }
}

/// Moves lines into the outbox until the log is closed.
async fn write_down(job: JobId, waiting: Arc<Waiting>, ledger: Ledger) {
    loop {
        let ((dropped, lines), closed) = {
            let mut all = waiting.lines();
            (all.take(), all.closed)
        };
        if !lines.is_empty() {
            ledger.append(vec![ReportItem::JobLog { job, lines, dropped }]).await;
        } else if closed {
            return;
        } else {
            waiting.changed.notified().await;
            let is_closed = waiting.lines().closed;
            if !is_closed {
                tokio::time::sleep(LINGER).await;
            }
        }
    }
}

fn left_out(count: u64) -> String {
    format!("{count} lines were left out here: the disk could not keep up with them")
}

fn cut(line: &str) -> String {
    if line.len() <= LINE_BYTES {
        return line.to_owned();
    }
    let kept = &line[..line.floor_char_boundary(LINE_BYTES - 64)];
    format!("{kept}… ({} bytes more)", line.len() - kept.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_proto::Timestamp;

    fn line(text: &str) -> LogLine {
        LogLine {
            sequence: 0,
            at: Timestamp::from_milliseconds(0),
            stream: LogStream::Stderr,
            text: text.to_owned(),
        }
    }

    #[test]
    fn lines_that_give_way_are_counted_and_keep_their_numbers() {
        let mut lines = Lines::default();
        let long = "x".repeat(WAITING_BYTES / 4);
        for _ in 0..6 {
            lines.add(line(&long));
        }
        while !lines.take().1.is_empty() {}
        lines.add(line("at last"));
        let (dropped, batch) = lines.take();
        assert_eq!(dropped, 2);
        assert_eq!(batch.iter().map(|line| line.sequence).collect::<Vec<_>>(), [7, 8]);
        assert!(batch[0].text.starts_with("2 lines were left out"));
    }

    #[test]
    fn an_item_is_bounded_by_lines_and_by_bytes() {
        let mut lines = Lines::default();
        for _ in 0..ITEM_LINES + 1 {
            lines.add(line("x"));
        }
        assert_eq!(lines.take().1.len(), ITEM_LINES);
        assert_eq!(lines.take().1.len(), 1);
        for _ in 0..3 {
            lines.add(line(&"x".repeat(ITEM_BYTES / 2)));
        }
        assert_eq!(lines.take().1.len(), 2);
        assert_eq!(lines.take().1.len(), 1);
        assert_eq!(lines.bytes, 0);
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let text = cut(&"é".repeat(LINE_BYTES));
        assert!(text.len() <= LINE_BYTES && text.ends_with("bytes more)"), "{}", text.len());
        assert_eq!(cut("short"), "short");
    }
}
