//! How hosts see their repositories, as alerts about those.

use core::time::Duration;
use restic_manager_core::alert as rules;
use restic_manager_proto::{AlertId, HostId, JobId, RepositoryId, vocabulary::RepositoryState};
use restic_manager_store::{Error, alerts::AlertSubject, attachments::Attachment};

use super::alerts::{alert, found, repository_name, resolve, shown_by};
use crate::parts::Change;

/// What the hosts of a repository find again and again is counted so often at most: they may be thousands.
const COUNTED_EVERY: Duration = Duration::from_secs(60);

/// How a host saw a repository, and in which job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) host: HostId,
    pub(crate) repository: RepositoryId,
    pub(crate) state: RepositoryState,
    pub(crate) detail: &'a str,
    pub(crate) job: Option<JobId>,
}

/// Raises what a host's sight gives reason to, and resolves what no host sees any more. The attachment says already how
/// the host sees it now; `before` is how it was. Answers the alert that lasts because of it.
pub(crate) async fn note(
    change: &mut Change<'_>,
    before: &Attachment,
    sight: Sight<'_>,
) -> Result<Option<AlertId>, Error> {
    let now = rules::of_repository(sight.state);
    if before.state != sight.state {
        look(change, sight.repository, before.state).await?;
    }
    let Some(kind) = now else { return Ok(None) };
    let about = AlertSubject::new("repository", sight.repository);
    let moment = change.parts().now();
    if let Some(lasts) = change.alerts().unresolved(kind, &about).await?
        && lasts.settles.is_none()
        && lasts.last_seen.after(COUNTED_EVERY) > moment
    {
        return Ok(Some(lasts.id));
    }
    let name = repository_name(change.repositories(), sight.repository).await?;
    // No names of hosts: whoever sees the repository need not see them all.
    let summary = summary(sight.state, &name);
    let finding = found(change.parts(), kind, about, &name, summary, serde_json::Value::Null);
    alert(change, &shown_by(finding, sight.host, sight.job, sight.detail)).await.map(Some)
}

/// Resolves what no host sees any more of a repository, after hosts left it.
pub(crate) async fn look_again(change: &mut Change<'_>, repository: RepositoryId) -> Result<(), Error> {
    for state in rules::STATES_OF_REPOSITORIES {
        look(change, repository, state).await?;
    }
    Ok(())
}

async fn look(
    change: &mut Change<'_>,
    repository: RepositoryId,
    state: RepositoryState,
) -> Result<(), Error> {
    let Some(kind) = rules::of_repository(state) else { return Ok(()) };
    if !change.attachments().any_in_state(repository, state).await? {
        resolve(change, kind, &AlertSubject::new("repository", repository)).await?;
    }
    Ok(())
}

fn summary(state: RepositoryState, repository: &str) -> String {
    match state {
        RepositoryState::Unreachable => format!("The storage of {repository} does not answer."),
        RepositoryState::Missing => format!("There is no repository at the place of {repository}."),
        RepositoryState::WrongPassword => format!("The password of {repository} does not open it."),
        _ => format!("The storage of {repository} refuses the everyday credential."),
    }
}
