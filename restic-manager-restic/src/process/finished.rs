use std::time::Duration;

use serde::Serialize;

use crate::exit::Outcome;

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finished {
    /// The command, such as `backup`.
    pub verb: &'static str,
    /// How it ended, why, and what to do about it.
    pub outcome: Outcome,
    /// Why it was asked to stop, if it was.
    pub stop: Option<Stop>,
    /// Whether it was killed because it did not end in time.
    pub was_killed: bool,
    /// Whether it did not end although it was killed, and was left behind: it waits in the system for a disk or a mount
    /// that does not answer.
    pub was_given_up: bool,
    /// Whether a lock may have stayed in the repository. `false` is a promise, as far as restic tells the truth;
    /// `true` is a reason to list the locks.
    pub lock_may_remain: bool,
    /// What it used.
    pub resources: Resources,
    /// The end of what it wrote to standard error, without secrets.
    pub stderr: String,
    /// Events or pieces of output thrown away while it was being stopped, because nobody took them. They are the last
    /// ones: what was handed over has no holes.
    pub dropped_events: u64,
    /// Whether somebody still held its pipes after it had ended, and was killed for it.
    pub left_pipes_open: bool,
}

impl Finished {
    /// The run itself where all was done, else what became of it as an error.
    ///
    /// # Errors
    ///
    /// The outcome is anything but a success. Of a backup, [`Cause::Incomplete`](crate::Cause::Incomplete) means that a
    /// snapshot was written all the same.
    pub fn into_result(self) -> Result<Self, Box<Outcome>> {
        if self.outcome.cause.is_success() { Ok(self) } else { Err(Box::new(self.outcome)) }
    }
}

/// One of the two outputs of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Why a run was asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// Somebody cancelled it.
    Cancelled,
    /// Its time was up.
    DeadlinePassed,
    /// Nobody waited for it any more.
    Abandoned,
    /// The data for its standard input could not be read to the end.
    InputFailed,
    /// It printed more than was allowed.
    OutputTooLong,
}

/// What a child used, its own children included as far as it waited for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Resources {
    /// From start to end.
    pub elapsed: Duration,
    /// Processor time in its own code.
    pub user_time: Option<Duration>,
    /// Processor time in the system.
    pub system_time: Option<Duration>,
    /// The most memory it held at once, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// A run whose whole output was kept.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Captured {
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// How it went. Look here first: output of a failed command may be cut off.
    pub finished: Finished,
}
