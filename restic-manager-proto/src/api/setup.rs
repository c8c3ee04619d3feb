//! The setup link that a person got from an admin: sets a password, once.
//!
//! The token travels in bodies alone. In the link it stands behind the `#`, which browsers keep to themselves.

use serde::{Deserialize, Serialize};

use super::endpoints;
use crate::{SecretText, Timestamp, vocabulary::Role};

endpoints! {
    /// Says whose password a setup link sets; changes nothing.
    Check("setup.check"): Post "/api/v1/setup/check" => 200 Json { body: Link, response: Invited }
    /// Sets the password and spends the link.
    Finish("setup.finish"): Post "/api/v1/setup" => 200 Json { body: FirstPassword, response: Invited }
}

/// A setup link's token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Link {
    /// The one-time token.
    pub token: SecretText,
}

/// A setup link's token, and the password to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct FirstPassword {
    /// The one-time token.
    pub token: SecretText,
    /// At least 12 characters, and none of the common ones.
    pub password: SecretText,
}

/// Whom a setup link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Invited {
    /// The name to sign in with.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// When the link expires.
    pub expires_at: Timestamp,
}
