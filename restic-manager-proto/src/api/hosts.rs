//! Hosts and the repositories they use.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, Reference, endpoints};
use crate::{
    HostFacts, HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{Cause, Health, JobState, Presence, PresenceMode, RepositoryState},
};

endpoints! {
    /// Lists hosts by name.
    List("hosts.list"): Get "/api/v1/hosts" => 200 Json { query: Filter, response: Page<Host> }
    /// Shows one host.
    Show("hosts.show"): Get "/api/v1/hosts/{host}" => 200 Json { path: ByHost, response: Host }
    /// Changes a host's name, tags and presence mode.
    Update("hosts.update"): Put "/api/v1/hosts/{host}" => 200 Json conditional { path: ByHost, body: HostChange, response: Host }
    /// Removes a host: its agent's trust ends at once, its history stays readable.
    Delete("hosts.delete"): Delete "/api/v1/hosts/{host}" => 204 Empty { path: ByHost, response: Nothing }
    /// Lists the repositories that a host uses.
    Attachments("attachments.list"): Get "/api/v1/hosts/{host}/repositories" => 200 Json { path: ByHost, response: Page<Attachment> }
    /// Attaches a host to a repository, or changes the attachment.
    Attach("attachments.set"): Put "/api/v1/hosts/{host}/repositories/{repository}" => 200 Json { path: ByHostAndRepository, body: AttachmentChange, response: Attachment }
    /// Detaches a host from a repository.
    Detach("attachments.delete"): Delete "/api/v1/hosts/{host}/repositories/{repository}" => 204 Empty { path: ByHostAndRepository, response: Nothing }
}

/// One host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByHost {
    /// The host's id.
    pub host: HostId,
}

/// One host and one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByHostAndRepository {
    /// The host's id.
    pub host: HostId,
    /// The repository's id.
    pub repository: RepositoryId,
}

/// Which hosts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only hosts with this tag.
    pub tag: Option<String>,
    /// Only hosts of this health.
    pub health: Option<Health>,
    /// Only hosts whose name contains this.
    pub text: Option<String>,
    /// Items per page, 1 to 500; 50 when absent.
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// A machine with an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Host {
    /// Its id.
    pub id: HostId,
    /// Its name, unique among hosts.
    pub name: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// Whether its agent is connected.
    pub presence: Presence,
    /// Whether its data can be restored.
    pub health: Health,
    /// When its agent enrolled.
    pub enrolled_at: Timestamp,
    /// When its agent was last heard.
    #[serde(default)]
    pub last_seen_at: Option<Timestamp>,
    /// The address its agent last came from.
    #[serde(default)]
    pub address: Option<String>,
    /// What its agent says of it.
    pub facts: HostFacts,
    /// The last backup that ended.
    #[serde(default)]
    pub last_backup: Option<LastBackup>,
    /// Time of the newest snapshot that was seen in a repository.
    #[serde(default)]
    pub last_snapshot_at: Option<Timestamp>,
    /// Snapshots seen in its repositories.
    pub snapshots: u64,
    /// Bytes of files in its newest snapshot, where known.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// A job that is running now.
    #[serde(default)]
    pub running_job: Option<JobId>,
    /// Whether it is the runner of a repository: trusted with a credential that may delete.
    #[serde(default)]
    pub is_runner: bool,
    /// Version of its configuration.
    pub version: i64,
}

/// The last backup of a host that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct LastBackup {
    /// The job.
    pub job: JobId,
    /// How it ended.
    pub state: JobState,
    /// Why it ended so.
    pub cause: Cause,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// What of a host can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct HostChange {
    /// 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// Up to 32 tags, each 1 to 32 characters: letters, digits, `.`, `-`, `_`, `:`.
    pub tags: Vec<String>,
    /// How it is expected to be reachable.
    pub presence_mode: PresenceMode,
}

/// A host uses a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Attachment {
    /// The host.
    pub host: Reference<HostId>,
    /// The repository.
    pub repository: Reference<RepositoryId>,
    /// The location as seen from this host, where it differs.
    #[serde(default)]
    pub location: Option<String>,
    /// What this host found at the location.
    pub state: RepositoryState,
    /// The words that prove the state.
    #[serde(default)]
    pub detail: String,
    /// What to do about the state; empty when it is good.
    #[serde(default)]
    pub next_step: String,
    /// When the state was found.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
}

/// How a host uses a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct AttachmentChange {
    /// The location as seen from this host, where it differs from the repository's own.
    #[serde(default)]
    pub location: Option<String>,
}
