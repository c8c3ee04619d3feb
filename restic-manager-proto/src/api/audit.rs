//! Who did what.

use serde::{Deserialize, Serialize};

use super::{Cursor, Nothing, Page, endpoints};
use crate::{
    AuditId, Timestamp,
    vocabulary::{Action, ActorKind, AuditFormat, Outcome},
};

endpoints! {
    /// Lists audit entries, newest first.
    List("audit.list"): Get "/api/v1/audit" => 200 Json { query: Filter, response: Page<Entry> }
    /// Shows one audit entry with its place in the chain.
    Show("audit.show"): Get "/api/v1/audit/{sequence}" => 200 Json { path: BySequence, response: Proven }
    /// Tells how far the audit log was verified.
    State("audit.state"): Get "/api/v1/audit/state" => 200 Json { response: Proof }
    /// Downloads audit entries.
    Export("audit.export"): Get "/api/v1/audit/export" => 200 Download { query: ExportQuery, response: Nothing }
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only this action.
    pub action: Option<Action>,
    /// Only what this actor did, by id.
    pub actor: Option<String>,
    /// Only what was done to things of this kind, such as `host`.
    pub subject_kind: Option<String>,
    /// Only what was done to this thing, by id; needs its kind too.
    pub subject_id: Option<String>,
    /// Only what ended so.
    pub outcome: Option<Outcome>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only up to this moment.
    pub until: Option<Timestamp>,
    /// Only entries whose actor's or subject's name begins so, whatever its case.
    pub text: Option<String>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
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
    /// Who acted: the id, where there is one.
    #[serde(default)]
    pub actor_id: Option<String>,
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

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySequence {
    /// The entry's number.
    #[serde(deserialize_with = "number")]
    pub sequence: u64,
}

/// A number in a path comes as text.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

/// Which entries to download, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct ExportQuery {
    /// JSON lines when absent.
    pub format: Option<AuditFormat>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only what this actor did, by id.
    pub actor: Option<String>,
    /// Only what was done to things of this kind, such as `host`.
    pub subject_kind: Option<String>,
    /// Only what was done to this thing, by id; needs its kind too.
    pub subject_id: Option<String>,
    /// Only what ended so.
    pub outcome: Option<Outcome>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only up to this moment.
    pub until: Option<Timestamp>,
    /// Only entries whose actor's or subject's name begins so, whatever its case.
    pub text: Option<String>,
}

/// An entry and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Proven {
    /// The entry.
    pub entry: Entry,
    /// The hash of the entry before, in hexadecimal.
    pub previous_hash: String,
    /// The hash over number, content and the hash before.
    pub hash: String,
    /// Whether number, content and hashes belong together.
    pub as_written: bool,
    /// The first checkpoint that covers it; absent while none does.
    #[serde(default)]
    pub checkpoint: Option<CheckpointMark>,
}

/// A signed mark in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct CheckpointMark {
    /// The last entry that it covers.
    pub sequence: u64,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// The line to keep elsewhere.
    pub line: String,
}

/// How far the log was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Proof {
    /// Entries there are.
    pub entries: u64,
    /// The last entry that was found whole; absent until the first reading after a start.
    #[serde(default)]
    pub verified_up_to: Option<u64>,
    /// When that was.
    #[serde(default)]
    pub verified_at: Option<Timestamp>,
    /// When all of it was last read from the start and found whole.
    #[serde(default)]
    pub whole_at: Option<Timestamp>,
    /// What is wrong; absent while nothing is.
    #[serde(default)]
    pub fault: Option<String>,
    /// The newest checkpoint.
    #[serde(default)]
    pub checkpoint: Option<CheckpointMark>,
}
