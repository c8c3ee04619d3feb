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
