//! Routes of notifications: which alerts are told through which channels.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, Reference, endpoints};
use crate::{
    ChannelId, HostId, RepositoryId, RouteId, RouteRule, Timestamp,
    vocabulary::{AlertKind, Severity},
};

endpoints! {
    /// Lists routes in the order in which they are asked.
    List("routes.list"): Get "/api/v1/notification-routes" => 200 Json { response: Page<Route> }
    /// Shows one route.
    Show("routes.show"): Get "/api/v1/notification-routes/{route}" => 200 Json { path: ByRoute, response: Route }
    /// Makes a route.
    Create("routes.create"): Post "/api/v1/notification-routes" => 201 Json { body: RouteChange, response: Route }
    /// Changes a route.
    Update("routes.update"): Put "/api/v1/notification-routes/{route}" => 200 Json conditional { path: ByRoute, body: RouteChange, response: Route }
    /// Removes a route.
    Delete("routes.delete"): Delete "/api/v1/notification-routes/{route}" => 204 Empty { path: ByRoute, response: Nothing }
    /// Says who would be told of an alert, and why not.
    Explain("routes.explain"): Post "/api/v1/notification-routes/explain" => 200 Json { body: Supposed, response: Explanation }
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByRoute {
    /// The route's id.
    pub route: RouteId,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Route {
    /// Its id.
    pub id: RouteId,
    /// Its place among the routes: lower ones are asked first.
    pub place: u32,
    /// Its name.
    pub name: String,
    /// What it says.
    pub rule: RouteRule,
    /// When it was made.
    pub created_at: Timestamp,
    /// Version of its configuration.
    pub version: i64,
}

/// A route as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct RouteChange {
    /// 1 to 64 characters.
    pub name: String,
    /// Its place, up to 1000; of two with one place the older is asked first.
    #[serde(default)]
    pub place: u32,
    /// What it says.
    pub rule: RouteRule,
}

/// An alert that may never have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Supposed {
    /// Its kind.
    pub kind: AlertKind,
    /// Its severity; what the kind has when absent.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// The host that it is about.
    #[serde(default)]
    pub host: Option<HostId>,
    /// The repository that it is about.
    #[serde(default)]
    pub repository: Option<RepositoryId>,
}

/// Who would be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Explanation {
    /// Why nobody is told at all, such as a silence; absent when routes are asked.
    #[serde(default)]
    pub muted: Option<String>,
    /// The routes in order, and what each said.
    pub routes: Vec<Asked>,
}

/// What a route said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Asked {
    /// The route.
    pub route: Reference<RouteId>,
    /// In a few words: told and when, or what does not match.
    pub verdict: String,
    /// Who is told by it.
    pub channels: Vec<Reference<ChannelId>>,
    /// When a notification would leave; absent when none does.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
}
