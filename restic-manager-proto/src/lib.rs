#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod agent;
pub mod api;
mod bandwidth;
pub mod capability;
mod credential;
pub mod frame;
mod hooks;
mod id;
mod job;
pub mod limits;
mod opaque;
pub mod policy;
mod retention;
pub mod rules;
mod schedule;
mod scope;
pub mod session;
mod time;
mod version;
pub mod vocabulary;

pub use bandwidth::Bandwidth;
pub use credential::{RepositorySecrets, TransportCredential};
pub use hooks::{CommandSource, Hook, Hooks};
pub use id::{
    AlertId, ApiTokenId, AuditId, EnrolmentId, HostId, JobId, MaintenanceId, OutboxId, ParseIdError,
    PasskeyId, PendingHostId, RepositoryId, RequestId, ScheduleId, SessionId, SourceGroupId, UserId,
};
pub use job::{
    HostFacts, JobEnd, JobOptions, LogLine, Measured, PreviewedSnapshot, Progress, ReadData, SnapshotSeen,
    Statistics,
};
pub use opaque::{Opaque, SecretText};
pub use retention::{ParseSpanError, Retention, Span};
pub use schedule::{Misfire, Retry, SourceOptions};
pub use scope::Scope;
pub use time::{ParseTimestampError, Timestamp};
pub use version::{SUPPORTED, VersionRange};
