//! Restores: files of a snapshot, written to a host.

use serde::{Deserialize, Serialize};

use super::{endpoints, hosts::ByHost, jobs::Job};
use crate::{Bandwidth, HostId, PlanRow, PlanSummary, RepositoryId, RestoreOptions};

endpoints! {
    /// Restores files of a snapshot to a host; the answer is the job that does it. To another host than the snapshot's it asks for a proof of identity from the last ten minutes.
    Create("restores.create"): Post "/api/v1/hosts/{host}/restores" => 202 Json { path: ByHost, body: NewRestore, response: Job }
    /// Says what a restore would do, and does nothing. Its id, given to the restore, has it do this or not begin.
    Plan("restores.plan"): Post "/api/v1/hosts/{host}/restore-plans" => 200 Json { path: ByHost, body: NewRestore, response: RestorePlan }
}

/// What a restore would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct RestorePlan {
    /// In sum.
    pub summary: PlanSummary,
    /// Path by path, without those that are unchanged; 500 at most.
    pub rows: Vec<PlanRow>,
    /// Whether there are more.
    pub more: bool,
}

/// A restore to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewRestore {
    /// The repository that holds the snapshot. The host that is restored to must be attached to it.
    pub repository: RepositoryId,
    /// The host whose snapshot it is; the host that is restored to when absent.
    #[serde(default)]
    pub snapshot_host: Option<HostId>,
    /// What is restored, and where to.
    pub restore: RestoreOptions,
    /// The name of the host, typed by whoever restores to the original place.
    #[serde(default)]
    pub confirm: Option<String>,
    /// How fast restic may be in this job; the host's limits count too. Not limited when absent.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
}
