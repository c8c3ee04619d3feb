//! People who sign in.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, endpoints};
use crate::{Scope, SecretText, Timestamp, UserId, vocabulary::Role};

endpoints! {
    /// Lists people in the order of their making.
    List("users.list"): Get "/api/v1/users" => 200 Json { query: Filter, response: Page<User> }
    /// Shows one person.
    Show("users.show"): Get "/api/v1/users/{user}" => 200 Json { path: ByUser, response: User }
    /// Adds a person, who sets a password by the link in the answer.
    Create("users.create"): Post "/api/v1/users" => 201 Json { body: NewUser, response: InvitedUser }
    /// Changes a person's role, or whether sign-in is refused; the person's sessions end at once.
    Update("users.update"): Put "/api/v1/users/{user}" => 200 Json conditional { path: ByUser, body: UserChange, response: User }
    /// Ends all sessions of a person.
    EndSessions("users.end-sessions"): Delete "/api/v1/users/{user}/sessions" => 204 Empty { path: ByUser, response: Nothing }
    /// Makes a link by which a person sets a new password; an earlier one ends.
    IssueSetupLink("users.issue-setup-link"): Post "/api/v1/users/{user}/setup-link" => 201 Json { path: ByUser, response: InvitedUser }
    /// Withdraws a person's setup link.
    WithdrawSetupLink("users.withdraw-setup-link"): Delete "/api/v1/users/{user}/setup-link" => 204 Empty { path: ByUser, response: Nothing }
}

/// One person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByUser {
    /// The person's id.
    pub user: UserId,
}

/// Which people to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// A person to add.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewUser {
    /// The name to sign in with: 1 to 64 characters.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// For which part of the fleet; all of it when absent.
    #[serde(default)]
    pub scope: Scope,
}

/// What is to change about a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct UserChange {
    /// What the person may do.
    pub role: Role,
    /// For which part of the fleet; it stays as it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Whether sign-in is refused.
    pub disabled: bool,
}

/// A person as admins see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// The name to sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// For which part of the fleet.
    #[serde(default)]
    pub scope: Scope,
    /// Whether sign-in is refused.
    pub disabled: bool,
    /// Whether the password alone opens nothing.
    #[serde(default)]
    pub second_factor: bool,
    /// When the record was made.
    pub created_at: Timestamp,
    /// When the password was last set; absent before the first.
    #[serde(default)]
    pub password_set_at: Option<Timestamp>,
    /// When they last signed in.
    #[serde(default)]
    pub last_login_at: Option<Timestamp>,
    /// Until when their setup link can be followed, if there is one.
    #[serde(default)]
    pub setup_link_expires_at: Option<Timestamp>,
    /// In how many places they are signed in.
    #[serde(default)]
    pub sessions: u32,
    /// Counts the changes; goes into `If-Match`.
    pub version: i64,
}

/// A person with a setup link, shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct InvitedUser {
    /// Who is invited.
    pub user: User,
    /// The address to open; carries the token.
    pub url: SecretText,
    /// The one-time token alone, for browsers without scripts.
    pub token: SecretText,
    /// When both die.
    pub expires_at: Timestamp,
}
