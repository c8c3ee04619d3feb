use std::fmt;

use serde::Serialize;

use super::pattern::{cause_of, refused_file};
use super::{Cause, LockHolder};
use crate::event::{Event, Failure};
use crate::line::{first_words, without_control};
use crate::{Text, redact};

/// Collects what matters for the judgement while events pass by; memory is bounded whatever restic prints.
///
/// Note the events of stderr and, if at hand, of stdout; then [`conclude`](Self::conclude).
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// What restic's last word gives away: its final message, else its last fatal one.
    decisive: Option<Cause>,
    /// What other texts give away.
    incidental: Option<Cause>,
    incidental_text: Option<String>,
    items: Items,
    message: Option<String>,
    last_text: Option<String>,
    has_last_word: bool,
    was_signalled: bool,
    has_crashed: bool,
    lock: Option<LockHolder>,
    refusals: Refusals,
}

/// Items that failed while the run went on.
#[derive(Debug, Clone, Default)]
struct Items {
    /// What the last telling one gives away.
    cause: Option<Cause>,
    first: Option<String>,
    /// The first that tells of a damaged repository.
    damage: Option<String>,
    /// Whether the last word only counts them.
    are_counted: bool,
}

impl Items {
    fn note(&mut self, text: &str, describe: impl FnOnce() -> String) {
        let cause = cause_of(text);
        let is_first_damage = cause == Some(Cause::Damaged) && self.damage.is_none();
        if self.first.is_none() || is_first_damage {
            let said = redact::bounded(&describe(), Outcome::MESSAGE_BYTES);
            self.damage = self.damage.take().or_else(|| is_first_damage.then(|| said.clone()));
            self.first.get_or_insert(said);
        }
        self.cause = cause.or(self.cause);
    }
}

/// How the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a process has no third way to end")]
pub enum Termination {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
}

/// The judgement on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// Why it ended so.
    pub cause: Cause,
    /// How the process ended.
    pub termination: Termination,
    /// restic's own reason: one line, redacted, at most [`Outcome::MESSAGE_BYTES`] long.
    pub message: Option<String>,
    /// What other texts gave away, where it differs from the cause: a run that hung on an unreachable storage
    /// until it was cancelled is [`Cause::Interrupted`] with the hint [`Cause::Unreachable`]. A success has one only
    /// where restic came across damage: [`Cause::Damaged`].
    pub hint: Option<Cause>,
    /// Who holds the lock, with [`Cause::Locked`].
    pub lock: Option<LockHolder>,
    /// What the storage refused to remove. May be filled with any cause.
    pub refusals: Refusals,
}

/// Files that the storage refused to remove, but for the run's own lock: its removal ends a run and is not its work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
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

/// An outcome that is no success is an error; see `Finished::into_result`.
impl std::error::Error for Outcome {}

