//! Jobs before they are rows.

use restic_manager_core::{job, mint::Mint};
use restic_manager_proto::{
    HostId, JobOptions, RepositoryId, SourceGroupId, Timestamp, UserId,
    vocabulary::{JobKind, Trigger},
};
use restic_manager_store::{Transaction, jobs::NewJob};

use crate::failure::Failure;

/// A job that somebody or something wants.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) host: HostId,
    pub(crate) kind: JobKind,
    pub(crate) trigger: Trigger,
    pub(crate) requested_by: Option<UserId>,
    pub(crate) source_group: Option<SourceGroupId>,
    pub(crate) repository: Option<RepositoryId>,
    pub(crate) options: JobOptions,
}

impl Wanted {
    /// A look at a repository that nobody asked for: after it was attached, or its credentials changed.
    pub(crate) fn check(host: HostId, repository: RepositoryId) -> Self {
        Self {
            host,
            kind: JobKind::CheckRepository,
            trigger: Trigger::System,
            requested_by: None,
            source_group: None,
            repository: Some(repository),
            options: JobOptions::default(),
        }
    }

    /// A job that keeps a repository small and healthy.
    pub(crate) fn upkeep(host: HostId, repository: RepositoryId, kind: JobKind, trigger: Trigger) -> Self {
        Self { kind, trigger, ..Self::check(host, repository) }
    }

    /// The row to queue, with the deadlines of its kind.
    pub(crate) fn at(self, mint: &Mint, now: Timestamp) -> NewJob {
        let deadlines = job::deadlines(self.kind, now);
        NewJob {
            id: mint.job(),
            host: self.host,
            kind: self.kind,
            trigger: self.trigger,
            requested_by: self.requested_by,
            source_group: self.source_group,
            slots: None,
            repository: self.repository,
            options: self.options,
            dispatch_by: Some(deadlines.dispatch_by),
            end_by: Some(deadlines.end_by),
            created: now,
        }
    }
}

/// A job that would do the same as one that has not ended is not made: a button pressed twice is one job.
pub(crate) async fn refuse_twin(transaction: &mut dyn Transaction, wanted: &Wanted) -> Result<(), Failure> {
    let active = transaction.jobs().active_of(wanted.host).await?;
    let twin = active.iter().find(|job| {
        job.kind == wanted.kind
            && job.source_group == wanted.source_group
            && job.repository == wanted.repository
            && job.options.choice == wanted.options.choice
    });
    match twin {
        None => Ok(()),
        Some(twin) => Err(Failure::conflict(
            format!("the same job is {} already: {}", twin.state, twin.id),
            "wait for that job, or cancel it first",
        )),
    }
}
