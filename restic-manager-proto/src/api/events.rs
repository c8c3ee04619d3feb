//! What changes, as it changes, for pages that stay open.

use serde::{Deserialize, Serialize};

use super::endpoints;
use crate::{EnrolmentId, HostId, JobId, RepositoryId};

endpoints! {
    /// Tells what changes in the fleet. Nothing is replayed: read the resource again.
    Stream("events.stream"): Get "/api/v1/events" => 101 WebSocket { response: FleetEvent }
}

/// Something changed; read it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FleetEvent {
    /// A host came, went, or changed.
    Host {
        /// Which.
        host: HostId,
    },
    /// A job was made, moved on or ended.
    Job {
        /// Which.
        job: JobId,
        /// On which host.
        host: HostId,
    },
    /// A repository or what is known of it changed.
    Repository {
        /// Which.
        repository: RepositoryId,
    },
    /// An enrolment token was made, spent or withdrawn.
    Enrolment {
        /// Which.
        enrolment: EnrolmentId,
    },
    /// A host announced itself, was looked at, accepted or rejected, or went away.
    PendingHosts {},
    /// An alert was raised, acknowledged or resolved.
    Alerts {},
    /// The reader was too slow and missed some: read everything again.
    Missed {},
}
