use serde::{Deserialize, Serialize};

use super::Reference;
use crate::{
    HostId, JobId, LockSeen, Timestamp,
    vocabulary::{Cause, DeletionVerdict, JobKind, UpkeepState},
};

/// A repository's upkeep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Upkeep {
    /// How backups, thinning out and checking stand together: the worst of them.
    pub health: UpkeepState,
    /// How backups stand, judged from the newest snapshot that was seen.
    pub backups: UpkeepState,
    /// The host that does the upkeep, and alone gets the credential that may delete.
    #[serde(default)]
    pub runner: Option<Reference<HostId>>,
    /// What the choice of the runner risks; empty when it risks nothing.
    #[serde(default)]
    pub risk: String,
    /// How many jobs may use the repository at once.
    pub parallel: u64,
    /// Whether that was chosen, or is the server's default.
    #[serde(default)]
    pub parallel_chosen: bool,
    /// Forget, prune, check, statistics and deletion test, in this order.
    pub duties: Vec<Duty>,
    /// Whether the everyday credential may delete, as a deletion test has seen; absent when that was not tested since the
    /// credential or the location was changed.
    #[serde(default)]
    pub deletion: Option<DeletionTest>,
    /// The locks that a job left or met, of the last one that told of any; absent when there were none then.
    #[serde(default)]
    pub locks: Option<LocksSeen>,
}

/// Locks as a job saw them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct LocksSeen {
    /// When.
    pub at: Timestamp,
    /// The job.
    pub job: JobId,
    /// How many there were.
    pub count: u64,
    /// Those that the job told of, at most 16.
    pub locks: Vec<OwnedLock>,
}

/// A lock, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct OwnedLock {
    /// The lock.
    pub lock: LockSeen,
    /// The host that uses the repository and gives itself the name in the lock; absent when it is a stranger's, or when
    /// several hosts have that name.
    #[serde(default)]
    pub host: Option<Reference<HostId>>,
}

/// What a try to delete with the everyday credential showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct DeletionTest {
    /// What was seen.
    pub verdict: DeletionVerdict,
    /// When.
    pub at: Timestamp,
    /// The host that tried.
    pub host: Reference<HostId>,
    /// The job.
    pub job: JobId,
}

/// One part of a repository's upkeep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Duty {
    /// Which.
    pub kind: JobKind,
    /// How it stands.
    pub state: UpkeepState,
    /// How often it is done, in hours; never when absent.
    #[serde(default)]
    pub every_hours: Option<u32>,
    /// When it is done next; absent while it is being done.
    #[serde(default)]
    pub next_at: Option<Timestamp>,
    /// When it last succeeded and did what was asked.
    #[serde(default)]
    pub last_effective_at: Option<Timestamp>,
    /// When it turns red unless it is effective again.
    #[serde(default)]
    pub red_at: Option<Timestamp>,
    /// Tries since then that failed.
    pub failures: u32,
    /// The job that does it now.
    #[serde(default)]
    pub job: Option<JobId>,
    /// The last job that did it, or tried.
    #[serde(default)]
    pub last_job: Option<JobId>,
    /// Why that one ended so.
    #[serde(default)]
    pub last_cause: Option<Cause>,
    /// For a check: the part of the data that is read next.
    #[serde(default)]
    pub part: Option<u16>,
    /// For a check: in how many parts the data is read.
    #[serde(default)]
    pub parts: Option<u16>,
    /// For a check: in how many days everything was read once.
    #[serde(default)]
    pub full_read_days: Option<u64>,
}
