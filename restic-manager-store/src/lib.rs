#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod accessors;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
pub mod memory;
mod noun;
mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
mod retry;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod store;
mod transaction;
mod value;

pub use error::{Error, ErrorKind};
pub use noun::{
    alerts, api_tokens, attachments, audit, bootstrap, checkpoints, drafts, enrolments, factors, hooks,
    hosts, jobs, leases, limits, logs, measurements, meta, pending_hosts, previews, replies, repositories,
    schedules, sealed, sessions, setup_links, snapshots, sources, upkeep, users,
};
pub use page::{Page, PageRequest};
pub use retry::{Retryable, retry};
pub use store::{Read, Store};
pub use transaction::{Audit, Transaction};
pub use value::{PasswordHash, PublicKey, SealedBlob, TokenHash, fold};
