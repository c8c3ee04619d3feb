//! Hosts that announced themselves and wait for an admin.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, Reference, endpoints, enrolments::NewAttachment};
use crate::{HostId, PendingHostId, Timestamp, vocabulary::PresenceMode};

endpoints! {
    /// Lists the hosts that announced themselves and wait, oldest first; at most 100.
    List("pending-hosts.list"): Get "/api/v1/pending-hosts" => 200 Json { response: Page<PendingHost> }
    /// Shows one of them, and notes that an admin has looked at it: no other can push it out any more.
    Show("pending-hosts.show"): Get "/api/v1/pending-hosts/{pending_host}" => 200 Json { path: ByPendingHost, response: PendingHost }
    /// Makes it a host. Others that announced the same name stay.
    Accept("pending-hosts.accept"): Post "/api/v1/pending-hosts/{pending_host}/accept" => 201 Json { path: ByPendingHost, body: Acceptance, response: Reference<HostId> }
    /// Sends it away; its agent ends.
    Reject("pending-hosts.reject"): Post "/api/v1/pending-hosts/{pending_host}/reject" => 204 Empty { path: ByPendingHost, response: Nothing }
}

/// One announced host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByPendingHost {
    /// The announced host's id.
    pub pending_host: PendingHostId,
}

/// A host that announced itself. All but times and address is what it says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct PendingHost {
    /// Its id, of this announcement.
    pub id: PendingHostId,
    /// What it calls itself.
    pub name: String,
    /// The fingerprint of its agent's key, which the agent prints too: the one thing here that nobody else can show.
    pub fingerprint: String,
    /// Its operating system.
    pub operating_system: String,
    /// Name and version of the system.
    pub os_version: String,
    /// Its processor.
    pub architecture: String,
    /// The version of its agent.
    pub agent_version: String,
    /// The address it came from.
    #[serde(default)]
    pub address: Option<String>,
    /// Whether its agent is connected now.
    pub connected: bool,
    /// When it first announced itself.
    pub first_seen_at: Timestamp,
    /// When its agent was last seen.
    pub last_seen_at: Timestamp,
    /// When the announcement expires.
    pub expires_at: Timestamp,
    /// When an admin first looked at it.
    #[serde(default)]
    pub looked_at: Option<Timestamp>,
    /// The host that has its name already.
    #[serde(default)]
    pub namesake: Option<HostId>,
    /// How many others wait under the same name.
    pub same_name: u64,
}

/// What an announced host is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Acceptance {
    /// The fingerprint that the admin saw and compared; another one is refused.
    pub fingerprint: String,
    /// The host's name.
    pub host_name: String,
    /// The host's tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How the host is expected to be reachable; always on when absent.
    #[serde(default)]
    pub presence_mode: Option<PresenceMode>,
    /// The repositories it will use, at most 16; the first one receives the first source group.
    #[serde(default)]
    pub repositories: Vec<NewAttachment>,
    /// Absolute paths of its first source group, named `default`; none makes no group.
    #[serde(default)]
    pub include_paths: Vec<String>,
}
