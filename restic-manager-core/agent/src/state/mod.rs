//! What the agent knows of its jobs and of its schedules, and the outbox, kept in step: after any crash they tell one
//! story.

mod book;
mod journal;

pub use book::{Book, JobRecord, SlotRecord};
pub use journal::Journal;

/// When a run was that may have left a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) since: restic_manager_proto::Timestamp,
    pub(crate) until: restic_manager_proto::Timestamp,
}

/// A run of restic that may have left a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastRun {
    pub(crate) window: Window,
    /// Its process, where it is known.
    pub(crate) process: Option<u32>,
}
