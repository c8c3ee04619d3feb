//! Signing in and out.

use serde::{Deserialize, Serialize};

use super::{
    Nothing, endpoints,
    factors::{PasskeyAnswer, PasskeyRequest},
};
use crate::{Scope, SecretText, Timestamp, UserId, vocabulary::Role};

endpoints! {
    /// Signs in: sets the session cookie.
    Create("session.create"): Post "/api/v1/session" => 201 Json { body: Login, response: Session }
    /// Finishes signing in with a second factor: sets the session cookie.
    SecondStep("session.second-step"): Post "/api/v1/session/second-step" => 201 Json { body: SecondFactor, response: Session }
    /// Offers to sign in with a passkey: what the browser needs for it.
    OfferPasskey("session.offer-passkey"): Get "/api/v1/session/passkey" => 200 Json { response: PasskeyRequest }
    /// Signs in with a passkey, in place of name and password: sets the session cookie.
    CreateWithPasskey("session.create-with-passkey"): Post "/api/v1/session/passkey" => 201 Json { body: PasskeyAnswer, response: Session }
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
    /// Whether the caller has set up a second factor.
    #[serde(default)]
    pub second_factor: bool,
    /// Whether this server asks the caller for a second factor that is missing: until then they only look.
    #[serde(default)]
    pub second_factor_missing: bool,
}

/// How the caller can prove again who they are: one of these is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Proofs {
    /// With the password. Not for who has a second factor.
    #[serde(default)]
    pub password: bool,
    /// With a code of the authenticator app, or a recovery code.
    #[serde(default)]
    pub code: bool,
    /// With one of the passkeys: what the browser needs for it.
    #[serde(default)]
    pub passkey: Option<PasskeyRequest>,
}

/// What is missing after the right password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct MissingStep {
    /// Stands for the password that was right: send it back with the second factor, within five minutes.
    pub pending: SecretText,
    /// A code of the authenticator app or a recovery code will do.
    #[serde(default)]
    pub code: bool,
    /// A passkey will do: what the browser needs for it.
    #[serde(default)]
    pub passkey: Option<PasskeyRequest>,
}

/// The second step of signing in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct SecondFactor {
    /// What the first step answered with.
    pub pending: SecretText,
    /// The second factor; a password is none.
    pub proof: Proof,
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
    /// A code of the authenticator app, or a recovery code.
    Code {
        /// As the app shows it or the paper says.
        code: SecretText,
    },
    /// A passkey.
    Passkey {
        /// What the browser answered.
        answer: PasskeyAnswer,
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
        Self {
            user,
            name: name.into(),
            role,
            scope: Scope::All,
            csrf_token,
            expires_at,
            proved_at: None,
            second_factor: false,
            second_factor_missing: false,
        }
    }
}
