//! The caller's own account: who it is, its password, and where it is signed in.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, endpoints};
use crate::{Scope, SecretText, SessionId, Timestamp, UserId, vocabulary::Role};

endpoints! {
    /// Shows the caller's own account.
    Show("account.show"): Get "/api/v1/account" => 200 Json { response: Account }
    /// Changes the caller's own password; the account's other sessions end, and the caller's goes on under a new token.
    SetPassword("account.set-password"): Put "/api/v1/account/password" => 204 Empty { body: PasswordChange, response: Nothing }
    /// Lists where the caller is signed in, newest first.
    Sessions("account.sessions"): Get "/api/v1/account/sessions" => 200 Json { response: Page<SignIn> }
    /// Ends one of the caller's sessions; its open sockets close at once.
    EndSession("account.end-session"): Delete "/api/v1/account/sessions/{session}" => 204 Empty { path: BySession, response: Nothing }
    /// Ends all of the caller's sessions but the one that asks.
    EndOtherSessions("account.end-other-sessions"): Delete "/api/v1/account/sessions" => 204 Empty { response: Nothing }
}

/// One session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySession {
    /// The session's id.
    pub session: SessionId,
}

/// The caller's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Account {
    /// Its id.
    pub user: UserId,
    /// The name to sign in with.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// For which part of the fleet.
    #[serde(default)]
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the password was last set.
    #[serde(default)]
    pub password_set_at: Option<Timestamp>,
}

/// A new password, with proof of the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct PasswordChange {
    /// The password that opens the account now.
    pub current: SecretText,
    /// The one that will: at least 12 characters, and none of the common ones.
    pub new: SecretText,
}

/// One place where the caller is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct SignIn {
    /// The session's id; the same for as long as it lasts.
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub current: bool,
    /// When it began.
    pub since: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends unless it is used before.
    pub idle_expires_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// The address it was used from.
    #[serde(default)]
    pub address: Option<String>,
    /// What the browser said it is.
    #[serde(default)]
    pub user_agent: Option<String>,
}
