#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod command;
pub mod document;
pub mod event;
pub mod exit;
#[cfg(feature = "process")]
pub mod process;
pub mod redact;
pub mod report;
pub mod version;
#[doc = include_str!("../docs/versions-and-quirks.md")]
pub mod versions_and_quirks {}

mod cursor;
mod error;
mod line;
mod mode;
mod text;
mod timestamp;

pub use error::{DocumentError, ParseVersionError};
pub use event::{Decoder, Event, EventRef};
pub use exit::{Cause, Outcome};
pub use mode::Mode;
pub use text::{FromJson, Strings, Text};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use version::{Capability, Unsupported, Version};
