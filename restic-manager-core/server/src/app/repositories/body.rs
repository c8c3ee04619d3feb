//! A repository as somebody of a scope sees it.

use restic_manager_proto::{
    RepositoryId, Scope,
    api::repositories::{Repository, SecretStatus},
    vocabulary::CredentialSlot,
};
use restic_manager_store::{
    Read,
    repositories::{self as rows, Credential},
};

use crate::{
    app::{found, statistics::trend, upkeep::body::upkeep_body},
    call::Reply,
    failure::Failure,
    parts::Parts,
};

/// The repository of an id.
pub(in crate::app) async fn find_body(
    parts: &Parts,
    read: &mut dyn Read,
    scope: &Scope,
    id: RepositoryId,
) -> Result<Repository, Failure> {
    let repository = found::repository(read.repositories(), id).await?;
    repository_body(parts, read, scope, repository).await
}

/// The same with its version.
pub(in crate::app) async fn versioned_body(
    parts: &Parts,
    read: &mut dyn Read,
    scope: &Scope,
    id: RepositoryId,
) -> Result<Reply<Repository>, Failure> {
    let body = find_body(parts, read, scope, id).await?;
    let version = body.version;
    Ok(Reply::versioned(body, version))
}

/// The hosts that use it, and what they put there, are those of the scope.
pub(in crate::app) async fn repository_body(
    parts: &Parts,
    read: &mut dyn Read,
    scope: &Scope,
    repository: rows::Repository,
) -> Result<Repository, Failure> {
    let (mut hosts, mut snapshots, mut last_snapshot_at) = (0, 0, None);
    for attachment in read.attachments().of_repository(repository.id, scope).await? {
        hosts += 1;
        snapshots += attachment.snapshots;
        last_snapshot_at = attachment.newest.max(last_snapshot_at);
    }
    let (mut everyday, mut maintenance) = (SecretStatus::default(), SecretStatus::default());
    for credential in read.repositories().credentials(repository.id).await? {
        let status = secret_status(read, &credential).await?;
        match credential.slot {
            CredentialSlot::Maintenance => maintenance = status,
            _ => everyday = status,
        }
    }
    let upkeep = upkeep_body(parts, read, &repository, last_snapshot_at, hosts).await?;
    let (measured, trend) = trend(read, repository.id).await?;
    Ok(Repository {
        upkeep,
        measured,
        trend,
        id: repository.id,
        name: repository.name,
        location: repository.location,
        backend: repository.backend,
        password: SecretStatus { set_at: repository.password_set, set_by: None },
        everyday,
        maintenance,
        hosts,
        snapshots,
        last_snapshot_at,
        created_at: repository.created,
        version: repository.version,
    })
}

async fn secret_status(read: &mut dyn Read, credential: &Credential) -> Result<SecretStatus, Failure> {
    let set_by = match credential.set_by {
        Some(user) => read.users().find(user).await?.map(|user| user.name),
        None => None,
    };
    Ok(SecretStatus { set_at: Some(credential.set), set_by })
}
