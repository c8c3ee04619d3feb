//! How a run ended, why, and what to do about it.
//!
//! Owns the judgement: exit code first, text only where codes are silent (old versions, network, storage). Never
//! trusts exit code 0 alone, since a storage that only takes additions refuses removals without restic saying so.
//!
//! ```
//! use restic_manager_restic::exit::{Evidence, Termination};
//! use restic_manager_restic::{Cause, Decoder};
//!
//! let mut stderr = Decoder::new();
//! stderr.push(b"Fatal: unable to open config file: Head \"https://backup.example/config\": dial tcp: connection refused\n");
//! let mut evidence = Evidence::new();
//! while let Some(event) = stderr.next_event_ref() {
//!     evidence.note(&event);
//! }
//! let outcome = evidence.conclude(Termination::Code(1));
//! assert_eq!(outcome.cause, Cause::Unreachable);
//! assert!(outcome.advice().contains("network"));
//! ```

mod cause;
mod evidence;
mod lock;
mod pattern;

pub use cause::{Cause, ParseCauseError};
pub use evidence::{Evidence, Outcome, Refusals, Termination};
pub use lock::LockHolder;
