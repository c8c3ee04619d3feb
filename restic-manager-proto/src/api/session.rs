//! Signing in and out.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints};
use crate::{Scope, SecretText, Timestamp, UserId, vocabulary::Role};

endpoints! {
    /// Signs in: sets the session cookie.
    Create("session.create"): Post "/api/v1/session" => 201 Json { body: Login, response: Session }
    /// Says who the caller is.
    Show("session.show"): Get "/api/v1/session" => 200 Json { response: Session }
    /// Signs out: ends the session and clears its cookie.
    Delete("session.delete"): Delete "/api/v1/session" => 204 Empty { response: Nothing }
    /// Says how the caller can prove again who they are.
    ShowProofs("session.proofs"): Get "/api/v1/session/proof" => 200 Json { response: Proofs }
    /// Proves again who the caller is, for what asks for a recent proof.
    Prove("session.prove"): Post "/api/v1/session/proof" => 200 Json { body: Proof, response: Session }
}

/// Name and password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Login {
    /// The user's name.
    pub name: String,
    /// The user's password.
    pub password: SecretText,
}

/// Who the caller is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Session {
    /// The user's id.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// For which part of the fleet.
    #[serde(default)]
    pub scope: Scope,
    /// Goes into the `X-CSRF-Token` header of every changing request that is authenticated by the cookie.
    pub csrf_token: SecretText,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// When the caller last proved who they are. Dangerous acts ask for a proof of the last ten minutes.
    #[serde(default)]
    pub proved_at: Option<Timestamp>,
}

/// How the caller can prove again who they are: one of these is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Proofs {
    /// With the password. Not for who has a second factor.
    #[serde(default)]
    pub password: bool,
}

/// A proof of identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Proof {
    /// The password.
    Password {
        /// As it is typed at sign-in.
        password: SecretText,
    },
}

impl Session {
    /// Joins the parts; the role is for the whole fleet.
    #[must_use]
    pub fn new(
        user: UserId,
        name: impl Into<String>,
        role: Role,
        csrf_token: SecretText,
        expires_at: Timestamp,
    ) -> Self {
        Self { user, name: name.into(), role, scope: Scope::All, csrf_token, expires_at, proved_at: None }
    }
}
