//! Running restic: spawn, pump, cancel, reap.
//!
//! Owns the life of one child process from start to the last byte it printed. It never leaves a pipe unread while the
//! child lives, and never loses the child: dropping a [`Running`] asks it to stop. It kills only what was asked to stop and
//! did not, restic and a [`Script`] alike, or where going on would be worse: a start that is abandoned half-way, and input
//! that is cut off.
//!
//! # Stopping
//!
//! [`Canceller::cancel`], a passed [deadline](Options::deadline), a dropped [`Running`] and failing input all climb the
//! same ladder: restic alone gets an interrupt, so that it can finish its uploads and remove its lock; after
//! [`Options::grace`] its whole process group is killed; and what the system does not end within [`Options::reap`] even
//! then is given up. [`Finished::stop`] tells what was asked, [`Finished::was_killed`] and [`Finished::was_given_up`] how
//! it went, [`Finished::lock_may_remain`] whether to look for a lock.
//!
//! # When the caller dies
//!
//! On Linux restic gets an interrupt when the process that started it dies. On Windows the job object ends it. Elsewhere
//! it runs on and ends when it next prints something.

mod child;
mod driver;
mod error;
mod finished;
mod input;
mod ladder;
mod options;
mod program;
mod runner;
mod running;
mod script;
mod tail;
mod throttle;

pub use self::{
    error::{SpawnError, VersionError},
    finished::{Captured, Finished, Resources, Stop, Stream},
    input::Input,
    options::{IoPriority, Options, Priority},
    program::Program,
    runner::Runner,
    running::{Canceller, Running, Streaming},
    script::{Script, ScriptEnd},
};
