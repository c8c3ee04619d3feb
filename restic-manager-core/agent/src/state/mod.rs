//! What the agent knows of its jobs and of its schedules, and the outbox, kept in step: after any crash they tell one
//! story.
//!
//! A job is in the book from the moment it is accepted, or its slot is due, until the server has confirmed its end;
//! one that has started is on the disk. Everything here blocks on the disk; [`Ledger`](crate::ledger::Ledger) is the
//! way in for tasks.

mod journal;
mod slots;

pub use journal::{JobRecord, Journal};
pub use slots::SlotRecord;

/// When a run was that may have left a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) since: restic_manager_proto::Timestamp,
    pub(crate) until: restic_manager_proto::Timestamp,
}
