//! What a schedule does when it is late, and a source group when it fails; the same on the wire, in the API and in
//! the store.

use serde::{Deserialize, Serialize};

/// What becomes of a slot whose time has passed while the host was off or asleep.
///
/// Of several such slots one runs at most, the newest; the others end as skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "policy", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Misfire {
    /// It runs, once, as soon as it can.
    #[default]
    RunOnce,
    /// It is skipped; the next slot runs at its time.
    Skip,
    /// It runs, once, if the last success of any of the schedule's source groups is older than this, or there is none.
    RunIfOlder {
        /// The age in seconds.
        seconds: u64,
    },
}

/// What to do when a run fails for a reason that may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "complete: how often and how long in between")]
pub struct Retry {
    /// Runs in all, the first included: 1 to 10.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 10)))]
    pub attempts: u32,
    /// Seconds between the end of one and the start of the next: 1 to 86,400.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 86_400)))]
    pub delay_seconds: u32,
}

/// What shapes the backups of a source group besides its paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "written by callers; a choice more is a new minor version")]
pub struct SourceOptions {
    /// What to do when a run fails for a reason that may pass; it fails at once when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Stay on the file systems of the paths: what is mounted below them is left out.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub one_file_system: bool,
    /// Leave out folders that a `CACHEDIR.TAG` file marks as caches.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub exclude_caches: bool,
}
