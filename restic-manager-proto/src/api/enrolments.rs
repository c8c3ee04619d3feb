//! Invitations for hosts to enrol.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, Reference, endpoints};
use crate::{
    EnrolmentId, HostId, RepositoryId, SecretText, Timestamp,
    vocabulary::{EnrolmentState, PresenceMode},
};

endpoints! {
    /// Lists enrolment tokens, newest first.
    List("enrolments.list"): Get "/api/v1/enrolments" => 200 Json { query: Filter, response: Page<Enrolment> }
    /// Shows one enrolment token, without its secret.
    Show("enrolments.show"): Get "/api/v1/enrolments/{enrolment}" => 200 Json { path: ByEnrolment, response: Enrolment }
    /// Makes a one-time token that a host enrols with; its secret is in this answer only.
    Create("enrolments.create"): Post "/api/v1/enrolments" => 201 Json { body: NewEnrolment, response: Invitation }
    /// Issues a lost token anew; the old one ends.
    Reissue("enrolments.reissue"): Post "/api/v1/enrolments/{enrolment}/reissue" => 201 Json { path: ByEnrolment, response: Invitation }
    /// Withdraws a token.
    Delete("enrolments.delete"): Delete "/api/v1/enrolments/{enrolment}" => 204 Empty { path: ByEnrolment, response: Nothing }
    /// Gives the install script for a token, as a file.
    Script("enrolments.script"): Post "/api/v1/enrolments/{enrolment}/script" => 200 Download { path: ByEnrolment, body: ScriptRequest }
}

/// One enrolment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByEnrolment {
    /// The enrolment's id.
    pub enrolment: EnrolmentId,
}

/// Which enrolments to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<EnrolmentState>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// What a host is to be when it enrols.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewEnrolment {
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

/// A repository that a host will use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewAttachment {
    /// The repository.
    pub repository: RepositoryId,
    /// The location as seen from the host, where it differs.
    #[serde(default)]
    pub location: Option<String>,
}

/// An invitation without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Enrolment {
    /// Its id.
    pub id: EnrolmentId,
    /// The host's name.
    pub host_name: String,
    /// The host's tags.
    pub tags: Vec<String>,
    /// How the host is expected to be reachable.
    pub presence_mode: PresenceMode,
    /// The repositories the host will use.
    pub repositories: Vec<Reference<RepositoryId>>,
    /// Paths of its first source group.
    pub include_paths: Vec<String>,
    /// Whether it can still be spent.
    pub state: EnrolmentState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The host whose record the new agent takes over.
    #[serde(default)]
    pub take_over: Option<HostId>,
    /// The host that spent it.
    #[serde(default)]
    pub host: Option<HostId>,
    /// The one that took its place.
    #[serde(default)]
    pub replaced_by: Option<EnrolmentId>,
}

/// An invitation with its secret, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Invitation {
    /// What it invites to.
    pub enrolment: Enrolment,
    /// The one-time token.
    pub token: SecretText,
    /// The URL the agent connects to.
    pub server_url: String,
    /// The server's fingerprint, which the agent pins.
    pub server_fingerprint: String,
    /// One line for a Linux shell; carries the token.
    pub linux_command: SecretText,
}

/// Whose install script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct ScriptRequest {
    /// The token as the invitation gave it.
    pub token: SecretText,
}
