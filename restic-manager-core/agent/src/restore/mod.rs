//! Giving files back: what a restore would do, before it does it.
//!
//! `disk` says what is there now, `target` where each selected path goes, `judge` what restic does with one entry, `outline`
//! what a plan holds, and `plan` goes through all entries.

mod disk;
mod judge;
mod outline;
mod plan;
mod target;

pub(crate) use disk::native;
pub use disk::{Disk, Found, LocalDisk};
pub use judge::{Class, classify};
pub use outline::{Count, Plan, ROWS, Row, Wanted};
pub use plan::{PlanError, plan};
pub use target::{Run, SelectionError, Target, runs};
