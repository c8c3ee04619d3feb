//! What keeps a repository small and healthy: who does it, how often, and what it came to.

use serde::{Deserialize, Serialize};

use super::{Reference, endpoints, jobs::Job, repositories::ByRepository, repositories::Repository};
use crate::{
    HostId, JobId, JobOptions, Timestamp,
    vocabulary::{Cause, DeletionVerdict, JobKind, UpkeepState},
};

endpoints! {
    /// Shows a repository's upkeep and its health.
    Show("upkeep.show"): Get "/api/v1/repositories/{repository}/upkeep" => 200 Json { path: ByRepository, response: Upkeep }
    /// Says who does a repository's upkeep, how often, and how many jobs may use it at once.
    Set("upkeep.set"): Put "/api/v1/repositories/{repository}/upkeep" => 200 Json conditional { path: ByRepository, body: UpkeepChange, response: Repository }
    /// Asks for one upkeep job now: forget, prune, check, unlock, statistics or deletion test.
    Run("upkeep.run"): Post "/api/v1/repositories/{repository}/upkeep/jobs" => 202 Json { path: ByRepository, body: NewUpkeepJob, response: Job }
}

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

/// A repository's upkeep as it shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct UpkeepChange {
    /// A host that is attached to the repository; an attached host is taken when absent.
    #[serde(default)]
    pub runner: Option<HostId>,
    /// How often `forget` applies the retention policies, in hours from 1 to 8784; never when absent.
    #[serde(default)]
    pub forget_every_hours: Option<u32>,
    /// How often their data is removed.
    #[serde(default)]
    pub prune_every_hours: Option<u32>,
    /// How often the repository is checked.
    #[serde(default)]
    pub check_every_hours: Option<u32>,
    /// How often the repository is measured.
    #[serde(default)]
    pub statistics_every_hours: Option<u32>,
    /// How often is tried whether the everyday credential may delete.
    #[serde(default)]
    pub deletion_test_every_hours: Option<u32>,
    /// In how many parts checks read the data, 1 to 256; 20 when absent.
    #[serde(default)]
    pub check_parts: Option<u16>,
    /// How many jobs may use the repository at once, 1 to 1000; the server's default when absent.
    #[serde(default)]
    pub parallel: Option<u32>,
}

/// An upkeep job to be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewUpkeepJob {
    /// Forget, prune, check, unlock, statistics or deletion test.
    pub kind: JobKind,
    /// The host to run on, for an unlock; whoever does the upkeep when absent.
    #[serde(default)]
    pub host: Option<HostId>,
    /// What is chosen for it; a check reads the part whose turn it is when nothing is said.
    #[serde(default)]
    pub options: JobOptions,
}
