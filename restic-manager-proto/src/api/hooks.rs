//! Scripts that run before and after backups.

use serde::{Deserialize, Serialize};

use super::{Nothing, endpoints, hosts::ByHost, source_groups::ByGroup};
use crate::{Hooks, Timestamp};

endpoints! {
    /// Shows the hooks of a host: those of its source groups that have none of their own.
    ShowOfHost("hooks.show-host"): Get "/api/v1/hosts/{host}/hooks" => 200 Json { path: ByHost, response: HookSet }
    /// Sets the hooks of a host.
    SetOfHost("hooks.set-host"): Put "/api/v1/hosts/{host}/hooks" => 200 Json conditional { path: ByHost, body: Hooks, response: HookSet }
    /// Removes the hooks of a host.
    RemoveOfHost("hooks.remove-host"): Delete "/api/v1/hosts/{host}/hooks" => 204 Empty { path: ByHost, response: Nothing }
    /// Shows the hooks that run for a source group: its own, or else its host's.
    ShowOfGroup("hooks.show-group"): Get "/api/v1/source-groups/{group}/hooks" => 200 Json { path: ByGroup, response: HookSet }
    /// Gives a source group hooks of its own; they replace both of its host's, and may be none.
    SetOfGroup("hooks.set-group"): Put "/api/v1/source-groups/{group}/hooks" => 200 Json conditional { path: ByGroup, body: Hooks, response: HookSet }
    /// Removes a source group's own hooks: from then on its host's run.
    RemoveOfGroup("hooks.remove-group"): Delete "/api/v1/source-groups/{group}/hooks" => 204 Empty { path: ByGroup, response: Nothing }
}

/// The hooks that run for a source group, or for those groups of a host that have none of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct HookSet {
    /// What runs.
    pub hooks: Hooks,
    /// Where it was set; absent when nothing was set anywhere.
    #[serde(default)]
    pub origin: Option<HookOrigin>,
    /// What a host's policy file that lists hooks must list for the one before; absent when there is none.
    #[serde(default)]
    pub pre_digest: Option<String>,
    /// The same for the one after.
    #[serde(default)]
    pub post_digest: Option<String>,
    /// When it was set.
    #[serde(default)]
    pub set_at: Option<Timestamp>,
    /// The name of the person who set it.
    #[serde(default)]
    pub set_by: Option<String>,
    /// Whether something was set that the server's key does not open: backups fail until it is set anew or removed.
    #[serde(default)]
    pub unreadable: bool,
    /// Version of what is set at this place; 0 when nothing is.
    pub version: i64,
}

/// Where hooks were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HookOrigin {
    /// At the host.
    Host,
    /// At the source group.
    SourceGroup,
}
