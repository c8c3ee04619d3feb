//! The proof of the audit log: entries follow each other by their hashes, and the server's identity signs how far it has
//! seen them to be whole. `docs/audit.md` states the bytes, and what cannot be noticed.

mod chain;
mod checkpoint;
pub(crate) mod export;
mod hex;
mod mark;
mod walk;

pub use chain::{Fault, judge};
pub use checkpoint::{Checkpoint, ParseCheckpointError};
pub use export::{ExportVerdict, verify_export};
pub use mark::{Mark, MarkFile, MarkFileError, ParseMarkError, Standing, compare};
pub use walk::{Verdict, Whole, verify};

pub(crate) use hex::hex;
pub(crate) use walk::{Step, Walk};
