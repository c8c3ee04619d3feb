//! What needs somebody: found by rules, taken on and closed by people or by the rule that found it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Cursor, Page, endpoints};
use crate::{
    AlertId, Timestamp,
    vocabulary::{AlertKind, AlertState, Severity},
};

endpoints! {
    /// Lists alerts, newest first.
    List("alerts.list"): Get "/api/v1/alerts" => 200 Json { query: Filter, response: Page<Alert> }
    /// Shows one alert.
    Show("alerts.show"): Get "/api/v1/alerts/{alert}" => 200 Json { path: ByAlert, response: Alert }
    /// Takes on an alert: it stays listed, and is counted no more; one that was taken on or is over stays as it is.
    Acknowledge("alerts.acknowledge"): Post "/api/v1/alerts/{alert}/acknowledge" => 200 Json { path: ByAlert, response: Alert }
    /// Declares an alert over; the rule that found it raises a new one when it finds the same again.
    Resolve("alerts.resolve"): Post "/api/v1/alerts/{alert}/resolve" => 200 Json { path: ByAlert, response: Alert }
}

/// One alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByAlert {
    /// The alert's id.
    pub alert: AlertId,
}

/// Which alerts to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a query is written by its caller")]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<AlertState>,
    /// Only those of this severity.
    pub severity: Option<Severity>,
    /// Only those of this kind.
    pub kind: Option<AlertKind>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// One matter that needs somebody. While it lasts, finding it again counts here and makes no second alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// What it concerns: the kind, such as `host`.
    pub subject_kind: String,
    /// What it concerns: the id; empty when it is the server itself.
    #[serde(default)]
    pub subject_id: String,
    /// What it concerns: the name when it was last found.
    #[serde(default)]
    pub subject: String,
    /// One sentence: what was found.
    pub summary: String,
    /// What to do about it.
    #[serde(default)]
    pub next_step: String,
    /// More about it, as `name: value` pairs without secrets.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
    /// How often it was found.
    pub count: u64,
    /// When it was first found.
    pub first_seen_at: Timestamp,
    /// When it was last found.
    pub last_seen_at: Timestamp,
    /// When somebody took it on.
    #[serde(default)]
    pub acknowledged_at: Option<Timestamp>,
    /// The name of who took it on.
    #[serde(default)]
    pub acknowledged_by: Option<String>,
    /// When it was over.
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    /// The name of who declared it over; absent when the rule did that found it.
    #[serde(default)]
    pub resolved_by: Option<String>,
}
