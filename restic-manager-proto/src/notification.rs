//! Who is told of what: the parts that routes and silences are made of.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{
    ChannelId, RepositoryId, Scope,
    vocabulary::{AlertKind, Severity, Timing},
};

/// Which alerts. What it does not say holds for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written by callers; every place that decides by it decides anew"
)]
pub struct Matcher {
    /// Of this severity or a higher one.
    pub severity: Severity,
    /// Of one of these kinds; of any when empty.
    pub kinds: BTreeSet<AlertKind>,
    /// About a host of this part of the fleet. What concerns no host is told for the whole fleet alone.
    pub scope: Scope,
    /// About one of these repositories; about anything when empty.
    pub repositories: BTreeSet<RepositoryId>,
}

impl Default for Matcher {
    fn default() -> Self {
        Self {
            severity: Severity::Info,
            kinds: BTreeSet::new(),
            scope: Scope::All,
            repositories: BTreeSet::new(),
        }
    }
}

impl Matcher {
    /// Repositories that one matcher names at most.
    pub const MOST_REPOSITORIES: usize = 32;
}

/// Hours in which a route waits, by the clock of a zone. What happens in them is told when they end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "written by callers")]
pub struct QuietHours {
    /// Their first minute, such as `22:00`.
    pub from: String,
    /// The first minute after them, such as `07:00`; on the next day when it is earlier than `from`.
    pub until: String,
    /// Alerts of this severity or a higher one are told all the same.
    #[serde(default = "critical")]
    pub unless: Severity,
}

const fn critical() -> Severity {
    Severity::Critical
}

/// What a route says: which alerts are told through which channels, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "written by callers; every place that decides by it decides anew"
)]
pub struct RouteRule {
    /// Which alerts.
    #[serde(default)]
    pub matcher: Matcher,
    /// Through which channels: 1 to 16, each once.
    pub channels: Vec<ChannelId>,
    /// When; at once when absent.
    #[serde(default = "now")]
    pub timing: Timing,
    /// Whether it is told, too, that an alert is over; it is when absent.
    #[serde(default = "yes")]
    pub resolved: bool,
    /// Whether it is told again of what lasts and nobody has taken on; it is when absent.
    #[serde(default = "yes")]
    pub reminders: bool,
    /// Whether the routes below are asked too; they are not when absent.
    #[serde(default)]
    pub goes_on: bool,
    /// Hours in which it waits.
    #[serde(default)]
    pub quiet: Option<QuietHours>,
    /// The IANA name of the zone whose clock quiet hours and digests follow; UTC when absent.
    #[serde(default = "utc")]
    pub zone: String,
    /// The minute of the day of a digest, such as `07:00`, which it is when absent; a weekly one comes on Mondays.
    #[serde(default = "seven")]
    pub digest_at: String,
}

impl RouteRule {
    /// Channels that one route names at most.
    pub const MOST_CHANNELS: usize = 16;
}

const fn now() -> Timing {
    Timing::Now
}

const fn yes() -> bool {
    true
}

fn utc() -> String {
    "UTC".to_owned()
}

fn seven() -> String {
    "07:00".to_owned()
}
