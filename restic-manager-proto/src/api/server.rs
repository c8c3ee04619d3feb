//! Which server this is, and its first admin.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints};
use crate::{SecretText, VersionRange};

endpoints! {
    /// Says which server this is.
    Version("server.version"): Get "/api/version" => 200 Json { response: ServerVersion }
    /// Says whether the first admin has yet to be made.
    BootstrapState("bootstrap.state"): Get "/api/v1/bootstrap" => 200 Json { response: Bootstrap }
    /// Makes the first admin with the token that the server printed at its first start.
    CreateFirstAdmin("bootstrap.create"): Post "/api/v1/bootstrap" => 201 Json { body: FirstAdmin, response: Nothing }
    /// Says how long what has happened is kept.
    Keeping("server.keeping"): Get "/api/v1/keeping" => 200 Json { response: Kept }
    /// Describes the API as an OpenAPI 3.1 document.
    OpenApi("server.openapi"): Get "/api/v1/openapi.json" => 200 Download {}
}

/// Which server this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ServerVersion {
    /// The server's version.
    pub version: String,
    /// The agent protocol versions it speaks.
    pub wire: VersionRange,
    /// Fingerprint of its identity, as agents pin it.
    pub fingerprint: String,
}

impl ServerVersion {
    /// Joins the three.
    #[must_use]
    pub fn new(version: impl Into<String>, wire: VersionRange, fingerprint: impl Into<String>) -> Self {
        Self { version: version.into(), wire, fingerprint: fingerprint.into() }
    }
}

/// How long, and how much, of what has happened is kept. What has not ended is kept whatever its age, and the audit log is never
/// cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "made by the server and by tests of its clients")]
pub struct Kept {
    /// Jobs, in seconds from their end on. Their logs go with them.
    pub jobs_seconds: u64,
    /// Jobs that have ended, at most: the oldest go first.
    pub jobs_at_most: u64,
    /// The lines of their logs, in seconds.
    pub logs_seconds: u64,
    /// Jobs that have ended and whose logs are kept, at most.
    pub logs_at_most: u64,
    /// Previews of retention policies, in seconds from when they were asked for.
    pub previews_seconds: u64,
    /// Alerts, in seconds from when they were resolved.
    pub alerts_seconds: u64,
    /// Notifications that were delivered or given up, in seconds.
    pub notifications_seconds: u64,
    /// Invitations and API tokens that open nothing any more, in seconds.
    pub tokens_seconds: u64,
}

/// Whether the server waits for its first admin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: yes or no")]
pub struct Bootstrap {
    /// True until the first admin was made.
    pub needed: bool,
}

/// The first admin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct FirstAdmin {
    /// The one-time token.
    pub token: SecretText,
    /// The name to sign in with: 1 to 64 characters.
    pub name: String,
    /// At least 12 characters, and none of the common ones.
    pub password: SecretText,
}
