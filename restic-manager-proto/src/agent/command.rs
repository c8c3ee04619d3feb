//! What the server asks of an agent.

use serde::{Deserialize, Serialize};

use crate::{
    Bandwidth, CommandSource, JobId, Opaque, ReadData, RepositoryId, RestoreOptions, Retention, Retry,
    SourceGroupId, SourceOptions, Timestamp,
    vocabulary::{JobKind, JobState, lenient},
};

/// Run a job. An agent that knows the job already answers from its state and runs nothing twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobOrder {
    /// The job.
    pub job: JobId,
    /// What to do.
    #[serde(flatten)]
    pub task: Task,
    /// When it ends at the latest; an order that arrives later is answered with `expired`.
    pub deadline_at: Timestamp,
    /// Where to.
    pub repository: RepositoryOrder,
    /// The name under which restic records the host.
    pub host_name: String,
    /// How fast restic may be; the agent's policy may ask for less.
    #[serde(default, skip_serializing_if = "Bandwidth::is_unlimited")]
    pub bandwidth: Bandwidth,
}

/// What a job does: its kind, with all that this kind needs and no other has a use for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// See [`JobKind::Backup`].
    Backup {
        /// What is backed up.
        source: Box<SourceOrder>,
    },
    /// See [`JobKind::CheckRepository`].
    CheckRepository {},
    /// See [`JobKind::ListSnapshots`].
    ListSnapshots {},
    /// See [`JobKind::Forget`].
    Forget {
        /// What is kept.
        forget: ForgetOrder,
    },
    /// See [`JobKind::Prune`].
    Prune {},
    /// See [`JobKind::Check`].
    Check {
        /// How much of the data is read; only the structure is looked at when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read_data: Option<ReadData>,
    },
    /// See [`JobKind::Unlock`].
    Unlock {
        /// The full ids of locks that somebody has looked at and wants removed, whoever made them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        locks: Vec<String>,
    },
    /// See [`JobKind::PreviewForget`].
    PreviewForget {
        /// What would be kept.
        forget: ForgetOrder,
    },
    /// See [`JobKind::Statistics`].
    Statistics {},
    /// See [`JobKind::DeletionTest`].
    DeletionTest {},
    /// See [`JobKind::ConnectionTest`].
    ConnectionTest {},
    /// See [`JobKind::Restore`].
    Restore {
        /// What is restored, and where to.
        restore: Box<RestoreOptions>,
    },
}

impl Task {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        match self {
            Self::Backup { .. } => JobKind::Backup,
            Self::CheckRepository {} => JobKind::CheckRepository,
            Self::ListSnapshots {} => JobKind::ListSnapshots,
            Self::Forget { .. } => JobKind::Forget,
            Self::Prune {} => JobKind::Prune,
            Self::Check { .. } => JobKind::Check,
            Self::Unlock { .. } => JobKind::Unlock,
            Self::PreviewForget { .. } => JobKind::PreviewForget,
            Self::Statistics {} => JobKind::Statistics,
            Self::DeletionTest {} => JobKind::DeletionTest,
            Self::ConnectionTest {} => JobKind::ConnectionTest,
            Self::Restore { .. } => JobKind::Restore,
        }
    }
}

impl JobOrder {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        job: JobId,
        task: Task,
        deadline_at: Timestamp,
        repository: RepositoryOrder,
        host_name: impl Into<String>,
    ) -> Self {
        let host_name = host_name.into();
        Self { job, task, deadline_at, repository, host_name, bandwidth: Bandwidth::default() }
    }

    /// The same with how fast restic may be.
    #[must_use]
    pub const fn with_bandwidth(mut self, bandwidth: Bandwidth) -> Self {
        self.bandwidth = bandwidth;
        self
    }

    /// The kind of the job.
    #[must_use]
    pub const fn kind(&self) -> JobKind {
        self.task.kind()
    }

    /// What a backup reads.
    #[must_use]
    pub fn source(&self) -> Option<&SourceOrder> {
        match &self.task {
            Task::Backup { source } => Some(source),
            _ => None,
        }
    }

    /// The same, to be changed.
    #[must_use]
    pub fn source_mut(&mut self) -> Option<&mut SourceOrder> {
        match &mut self.task {
            Task::Backup { source } => Some(source),
            _ => None,
        }
    }

    /// What a forget, or the preview of one, keeps.
    #[must_use]
    pub const fn forget(&self) -> Option<&ForgetOrder> {
        match &self.task {
            Task::Forget { forget } | Task::PreviewForget { forget } => Some(forget),
            _ => None,
        }
    }

    /// The locks that an unlock removes, whoever made them.
    #[must_use]
    pub fn locks(&self) -> &[String] {
        match &self.task {
            Task::Unlock { locks } => locks,
            _ => &[],
        }
    }

    /// What a restore writes.
    #[must_use]
    pub fn restore(&self) -> Option<&RestoreOptions> {
        match &self.task {
            Task::Restore { restore } => Some(restore),
            _ => None,
        }
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
    /// Whether to remove its keys first, where keys are all there is of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub remake: bool,
    /// JSON of [`RepositorySecrets`](crate::RepositorySecrets), sealed with the keys of this connection for this job.
    pub secrets: Opaque,
}

