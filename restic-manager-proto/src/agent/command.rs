//! What the server asks of an agent.

use serde::{Deserialize, Serialize};

use crate::{
    JobId, Opaque, RepositoryId, Retry, SourceGroupId, Timestamp,
    vocabulary::{JobKind, JobState},
};

/// Run a job. An agent that knows the job already answers from its state and runs nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobOrder {
    /// The job.
    pub job: JobId,
    /// What to do.
    pub kind: JobKind,
    /// When it ends at the latest; an order that arrives later is answered with `expired`.
    pub deadline_at: Timestamp,
    /// Where to.
    pub repository: RepositoryOrder,
    /// For a backup: what.
    #[serde(default)]
    pub source: Option<SourceOrder>,
    /// The name under which restic records the host.
    pub host_name: String,
}

impl JobOrder {
    /// An order without a source.
    #[must_use]
    pub fn new(
        job: JobId,
        kind: JobKind,
        deadline_at: Timestamp,
        repository: RepositoryOrder,
        host_name: impl Into<String>,
    ) -> Self {
        Self { job, kind, deadline_at, repository, source: None, host_name: host_name.into() }
    }

    /// The same with what to back up.
    #[must_use]
    pub fn with_source(mut self, source: SourceOrder) -> Self {
        self.source = Some(source);
        self
    }
}

/// The repository of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepositoryOrder {
    /// Its id.
    pub id: RepositoryId,
    /// Where this host finds it.
    pub location: String,
    /// Whether to make it when it is missing.
    pub initialise: bool,
    /// JSON of [`RepositorySecrets`](crate::RepositorySecrets), sealed with the keys of this connection for this job.
    pub secrets: Opaque,
}

impl RepositoryOrder {
    /// Joins the parts.
    #[must_use]
    pub fn new(id: RepositoryId, location: impl Into<String>, initialise: bool, secrets: Opaque) -> Self {
        Self { id, location: location.into(), initialise, secrets }
    }
}

/// What a backup reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceOrder {
    /// The source group.
    pub group: SourceGroupId,
    /// Its name.
    pub name: String,
    /// Absolute paths.
    pub includes: Vec<String>,
    /// restic exclude patterns.
    pub excludes: Vec<String>,
    /// The tag of the snapshot.
    pub tag: String,
    /// What to do when the run fails; absent, it fails at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

impl SourceOrder {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        group: SourceGroupId,
        name: impl Into<String>,
        includes: Vec<String>,
        excludes: Vec<String>,
        tag: impl Into<String>,
    ) -> Self {
        Self { group, name: name.into(), includes, excludes, tag: tag.into(), retry: None }
    }

    /// The same with what to do when the run fails.
    #[must_use]
    pub const fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }
}

/// A job that an agent knows, as it says after each welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a job and its state")]
pub struct KnownJob {
    /// The job.
    pub job: JobId,
    /// `queued` when the agent reported it due and waits for the order, `dispatched` when it waits its turn, `running`, or the end state when its result is still in the outbox.
    pub state: JobState,
}

/// A new token for the agent, in place of the one it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a sealed token")]
pub struct AgentToken {
    /// The token, sealed with the keys of this connection.
    pub token: Opaque,
}
