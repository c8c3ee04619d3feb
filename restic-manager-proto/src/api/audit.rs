//! Who did what.

use serde::{Deserialize, Serialize};

use super::{Cursor, Page, endpoints};
use crate::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind},
};

endpoints! {
    /// Lists audit entries, newest first.
    List("audit.list"): Get "/api/v1/audit" => 200 Json { query: Filter, response: Page<Entry> }
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only this action.
    pub action: Option<Action>,
    /// Items per page, 1 to 500; 50 when absent.
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Entry {
    /// Its id.
    pub id: AuditId,
    /// Its place in the log, from 1, without gaps.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who acted: what kind.
    pub actor_kind: ActorKind,
    /// Who acted: the name at that time.
    pub actor: String,
    /// What was done.
    pub action: Action,
    /// To what: the kind, such as `host`.
    pub subject_kind: String,
    /// To what: the id; empty when it has none.
    pub subject_id: String,
    /// To what: the name at that time.
    pub subject: String,
    /// Where the actor came from.
    #[serde(default)]
    pub address: Option<String>,
    /// More about it, as `name: value` pairs without secrets.
    #[serde(default)]
    pub detail: std::collections::BTreeMap<String, String>,
}
