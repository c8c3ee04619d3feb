//! Tokens that programs sign in with, in the header `Authorization: Bearer`.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, endpoints};
use crate::{ApiTokenId, Scope, SecretText, Timestamp, vocabulary::Role};

endpoints! {
    /// Lists the caller's API tokens, newest first; for admins of the whole fleet, with `all`, everybody's.
    List("api-tokens.list"): Get "/api/v1/api-tokens" => 200 Json { query: Filter, response: Page<ApiToken> }
    /// Makes an API token of the caller's; it is shown once.
    Create("api-tokens.create"): Post "/api/v1/api-tokens" => 201 Json { body: NewApiToken, response: CreatedApiToken }
    /// Revokes an API token: one's own, or as an admin of the whole fleet anybody's.
    Revoke("api-tokens.revoke"): Delete "/api/v1/api-tokens/{token}" => 204 Empty { path: ByToken, response: Nothing }
}

/// One API token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByToken {
    /// The token's id.
    pub token: ApiTokenId,
}

/// Which tokens to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// `true`: everybody's, where the caller is an admin of the whole fleet.
    pub all: Option<bool>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// An API token; its text is never shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct ApiToken {
    /// Its id.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// Who made it.
    pub maker: String,
    /// What it may do at most; never more than its maker.
    pub role: Role,
    /// For which part of the fleet; never more than its maker's at the time of each request.
    #[serde(default)]
    pub scope: Scope,
    /// Whether it may do what asks people for a recent proof of identity.
    pub dangerous: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    #[serde(default)]
    pub last_used_at: Option<Timestamp>,
    /// From where.
    #[serde(default)]
    pub last_address: Option<String>,
}

/// An API token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewApiToken {
    /// What it is for: 1 to 64 characters: letters, digits, `.`, `-`, `_`.
    pub name: String,
    /// What it may do at most; not more than its maker.
    pub role: Role,
    /// For which part of the fleet, among what its maker sees; all of that when absent.
    #[serde(default)]
    pub scope: Scope,
    /// Whether it may do what asks people for a recent proof of identity; no when absent.
    #[serde(default)]
    pub dangerous: bool,
    /// When it expires: within a year.
    pub expires_at: Timestamp,
}

/// An API token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct CreatedApiToken {
    /// The token's record.
    pub api_token: ApiToken,
    /// The token, shown once.
    pub token: SecretText,
}
