//! Freezes: forget and prune that are paused, with a reason.

use serde::{Deserialize, Serialize};

use super::{Nothing, Page, Reference, endpoints, repositories::ByRepository};
use crate::{FreezeId, RepositoryId, SourceGroupId, Timestamp, vocabulary::FreezeCause};

endpoints! {
    /// Lists what is frozen in a repository: all of it, or single source groups.
    List("freezes.list"): Get "/api/v1/repositories/{repository}/freezes" => 200 Json { path: ByRepository, response: Page<Freeze> }
    /// Freezes forget and prune of a repository, or the forget of one of its source groups; jobs that wait end when their turn comes.
    Create("freezes.create"): Post "/api/v1/repositories/{repository}/freezes" => 201 Json { path: ByRepository, body: NewFreeze, response: Freeze }
    /// Lifts a freeze: the next forget and prune may remove what they were kept from.
    Lift("freezes.lift"): Delete "/api/v1/repositories/{repository}/freezes/{freeze}" => 204 Empty { path: ByFreeze, response: Nothing }
}

/// One freeze of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::exhaustive_structs, reason = "complete: the parameters of a path")]
pub struct ByFreeze {
    /// The repository's id.
    pub repository: RepositoryId,
    /// The freeze's id.
    pub freeze: FreezeId,
}

/// A freeze.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "made by servers and by tests of clients; a field more is a new minor version"
)]
pub struct Freeze {
    /// Its id.
    pub id: FreezeId,
    /// The source group whose forget is frozen; forget and prune of the whole repository when absent.
    pub source_group: Option<Reference<SourceGroupId>>,
    /// The name of the source group's host.
    pub host: Option<String>,
    /// What led to it.
    pub cause: FreezeCause,
    /// Why, in words.
    pub reason: String,
    /// Since when.
    pub frozen_at: Timestamp,
    /// Who froze it; the server itself when absent.
    pub frozen_by: Option<String>,
}

/// A freeze to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(clippy::exhaustive_structs, reason = "a request body is written by its caller")]
pub struct NewFreeze {
    /// One of the repository's source groups; the whole repository when absent.
    #[serde(default)]
    pub source_group: Option<SourceGroupId>,
    /// Why: 1 to 64 characters, such as `Ransomware on web-1`.
    pub reason: String,
}
