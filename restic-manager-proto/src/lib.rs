#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

mod id;
mod opaque;
mod time;
pub mod vocabulary;

pub use id::{
    AuditId, EnrolmentId, HostId, JobId, OutboxId, ParseIdError, RepositoryId, RequestId, SessionId,
    SourceGroupId, UserId,
};
pub use opaque::{Opaque, SecretText};
pub use time::{ParseTimestampError, Timestamp};
