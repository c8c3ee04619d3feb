//! Rows that a request names, or the answer that there is no such thing.

use restic_manager_proto::{EnrolmentId, HostId, JobId, RepositoryId, SourceGroupId};
use restic_manager_store::{
    Transaction,
    enrolments::{Enrolment, EnrolmentQueries},
    hosts::{Host, HostQueries},
    jobs::{Job, JobQueries},
    repositories::{Repository, RepositoryQueries},
    sources::{SourceGroup, SourceGroupQueries},
};

use crate::{call::Cx, failure::Failure};

/// A host that is not removed.
pub(super) async fn host(rows: &mut dyn HostQueries, id: HostId) -> Result<Host, Failure> {
    let host = rows.find(id).await?.filter(|host| host.deleted.is_none());
    host.ok_or_else(|| Failure::not_found("host"))
}

/// A host to look at: the history of a removed one stays readable.
pub(super) async fn host_ever(rows: &mut dyn HostQueries, id: HostId) -> Result<Host, Failure> {
    rows.find(id).await?.ok_or_else(|| Failure::not_found("host"))
}

/// A repository that is not removed.
pub(super) async fn repository(
    rows: &mut dyn RepositoryQueries,
    id: RepositoryId,
) -> Result<Repository, Failure> {
    let repository = rows.find(id).await?.filter(|repository| repository.deleted.is_none());
    repository.ok_or_else(|| Failure::not_found("repository"))
}

/// A repository that is not removed and that the caller sees.
pub(super) async fn seen_repository(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    id: RepositoryId,
) -> Result<Repository, Failure> {
    let repository = repository(transaction.repositories(), id).await?;
    if cx.scope().is_all() || transaction.attachments().any_within(id, cx.scope()).await? {
        Ok(repository)
    } else {
        Err(Failure::not_found("repository"))
    }
}

pub(super) async fn source_group(
    rows: &mut dyn SourceGroupQueries,
    id: SourceGroupId,
) -> Result<SourceGroup, Failure> {
    rows.find(id).await?.ok_or_else(|| Failure::not_found("source group"))
}

pub(super) async fn job(rows: &mut dyn JobQueries, id: JobId) -> Result<Job, Failure> {
    rows.find(id).await?.ok_or_else(|| Failure::not_found("job"))
}

pub(super) async fn enrolment(
    rows: &mut dyn EnrolmentQueries,
    id: EnrolmentId,
) -> Result<Enrolment, Failure> {
    rows.find(id).await?.ok_or_else(|| Failure::not_found("enrolment"))
}
