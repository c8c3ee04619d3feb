//! What the agent knows of its jobs and of its schedules, and the outbox, kept in step: after any crash they tell one
//! story.

mod book;
mod journal;

pub use book::{Book, JobRecord, SlotRecord};
pub use journal::Journal;
