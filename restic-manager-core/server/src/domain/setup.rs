//! Who makes a repository: a host that finds nothing at a place where nobody ever saw one ready. What is missing where one was
//! ready is a loss, and must not be hidden by a new one.

use restic_manager_store::{
    Error,
    attachments::Attachment,
    jobs::Job,
    repositories::{Repository, RepositoryQueries},
};

use crate::parts::{Change, Follow};

/// The place of a repository as a host sees it.
pub(crate) fn place<'a>(repository: &'a Repository, attachment: &'a Attachment) -> &'a str {
    attachment.location.as_deref().unwrap_or(&repository.location)
}

/// Whether a host makes a repository that is missing.
pub(crate) async fn initialises(
    repositories: &mut dyn RepositoryQueries,
    repository: &Repository,
    attachment: &Attachment,
) -> Result<bool, Error> {
    if !attachment.needs_check && attachment.listed.is_some() {
        return Ok(false);
    }
    Ok(!repositories.was_ready(repository.id, place(repository, attachment)).await?)
}

/// Whether a job makes its repository if that is missing: upkeep never does, and one that was asked to always.
pub(crate) async fn makes(change: &mut Change<'_>, job: &Job) -> Result<bool, Error> {
    let Some(id) = job.repository.filter(|_| !job.kind.is_upkeep()) else { return Ok(false) };
    let Some(attachment) = change.attachments().find(job.host, id).await? else { return Ok(false) };
    if job.options.is_remake() {
        return Ok(true);
    }
    match change.repositories().find(id).await? {
        Some(repository) => initialises(change.repositories(), &repository, &attachment).await,
        None => Ok(false),
    }
}

/// A host saw the repository ready: from now on nobody makes it at this place, and whoever waited for that goes on.
pub(crate) async fn note_ready(change: &mut Change<'_>, attachment: &Attachment) -> Result<(), Error> {
    let found = change.repositories().find(attachment.repository).await?;
    let Some(repository) = found.filter(|repository| repository.deleted.is_none()) else { return Ok(()) };
    let place = place(&repository, attachment);
    if !change.repositories().was_ready(repository.id, place).await? {
        change.repositories().note_ready(repository.id, place).await?;
    }
    change.then(Follow::SetupFound(repository.id));
    Ok(())
}
