#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod forward;
pub mod memory;
mod noun;
mod nouns;
mod page;
#[cfg(feature = "postgres")]
pub mod postgres;
mod read;
mod retry;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod store;
mod transaction;
mod value;

pub use error::{Error, ErrorKind};
pub use noun::*;
pub use page::{Page, PageRequest};
pub use read::Read;
pub use retry::{Retryable, retry};
pub use store::{Soundness, Store};
pub use transaction::{Audit, Transaction};
pub use value::{PasswordHash, PublicKey, SealedBlob, TokenHash, fold};
