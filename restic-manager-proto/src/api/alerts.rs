//! What needs somebody: found by rules, taken on and closed by people or by the rule that found it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Cursor, Page, endpoints};
use crate::{
    AlertId, HostId, JobId, RepositoryId, Timestamp,
    vocabulary::{AlertKind, AlertState, AlertStep, Severity},
};

endpoints! {
    /// Lists alerts, newest first. Those that have another one as their cause are listed below that one alone.
    List("alerts.list"): Get "/api/v1/alerts" => 200 Json { query: Filter, response: Page<Alert> }
    /// Shows one alert.
    Show("alerts.show"): Get "/api/v1/alerts/{alert}" => 200 Json { path: ByAlert, response: Alert }
    /// Takes on an alert: it stays listed, and is counted no more until the given time passes or it becomes graver; one that was taken on or is over stays as it is.
    Acknowledge("alerts.acknowledge"): Post "/api/v1/alerts/{alert}/acknowledge" => 200 Json { path: ByAlert, body: Acknowledgement, response: Alert }
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
    /// Only those whose cause is this alert; beside it, state, severity and kind may not be given.
    pub below: Option<AlertId>,
    /// Items per page, 1 to 500; 50 when absent.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = crate::api::MAX_PAGE_SIZE)))]
    pub limit: Option<u32>,
    /// Where the page starts.
    pub after: Option<Cursor>,
}

/// How somebody takes on an alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct Acknowledgement {
    /// Why, or what is done about it: at most 200 characters.
    pub reason: String,
    /// When it is open again if it still lasts: later than now, and at most 90 days ahead. Until it is over when absent.
    pub until: Option<Timestamp>,
}

/// What became of an alert at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: AlertStep,
    /// The name of who did it; absent when a rule did.
    #[serde(default)]
    pub by: Option<String>,
    /// What was found, or the reason that was given.
    #[serde(default)]
    pub text: String,
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
    /// The line that proves it, such as restic's last error; empty when there is none.
    #[serde(default)]
    pub evidence: String,
    /// The host that it is about, or where it was found.
    #[serde(default)]
    pub host: Option<HostId>,
    /// The repository that it is about, or where it was found.
    #[serde(default)]
    pub repository: Option<RepositoryId>,
    /// The job that showed it last.
    #[serde(default)]
    pub job: Option<JobId>,
    /// The alert that is its cause: this one is told together with that one.
    #[serde(default)]
    pub cause: Option<AlertId>,
    /// How many alerts that last have this one as their cause; counted up to 1,000.
    #[serde(default)]
    pub below: u64,
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
    /// When it is open again if it still lasts.
    #[serde(default)]
    pub acknowledged_until: Option<Timestamp>,
    /// Why somebody took it on.
    #[serde(default)]
    pub reason: String,
    /// It is found no more, but came and went before: it is over at this time unless it is found again.
    #[serde(default)]
    pub settles_at: Option<Timestamp>,
    /// When it was over.
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    /// The name of who declared it over; absent when the rule did that found it.
    #[serde(default)]
    pub resolved_by: Option<String>,
    /// What became of it, the oldest first: the first 10 steps and the newest 30. Empty in lists.
    #[serde(default)]
    pub history: Vec<AlertEvent>,
}
