//! Typed ids: UUID version 7, made from a moment and entropy that the caller gives.

use core::{fmt, str::FromStr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// A text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id; an id looks like 01932f6e-1c2d-7a4b-8e9f-0123456789ab")]
#[non_exhaustive]
pub struct ParseIdError;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Ordered by the time of creation; hyphenated lower-case text on the wire.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Makes an id from the current time and ten bytes of entropy.
            #[must_use]
            pub fn from_parts(now: Timestamp, entropy: [u8; 10]) -> Self {
                let milliseconds = u64::try_from(now.as_milliseconds()).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(milliseconds, &entropy).into_uuid())
            }

            /// The id as it is stored.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id as it is stored; byte order is time order.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.as_hyphenated())
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| ParseIdError)
            }
        }
    )*};
}

ids! {
    /// A machine with an agent.
    HostId;
    /// A restic repository.
    RepositoryId;
    /// What to back up on one host.
    SourceGroupId;
    /// When source groups of one host are backed up.
    ScheduleId;
    /// One execution of restic work.
    JobId;
    /// A key in somebody's authenticator.
    PasskeyId;
    /// A token that a program signs in with.
    ApiTokenId;
    /// A maintenance window.
    MaintenanceId;
    /// A freeze of retention.
    FreezeId;
    /// A notification channel.
    ChannelId;
    /// A route of notifications.
    RouteId;
    /// A silence.
    SilenceId;
    /// A notice: an alert's change that routes have yet to be asked about.
    NoticeId;
    /// A notification on its way through one channel.
    DeliveryId;
    /// A person who signs in.
    UserId;
    /// One browser's login.
    SessionId;
    /// One invitation for a host to enrol.
    EnrolmentId;
    /// One host that announced itself.
    PendingHostId;
    /// One entry of the audit log.
    AuditId;
    /// One alert.
    AlertId;
    /// One HTTP request, in logs and problem documents.
    RequestId;
    /// One question to an agent.
    QuestionId;
    /// One life of an agent's outbox; a new one starts when the outbox is made anew.
    OutboxId;
}
