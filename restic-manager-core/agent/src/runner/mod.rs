//! Jobs: one at a time for each repository, each a sequence of restic commands, each ending with a report.

mod board;
mod deletion;
mod end;
mod hooks;
mod job;
mod listing;
mod locks;
mod log;
mod measure;
mod preview;
mod queue;
mod repository;
mod restic;
mod stage;
mod stop;
mod upkeep;
mod watcher;

pub(crate) use board::Board;
pub(crate) use locks::Window;
pub(crate) use queue::{JobSecrets, Runner};
pub use restic::HostEnvironment;
pub(crate) use restic::Restic;
