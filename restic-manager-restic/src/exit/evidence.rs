use std::fmt;

use super::pattern::{cause_of, refused_file};
use super::{Cause, LockHolder};
use crate::event::Event;
use crate::line::{first_words, without_control};
use crate::{Text, redact};

/// Collects what matters for the judgement while events pass by; memory is bounded whatever restic prints.
///
/// Note the events of stderr and, if at hand, of stdout; then [`conclude`](Self::conclude).
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What the final or fatal message gives away.
    decisive: Option<Cause>,
    /// What other texts give away.
    incidental: Option<Cause>,
    /// What failed items give away.
    item: Option<Cause>,
    message: Option<String>,
    last_text: Option<String>,
    has_final_message: bool,
    some_items_failed: bool,
    was_signalled: bool,
    has_crashed: bool,
    lock: Option<LockHolder>,
    refusals: Refusals,
}

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a process has no third way to end")]
pub enum Termination {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
}

/// The judgement on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// Why it ended so.
    pub cause: Cause,
    /// How the process ended.
    pub termination: Termination,
    /// restic's own reason: one line, redacted, at most [`Outcome::MESSAGE_BYTES`] long.
    pub message: Option<String>,
    /// What other texts gave away, where it differs from the cause: a run that hung on an unreachable storage
    /// until it was cancelled is [`Cause::Interrupted`] with the hint [`Cause::Unreachable`].
    pub hint: Option<Cause>,
    /// Who holds the lock, with [`Cause::Locked`].
    pub lock: Option<LockHolder>,
    /// What the storage refused to remove. May be filled with any cause.
    pub refusals: Refusals,
}

/// Files that the storage refused to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// How many lines told of a refusal; retries count again.
    pub count: u64,
    /// Names of the first few, such as `snapshot/9a3c91d1`; at most [`Refusals::KEPT`].
    pub files: Vec<String>,
}

impl Refusals {
    /// How many names are kept.
    pub const KEPT: usize = 16;

    fn add(&mut self, file: &str) {
        self.count += 1;
        let file = shortened(file, 100);
        if self.files.len() < Self::KEPT && !self.files.contains(&file) {
            self.files.push(file);
        }
    }
}

impl Outcome {
    /// Longest [`Outcome::message`], in bytes.
    pub const MESSAGE_BYTES: usize = 1000;

    /// What an operator should do next, in one sentence.
    pub const fn advice(&self) -> &'static str {
        self.cause.advice()
    }
}

/// The cause and, where there is one, restic's own reason.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.cause),
            None => self.cause.fmt(f),
        }
    }
}

impl Evidence {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of an event.
    pub fn note<S: Text>(&mut self, event: &Event<S>) {
        match event {
            Event::ExitError(error) => self.note_final(error.message.as_ref()),
            Event::Failure(failure) => {
                let text = failure.text();
                self.item = cause_of(&text).or(self.item);
                self.note_lock_and_refusals(&text);
            }
            Event::Text { text, .. } => self.note_text(text.as_ref()),
            Event::Overlong { head, .. } => self.note_text(head.as_ref()),
            _ => {}
        }
    }

    /// Takes note that the caller itself asked the run to stop. restic does not always say so by its exit code.
    pub fn note_cancelled(&mut self) {
        self.was_signalled = true;
    }

    /// Takes note of a plain text line.
    pub fn note_text(&mut self, line: &str) {
        let line = without_control(line).trim_end();
        self.note_lock_and_refusals(line);
        if let Some(rest) = line.strip_prefix("Fatal: ") {
            self.note_fatal(rest);
        } else if line.starts_with("panic: ")
            || line.starts_with("fatal error: ")
            || line.starts_with("SIGQUIT: ")
        {
            self.has_crashed = true;
            self.keep_message(line);
        } else if let Some(item) = line.strip_prefix("ignoring error for ") {
            self.item = cause_of(item).or(self.item);
        } else if !line.is_empty() {
            self.note_plain(line);
        }
    }

    /// The judgement.
    pub fn conclude(mut self, termination: Termination) -> Outcome {
        let cause = match termination {
            Termination::Signal(_) => Cause::Killed,
            Termination::Code(code) => self.cause_of_code(code),
        };
        if cause != Cause::Locked {
            self.lock = None;
        }
        let message = self.message.or(self.last_text).filter(|_| cause != Cause::Success);
        let hint = self.incidental.filter(|hint| *hint != cause && cause != Cause::Success);
        Outcome { cause, termination, message, hint, lock: self.lock, refusals: self.refusals }
    }

    fn cause_of_code(&self, code: i32) -> Cause {
        let is_refused = self.refusals.count > 0;
        match code {
            0 if is_refused => Cause::Refused,
            0 => Cause::Success,
            3 if is_refused => Cause::Refused,
            3 => Cause::Incomplete,
            10 => Cause::RepositoryMissing,
            11 => Cause::Locked,
            12 => Cause::WrongPassword,
            130 => Cause::Interrupted,
            _ if self.has_crashed => Cause::Crashed,
            _ if self.was_signalled => Cause::Interrupted,
            _ => self.cause_of_text(is_refused),
        }
    }

    fn cause_of_text(&self, is_refused: bool) -> Cause {
        let item = self.item.filter(|_| self.some_items_failed);
        let seen = self.decisive.or(item).or(self.incidental).unwrap_or(Cause::Other);
        match seen {
            Cause::Permission | Cause::Other if is_refused => Cause::Refused,
            seen => seen,
        }
    }

    fn note_final(&mut self, message: &str) {
        self.note_lock_and_refusals(message);
        self.note_fatal(message);
        self.has_final_message = true;
    }

    fn note_fatal(&mut self, message: &str) {
        let words = first_words(message);
        self.some_items_failed |= words.starts_with("There were ");
        self.decisive = cause_of(message).or(self.decisive);
        if !words.is_empty() {
            self.keep_message(words);
        }
    }

    fn note_plain(&mut self, line: &str) {
        self.was_signalled |= line.starts_with("signal ") && line.contains(" received");
        let Some(cause) = cause_of(line) else {
            // The last line is better than nothing, unless it belongs to a stack trace.
            if !line.contains(".go:") && !line.contains(".s:") && !line.starts_with("runtime.") {
                self.last_text = Some(shortened(&redact::text(line), Outcome::MESSAGE_BYTES));
            }
            return;
        };
        // A cancelled run says so last, but that hides why it was slow to end.
        if cause != Cause::Interrupted || self.incidental.is_none() {
            self.incidental = Some(cause);
        }
        if self.decisive.is_none() && !self.has_final_message {
            self.keep_message(line);
        }
    }

    fn note_lock_and_refusals(&mut self, text: &str) {
        for line in text.lines() {
            if let Some(holder) = LockHolder::from_line(line) {
                self.lock = Some(holder);
            } else if let Some(holder) = &mut self.lock {
                holder.add_line(line);
            }
            if let Some(file) = refused_file(line) {
                self.refusals.add(file);
            }
        }
    }

    fn keep_message(&mut self, message: &str) {
        self.message = Some(shortened(&redact::text(message), Outcome::MESSAGE_BYTES));
    }
}

fn shortened(text: &str, limit_bytes: usize) -> String {
    text[..text.floor_char_boundary(limit_bytes)].to_owned()
}