impl RepositoryOrder {
    /// Joins the parts.
    #[must_use]
    pub fn new(id: RepositoryId, location: impl Into<String>, initialise: bool, secrets: Opaque) -> Self {
        Self { id, location: location.into(), initialise, remake: false, secrets }
    }

    /// The same, made and, where its making was broken off, made anew.
    #[must_use]
    pub const fn made_anew(mut self) -> Self {
        (self.initialise, self.remake) = (true, true);
        self
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
    /// Absolute paths; none when a command's output is backed up.
    pub includes: Vec<String>,
    /// restic exclude patterns.
    pub excludes: Vec<String>,
    /// The tag of the snapshot.
    pub tag: String,
    /// What to do when the run fails; absent, it fails at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Whether to stay on the file systems of the paths.
    #[serde(default, skip_serializing_if = "is_false")]
    pub one_file_system: bool,
    /// Whether to leave out folders that a `CACHEDIR.TAG` file marks as caches.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclude_caches: bool,
    /// The command whose output is backed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandSource>,
    /// JSON of [`Hooks`](crate::Hooks): in an order sealed with the keys of this connection for this job, in a
    /// configuration for this source group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hooks: Option<Opaque>,
    /// Full id of the newest snapshot of the group that the server knows. An agent that knows a newer one takes that,
    /// and one that is told of none leaves the choice to restic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
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
        Self {
            group,
            name: name.into(),
            includes,
            excludes,
            tag: tag.into(),
            retry: None,
            one_file_system: false,
            exclude_caches: false,
            command: None,
            hooks: None,
            parent: None,
        }
    }

    /// The same with what else shapes the backup.
    #[must_use]
    pub const fn with_options(mut self, options: SourceOptions) -> Self {
        let SourceOptions { retry, one_file_system, exclude_caches } = options;
        (self.retry, self.one_file_system, self.exclude_caches) = (retry, one_file_system, exclude_caches);
        self
    }

    /// The same with the output of a command in place of paths.
    #[must_use]
    pub fn with_command(mut self, command: Option<CommandSource>) -> Self {
        self.command = command;
        self
    }

    /// The same with sealed hooks.
    #[must_use]
    pub fn with_hooks(mut self, hooks: Option<Opaque>) -> Self {
        self.hooks = hooks;
        self
    }

    /// The same with the snapshot to compare with.
    #[must_use]
    pub fn with_parent(mut self, parent: Option<String>) -> Self {
        self.parent = parent;
        self
    }
}

/// What a forget keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForgetOrder {
    /// The policies, one for each source group that has one. Snapshots that none of them names are not looked at.
    pub policies: Vec<ForgetPolicy>,
    /// Only say what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

impl ForgetOrder {
    /// Joins the parts.
    #[must_use]
    pub fn new(policies: Vec<ForgetPolicy>, dry_run: bool) -> Self {
        Self { policies, dry_run }
    }
}

/// What of one source group's snapshots is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ForgetPolicy {
    /// The source group.
    pub group: SourceGroupId,
    /// The name under which restic records the group's host.
    pub host_name: String,
    /// The group's tag. Only snapshots with exactly this tag are the group's.
    pub tag: String,
    /// What is kept; never empty.
    pub retention: Retention,
}

impl ForgetPolicy {
    /// Joins the parts.
    #[must_use]
    pub fn new(
        group: SourceGroupId,
        host_name: impl Into<String>,
        tag: impl Into<String>,
        retention: Retention,
    ) -> Self {
        Self { group, host_name: host_name.into(), tag: tag.into(), retention }
    }
}

/// A job that an agent knows, as it says after each welcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KnownJob {
    /// The job.
    pub job: JobId,
    /// `queued` when the agent reported it due and waits for the order, `dispatched` when it waits its turn, `running`,
    /// or the end state when its result is still in the outbox.
    #[serde(deserialize_with = "lenient::known_state")]
    pub state: JobState,
    /// Whether the agent fired it by a schedule and the report of that may still be to come: a server that does not
    /// know the job waits for it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_new: bool,
}

impl KnownJob {
    /// A job that the server must know.
    #[must_use]
    pub const fn new(job: JobId, state: JobState) -> Self {
        Self { job, state, is_new: false }
    }

    /// The same for a job that the server may not know.
    #[must_use]
    pub const fn with_new(mut self, is_new: bool) -> Self {
        self.is_new = is_new;
        self
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A new token for the agent, in place of the one it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a sealed token")]
pub struct AgentToken {
    /// The token, sealed with the keys of this connection.
    pub token: Opaque,
}
