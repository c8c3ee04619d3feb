//! Snapshots that are gone although nobody here removed them.

use restic_manager_proto::{
    HostId, RepositoryId, Scope, Timestamp,
    vocabulary::{AlertKind, JobKind, JobState},
};
use restic_manager_store::{
    Error, PageRequest,
    alerts::AlertSubject,
    jobs::{Job, JobScope},
};

use super::{
    alerts::{found, repository_name},
    freeze::raise_about_repository,
};
use crate::parts::Change;

/// Jobs of the repository that are looked at for a forget that did not report.
const LOOKED_AT: usize = 50;

/// A listing of a host lacks snapshots that its last one, of then, had.
pub(crate) async fn note(
    change: &mut Change<'_>,
    host: HostId,
    repository: RepositoryId,
    listed: Timestamp,
    gone: u64,
) -> Result<(), Error> {
    if may_be_ours(change, repository, listed).await? {
        return Ok(());
    }
    let name = repository_name(change.repositories(), repository).await?;
    let snapshots = if gone == 1 { "1 snapshot is".to_owned() } else { format!("{gone} snapshots are") };
    let summary = format!("{snapshots} gone from {name}, and no forget of ours removed them.");
    let detail = serde_json::json!({ "snapshots": gone, "last_listed": listed.to_string() });
    let about = AlertSubject::new("repository", repository);
    let mut finding = found(change.parts(), AlertKind::SnapshotsVanished, about, &name, summary, detail);
    finding.host = Some(host);
    raise_about_repository(change, &finding, repository).await
}

/// Whether a forget of ours began since, and did not live to report what it removed.
async fn may_be_ours(
    change: &mut Change<'_>,
    repository: RepositoryId,
    since: Timestamp,
) -> Result<bool, Error> {
    let scope = JobScope::Repository(repository);
    let jobs = change.jobs().page(scope, &Scope::All, PageRequest::first(LOOKED_AT)).await?.items;
    let unreported = |job: &Job| {
        job.kind == JobKind::Forget
            && !job.options.is_dry_run()
            && job.dispatched.is_some()
            && job.state != JobState::Succeeded
            && job.ended.is_none_or(|ended| ended >= since)
    };
    Ok(jobs.iter().any(unreported))
}
