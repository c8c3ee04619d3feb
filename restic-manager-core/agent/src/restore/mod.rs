//! Giving files back: what a restore would do, before it does it.
//!
//! `disk` says what is there now, `target` where each selected path goes, `judge` what restic does with one entry, and `plan`
//! goes through all of them.

mod disk;
mod judge;
mod plan;
mod target;

pub use disk::{Disk, Found, LocalDisk};
pub use judge::{Class, classify};
pub use plan::{Count, Plan, PlanError, ROWS, Row, Wanted, plan};
pub use target::{Run, SelectionError, Target, runs};
