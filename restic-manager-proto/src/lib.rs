#![doc = include_str!("../README.md")]
#![warn(missing_docs, clippy::exhaustive_enums, clippy::exhaustive_structs)]

pub mod agent;
pub mod api;
mod bandwidth;
pub mod capability;
mod contents;
mod credential;
pub mod frame;
mod hooks;
mod id;
mod job;
pub mod limits;
mod notification;
mod opaque;
pub mod policy;
mod raw_path;
mod restore;
mod retention;
pub mod rules;
mod schedule;
mod scope;
pub mod session;
mod time;
mod version;
pub mod vocabulary;

pub use bandwidth::Bandwidth;
pub use contents::{PlanRow, PlanSummary, PlannedClass, SearchHit, SnapshotEntry};
pub use credential::{RepositorySecrets, TransportCredential};
pub use hooks::{CommandSource, Hook, Hooks};
pub use id::{
    AlertId, ApiTokenId, AuditId, ChannelId, DeliveryId, EnrolmentId, FreezeId, HostId, JobId, MaintenanceId,
    NoticeId, OutboxId, ParseIdError, PasskeyId, PendingHostId, QuestionId, RepositoryId, RequestId, RouteId,
    ScheduleId, SessionId, SilenceId, SourceGroupId, UserId,
};
pub use job::{
    CLOCK_ALLOWANCE, HostFacts, JobChoice, JobEnd, JobOptions, LockSeen, LogLine, Measured,
    PreviewedSnapshot, Progress, ReadData, Restored, SnapshotSeen, Statistics, is_future,
};
pub use notification::{Matcher, QuietHours, RouteRule};
pub use opaque::{Opaque, SecretText};
pub use raw_path::{ParseRawPathError, RawPath};
pub use restore::{InvalidRestore, RestoreOptions, RestoreTarget, is_inside, is_snapshot_id};
pub use retention::{ParseSpanError, Retention, Span};
pub use schedule::{Misfire, Retry, SourceOptions};
pub use scope::Scope;
pub use time::{ParseTimestampError, Timestamp};
pub use version::{SUPPORTED, VersionRange};
