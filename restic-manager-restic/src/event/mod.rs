//! What restic prints while it runs: bytes in, typed events out.
//!
//! Owns the decoding of single lines, on stdout and on stderr alike. It never blocks, never fails and never drops
//! a line: what it does not know becomes [`Event::Text`], [`Event::Document`] or [`Event::Unrecognized`].
//!
//! ```
//! use restic_manager_restic::{Decoder, Event};
//!
//! let mut decoder = Decoder::new();
//! decoder.push(b"open repository\n{\"message_type\":\"status\",\"percent_done\":0.5}\n");
//! let mut half_done = false;
//! while let Some(event) = decoder.next_event() {
//!     if let Event::Status(status) = event {
//!         half_done = status.fraction() == 0.5;
//!     }
//! }
//! assert!(half_done);
//! ```

mod changes;
mod decoder;
mod failure;
mod general;
mod guided;
mod line;
mod listing;
mod message;
mod progress;
mod summary;
mod words;

pub use changes::{Change, ChangeRef, DiffCounts, DiffStatistics, Initialized, TagChange, VersionInfo};
pub use decoder::{Decoder, Limits};
pub use failure::{ExitError, Failure, FailureRef, GoError};
pub use listing::{Node, NodeKind, NodeRef, Snapshot, SnapshotRef, SnapshotSummary};
pub use message::{Event, EventRef};
pub use progress::{Action, Status, StatusRef, VerboseStatus, VerboseStatusRef};
pub use summary::{BackupSummary, CheckSummary, RestoreSummary, TagSummary};
pub use words::Phase;

pub(crate) use guided::snapshot as guided_snapshot;
