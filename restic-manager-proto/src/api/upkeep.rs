//! What keeps a repository small and healthy: who does it, how often, and what it came to.

use serde::{Deserialize, Serialize};

use super::{
    endpoints,
    jobs::Job,
    repositories::{ByRepository, Repository},
};
use crate::{HostId, JobOptions, vocabulary::JobKind};

pub use super::repository_upkeep::{DeletionTest, Duty, LocksSeen, OwnedLock, Upkeep};

endpoints! {
    /// Shows a repository's upkeep and its health.
    Show("upkeep.show"): Get "/api/v1/repositories/{repository}/upkeep" => 200 Json { path: ByRepository, response: Upkeep }
    /// Says who does a repository's upkeep, how often, and how many jobs may use it at once.
    Set("upkeep.set"): Put "/api/v1/repositories/{repository}/upkeep" => 200 Json conditional { path: ByRepository, body: UpkeepChange, response: Repository }
    /// Asks for one upkeep job now: forget, prune, check, unlock, statistics or deletion test.
    Run("upkeep.run"): Post "/api/v1/repositories/{repository}/upkeep/jobs" => 202 Json { path: ByRepository, body: NewUpkeepJob, response: Job }
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
