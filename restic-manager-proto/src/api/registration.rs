//! Whether hosts may join.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints};

endpoints! {
    /// Says whether hosts may join.
    Show("registration.show"): Get "/api/v1/registration" => 200 Json { query: Nothing, response: Registration }
    /// Opens or closes the server to new hosts, and to announcements; those that have joined are not touched.
    Update("registration.update"): Put "/api/v1/registration" => 200 Json { body: RegistrationChange, response: Registration }
}

/// Whether hosts may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct RegistrationChange {
    /// Whether enrolment tokens can be made and spent.
    pub open: bool,
    /// Whether hosts without a token may announce themselves; they do so only while `open`.
    pub announce: bool,
}

/// Whether hosts may join, and how those do that have no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Registration {
    /// Whether enrolment tokens can be made and spent.
    pub open: bool,
    /// Whether hosts without a token may announce themselves; they do so only while `open`.
    pub announce: bool,
    /// One line for a Linux shell with which a host announces itself. It holds no secret.
    pub linux_command: String,
}
