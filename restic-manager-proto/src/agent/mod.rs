//! What server and agent say to each other.
//!
//! A connection starts with four handshake messages ([`Hello`], [`Challenge`], [`Proof`], [`Welcome`]), in which
//! both ends prove their identities and agree on keys; every one after that is a [`Message`]. The
//! [`Session`](crate::session::Session) keeps the order.
//!
//! Three rules for changing this module: a field may be added when an old reader can ignore it and its absence
//! means what was true before; a kind may be added when an old reader may answer `unsupported`; everything else
//! is a new protocol version.

mod bounds;
mod command;
mod configuration;
mod handshake;
mod message;
mod question;
mod reply;
mod report;

pub use command::{
    AgentToken, ForgetOrder, ForgetPolicy, JobOrder, KnownJob, RepositoryOrder, SourceOrder, Task,
};
pub use configuration::{
    Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
};
pub use handshake::{Challenge, Hello, Intent, Pending, Proof, Refusal, RefusalCode, Welcome};
pub use message::{Message, Unknown};
pub use question::{Answer, AnswerPart, Ask, Gate, Question, Room, parts};
pub use reply::{ErrorCode, Reply};
pub use report::{OutboxPosition, Report, ReportItem, SlotJob, UnknownItem};