impl Evidence {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of an event.
    pub fn note<S: Text>(&mut self, event: &Event<S>) {
        match event {
            Event::ExitError(error) => self.note_last_word(error.message.as_ref()),
            Event::Failure(failure) => self.note_failure(failure),
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
        if self.has_crashed || line.is_empty() || is_of_another_program(line) || is_about_own_lock(line) {
            return;
        }
        self.note_lock(line);
        if let Some(file) = refused_file(line) {
            self.refusals.add(file);
        }
        if line.starts_with("Fatal: ") || line.starts_with(COUNTS[1]) {
            self.note_last_word(line);
        } else if is_crash(line) {
            self.has_crashed = true;
            self.keep_message(line);
        } else if line.ends_with(" does not exist, skipping") {
            self.items.note(line, || line.to_owned());
        } else if let Some(item) = ITEM_HEADS.iter().find_map(|head| line.strip_prefix(head)) {
            self.items.note(item, || item.to_owned());
        } else {
            self.note_plain(line);
        }
    }

    /// The judgement.
    pub fn conclude(mut self, termination: Termination) -> Outcome {
        let cause = match termination {
            Termination::Signal(_) => Cause::Killed,
            Termination::Code(code) => self.cause_of_code(code),
        };
        Outcome {
            cause,
            termination,
            hint: self.hint(cause),
            lock: self.lock.take().filter(|_| cause == Cause::Locked),
            refusals: std::mem::take(&mut self.refusals),
            message: self.message_for(cause),
        }
    }

    fn cause_of_code(&self, code: i32) -> Cause {
        match code {
            0 if self.refusals.count > 0 => Cause::Refused,
            0 => Cause::Success,
            3 => self.cause_of_incomplete(),
            10 => Cause::RepositoryMissing,
            11 => Cause::Locked,
            130 => Cause::Interrupted,
            // Go's own code for a crash. Old versions of `dump` use it too, and say why.
            2 if self.has_crashed || self.decisive.is_none() => Cause::Crashed,
            _ if self.was_signalled => Cause::Interrupted,
            // An interrupt while restic tries the keys ends so too.
            12 => Cause::WrongPassword,
            _ => self.cause_of_text(),
        }
    }

    /// A snapshot was written, or some could not be removed.
    fn cause_of_incomplete(&self) -> Cause {
        if self.items.damage.is_some() {
            Cause::Damaged
        } else if self.items.first.is_none() && self.refusals.count > 0 {
            Cause::Refused
        } else {
            Cause::Incomplete
        }
    }

    fn cause_of_text(&self) -> Cause {
        let items = self.items.cause.filter(|_| self.items.are_counted);
        let incidental = self.incidental.filter(|_| !self.items.are_counted);
        let unknown = if self.has_crashed { Cause::Crashed } else { Cause::Other };
        match self.decisive.or(items).or(incidental).unwrap_or(unknown) {
            Cause::Permission | Cause::Other if self.refusals.count > 0 => Cause::Refused,
            seen => seen,
        }
    }

    fn hint(&self, cause: Cause) -> Option<Cause> {
        let damage = self.items.damage.as_ref().map(|_| Cause::Damaged);
        let said = [self.incidental, self.decisive, damage];
        let tells = |hint: &Cause| match cause {
            Cause::Success => *hint == Cause::Damaged,
            Cause::Refused => *hint != Cause::Permission,
            // Said of the keys that were not tried.
            Cause::Interrupted => *hint != Cause::WrongPassword,
            _ => true,
        };
        let mut hints = said.into_iter().flatten();
        hints.find(|hint| *hint != cause && *hint != Cause::Interrupted && tells(hint))
    }

    fn message_for(self, cause: Cause) -> Option<String> {
        let Items { first, damage, are_counted, .. } = self.items;
        let said = self.message.or(self.last_text);
        match cause {
            Cause::Success => None,
            // "context canceled" tells nobody what the run waited for.
            Cause::Interrupted if self.incidental_text.is_some() => self.incidental_text,
            Cause::Interrupted if self.decisive == Some(Cause::WrongPassword) => None,
            Cause::Damaged | Cause::Incomplete if damage.is_some() => damage,
            // A count says nothing without an example of what was counted.
            _ if are_counted => said.map(|said| match first {
                Some(first) => shortened(&format!("{}: {first}", said.trim_end()), Outcome::MESSAGE_BYTES),
                None => said,
            }),
            Cause::Incomplete => said.or(first),
            _ => said,
        }
    }

    fn note_failure<S: Text>(&mut self, failure: &Failure<S>) {
        let text = failure.text();
        self.items.note(&text, || match failure.item.as_ref().map(AsRef::as_ref) {
            Some(item) if !text.contains(item) => format!("{item}: {text}"),
            _ => text.to_string(),
        });
    }

    /// The last one decides, also where it gives nothing away.
    fn note_last_word(&mut self, message: &str) {
        message.lines().for_each(|line| self.note_lock(line));
        let words = first_words(message);
        if words.is_empty() {
            return;
        }
        self.items.are_counted = COUNTS.iter().any(|count| words.starts_with(count));
        self.decisive = cause_of(words);
        self.has_last_word = true;
        self.keep_message(words);
    }

    fn note_plain(&mut self, line: &str) {
        self.was_signalled |= line.starts_with("signal ") && line.ends_with(" received, cleaning up");
        let Some(cause) = cause_of(line) else {
            // The last line is better than nothing, unless it belongs to a stack trace.
            if !is_frame(line) {
                self.last_text = Some(redact::bounded(line, Outcome::MESSAGE_BYTES));
            }
            return;
        };
        // A cancelled run says so last, but that hides why it was slow to end.
        if cause != Cause::Interrupted {
            self.incidental_text = Some(redact::bounded(line, Outcome::MESSAGE_BYTES));
        }
        if cause != Cause::Interrupted || self.incidental.is_none() {
            self.incidental = Some(cause);
        }
        if !self.has_last_word {
            self.keep_message(line);
        }
    }

    fn note_lock(&mut self, line: &str) {
        if let Some(holder) = LockHolder::from_line(line) {
            self.lock = Some(holder);
        } else if let Some(holder) = &mut self.lock {
            holder.add_line(line);
        }
    }

    fn keep_message(&mut self, message: &str) {
        self.message = Some(redact::bounded(message, Outcome::MESSAGE_BYTES));
    }
}

/// How a last word begins that only counts what failed.
const COUNTS: [&str; 2] = ["There were ", "Warning: at least one source file could not be read"];

/// How the plain texts begin that tell of an item that failed, in `backup` and in `restore`.
const ITEM_HEADS: [&str; 2] = ["error: ", "ignoring error for "];

/// What restic hands on from a program that it started, such as the command whose output it saves. Only what ssh and
/// rclone say of the way to the storage is restic's own affair.
fn is_of_another_program(line: &str) -> bool {
    line.strip_prefix("subprocess ")
        .is_some_and(|rest| !["ssh: ", "rclone: "].iter().any(|own| rest.starts_with(own)))
}

/// What restic says of its own lock when it is done. It may stay; the work is judged by itself.
fn is_about_own_lock(line: &str) -> bool {
    ["Remove(<lock/", "error while unlocking", "error in cleanup handler", "unable to remove lock"]
        .iter()
        .any(|head| line.starts_with(head))
}

/// The first line of what Go prints when it gives up.
fn is_crash(line: &str) -> bool {
    let is_signal = line.split_once(": ").is_some_and(|(name, _)| {
        name.starts_with("SIG") && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    });
    is_signal || line.starts_with("panic: ") || line.starts_with("fatal error: ")
}

/// Whether a line belongs to a stack trace: the name of a function, or a place in a file.
fn is_frame(line: &str) -> bool {
    let is_name = |char: char| char.is_ascii_alphanumeric() || "_./()*{}-[]".contains(char);
    let is_place = [".go:", ".s:"].iter().any(|suffix| line.contains(suffix)) && !line.contains(": ");
    is_place || (line.contains('.') && !line.starts_with(['.', '/']) && line.chars().all(is_name))
}

fn shortened(text: &str, limit_bytes: usize) -> String {
    text[..text.floor_char_boundary(limit_bytes)].to_owned()
}
