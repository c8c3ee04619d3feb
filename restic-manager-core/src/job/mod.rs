//! The life of a job as rules: who may move it from which state to which, what to do when it is cancelled, late,
//! refused, or known differently at both ends, and what its end means to a person.
//!
//! Everything here takes facts and gives a decision; the server carries it out, in a transaction with its audit
//! entry. Nothing here reads a clock or a store.

mod advice;
mod deadline;
mod decide;
mod life;

pub use advice::advice;
pub use deadline::{Deadlines, deadlines};
pub use decide::{Decision, JobFacts, cancel, overdue, reconcile, refused};
pub use life::{By, Received, is_end_for, may, receive};

#[cfg(test)]
mod tests;
