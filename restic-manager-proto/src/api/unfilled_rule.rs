use serde::{Deserialize, Serialize};

/// A rule of a retention policy that no schedule fills: twenty-four hourly snapshots of what is backed up once a day are
/// twenty-four days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct UnfilledRule {
    /// The rule, such as `hourly`.
    pub rule: String,
    /// How often backups would have to run, in seconds.
    pub needs_seconds: u64,
    /// How often the group's schedules run, in seconds; absent when nothing backs it up by itself.
    #[serde(default)]
    pub runs_every_seconds: Option<u64>,
}
