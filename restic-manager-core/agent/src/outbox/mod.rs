//! What the server has not confirmed yet, on the disk: numbered, in order, without gaps.
//!
//! An item counts once it is synced, and leaves only after the server has acknowledged it. The store is bounded;
//! what gives way is log text in the middle, replaced by a line that says how much. The number of an item never
//! changes and is never used twice, so that sending it again does no harm.

mod give_way;
mod segment;
mod store;

pub use store::{Outbox, OutboxLimits};
