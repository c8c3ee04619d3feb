//! Jobs: one at a time for each repository, each a sequence of restic commands, each ending with a report.
//!
//! Each file uses only those before it: `stop`, `stage` (one run of restic), `log`, `end`, `locks`, `run` (what a job
//! works with), one file for each kind of job, `job` (turn, retries, hooks and the table of kinds), `queue`.

mod backup;
mod browse;
mod check;
mod connection;
mod deletion;
mod end;
mod entries;
mod forget;
mod hooks;
mod indexing;
mod job;
mod listing;
mod locks;
mod log;
mod measure;
mod opening;
mod owed;
mod planning;
mod preview;
mod progress;
mod prune;
mod queue;
mod repository;
mod restic;
mod restore;
mod restored;
mod retention;
mod run;
mod shared;
mod stage;
mod stop;
mod unfinished;
mod unlock;
mod watcher;

pub(crate) use browse::{Browser, Questions};
pub(crate) use indexing::Indexing;
pub(crate) use owed::OwedHooks;
pub(crate) use progress::NewestProgress;
pub(crate) use queue::{JobSecrets, Runner};
pub use restic::HostEnvironment;
pub(crate) use restic::Restic;
pub(crate) use stop::budget;
