//! People who sign in.

use serde::{Deserialize, Serialize};

use super::{Cursor, Page, endpoints};
use crate::{Scope, Timestamp, UserId, vocabulary::Role};

endpoints! {
    /// Lists people in the order of their making.
    List("users.list"): Get "/api/v1/users" => 200 Json { query: Filter, response: Page<User> }
    /// Shows one person.
    Show("users.show"): Get "/api/v1/users/{user}" => 200 Json { path: ByUser, response: User }
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
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
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
    /// Counts the changes; goes into `If-Match`.
    pub version: i64,
}
