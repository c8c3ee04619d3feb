//! Silences: times in which nobody is told of some alerts.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, endpoints};
use crate::{Matcher, SilenceId, Timestamp};

endpoints! {
    /// Lists silences that last or are to come, the one that ends first first.
    List("silences.list"): Get "/api/v1/silences" => 200 Json { response: Page<Silence> }
    /// Silences notifications for a time. Alerts are raised and shown as ever.
    Create("silences.create"): Post "/api/v1/silences" => 201 Json { body: NewSilence, response: Silence }
    /// Ends a silence now; one that has not begun is removed.
    End("silences.end"): Delete "/api/v1/silences/{silence}" => 204 Empty { path: BySilence, response: Nothing }
}

/// One silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct BySilence {
    /// The silence's id.
    pub silence: SilenceId,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// Of which alerts nobody is told.
    pub matcher: Matcher,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A silence to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewSilence {
    /// Of which alerts nobody is told.
    pub matcher: Matcher,
    /// When it begins, at most a year ahead; now when absent.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// When it is over: later than now and than its beginning, and at most 30 days after that.
    pub until: Timestamp,
    /// Why: 1 to 64 characters, such as `Storage is moved`.
    pub reason: String,
}
