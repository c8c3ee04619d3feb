//! Repositories and their credentials.

pub(super) mod body;

use data_encoding::BASE64URL_NOPAD;
use restic_manager_crypto::Context;
use restic_manager_proto::{
    RepositoryId, Scope, SecretText, TransportCredential,
    api::{
        self, Nothing, Page,
        repositories::{
            Attachments, Create, CreatedRepository, Delete, List, SetCredential, SetPassword, Show, Update,
        },
    },
    vocabulary::{Action, CredentialSlot},
};
use restic_manager_store::{
    alerts::AlertSubject,
    repositories::{Credential, Repository, RepositoryCursor, RepositorySettings},
};

use super::{
    attachments,
    check::{self, Fields},
    found, page,
};
use body::{find_body, repository_body, versioned_body};

use crate::{
    call::{Cx, Reply, Request},
    domain::{
        alerts, configuration, deletion, duty,
        jobs::{Wanted, queue::queue},
        secrets::seal,
    },
    entry::subject,
    failure::Failure,
    parts::{Change, Parts},
};

pub(crate) async fn list(
    cx: Cx,
    request: Request<List>,
) -> Result<Page<api::repositories::Repository>, Failure> {
    let query = request.query;
    let wanted =
        page::request(query.limit, query.after.as_ref(), |(name, id)| RepositoryCursor { name, id })?;
    let mut read = cx.read().await?;
    let found = read.repositories().page(cx.scope(), wanted).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for repository in found.items {
        items.push(repository_body(cx.parts(), read.as_mut(), cx.scope(), repository).await?);
    }
    page::finish(items, found.next, |key| (key.name, key.id))
}

pub(crate) async fn show(
    cx: Cx,
    request: Request<Show>,
) -> Result<Reply<api::repositories::Repository>, Failure> {
    let mut read = cx.read().await?;
    versioned_body(cx.parts(), read.as_mut(), cx.scope(), request.path.repository).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Reply<CreatedRepository>, Failure> {
    let (parts, body) = (cx.parts(), request.body);
    let backend = check_new(&body)?;
    let generated = body.password.is_none().then(|| generate_password(parts));
    let password = body.password.as_ref().or(generated.as_ref()).map(SecretText::expose).unwrap_or_default();
    let id = parts.mint.repository();
    let repository = Repository {
        id,
        name: body.name.clone(),
        location: body.location,
        backend: backend.to_owned(),
        password: Some(seal(parts, &Context::repository_password(id.as_bytes()), password.as_bytes())),
        password_set: Some(cx.now()),
        runner: None,
        parallel: None,
        created: cx.now(),
        version: 1,
        deleted: None,
    };
    let mut change = cx.begin().await?;
    change.repositories().add(&repository).await?;
    for duty in duty::defaults(id, backend, cx.now()) {
        change.upkeep().set(&duty).await?;
    }
    if let Some(credential) = &body.everyday {
        let sealed = sealed_credential(&cx, id, CredentialSlot::Everyday, credential)?;
        change.repositories().set_credential(&sealed).await?;
    }
    change.tell_repository(id);
    let repository = find_body(cx.parts(), change.reading(), cx.scope(), id).await?;
    change.commit(cx.audit(Action::RepositoryCreate, subject("repository", id, body.name))).await?;
    let version = repository.version;
    Ok(Reply::versioned(CreatedRepository { repository, generated_password: generated }, version))
}

pub(crate) async fn update(
    cx: Cx,
    request: Request<Update>,
) -> Result<Reply<api::repositories::Repository>, Failure> {
    let (id, body) = (request.path.repository, request.body);
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    let backend = fields.check("location", check::location(&body.location)).unwrap_or_default();
    fields.finish()?;

    let mut change = cx.begin().await?;
    let before = found::repository(change.repositories(), id).await?;
    if before.backend != backend && !change.repositories().credentials(id).await?.is_empty() {
        return Err(Failure::conflict(
            format!(
                "the repository's credentials are for {}, and the new location is {backend}",
                before.backend
            ),
            "clear the credentials first, then change the location",
        ));
    }
    let moved = before.location != body.location;
    let settings =
        RepositorySettings { name: body.name.clone(), location: body.location, backend: backend.to_owned() };
    change.repositories().configure(id, &settings, request.expected).await.map_err(Failure::stale)?;
    if moved {
        ask_for_looks(&mut change, id).await?;
        deletion::doubt(change.as_mut(), id, cx.now()).await?;
    }
    configuration::changed_for_all(&mut change, id).await?;
    change.tell_repository(id);
    let detail = serde_json::json!({ "location": settings.location });
    let answer = versioned_body(cx.parts(), change.reading(), cx.scope(), id).await?;
    change
        .commit(cx.audit_with(Action::RepositoryUpdate, subject("repository", id, body.name), detail))
        .await?;
    Ok(answer)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.repository;
    let mut change = cx.begin().await?;
    let repository = found::repository(change.repositories(), id).await?;
    change.repositories().delete(id, cx.now()).await?;
    alerts::close_about(&mut change, &AlertSubject::new("repository", id)).await?;
    change.tell_repository(id);
    change.commit(cx.audit(Action::RepositoryDelete, subject("repository", id, repository.name))).await?;
    Ok(Nothing {})
}

pub(crate) async fn set_password(cx: Cx, request: Request<SetPassword>) -> Result<Nothing, Failure> {
    let (id, password) = (request.path.repository, request.body.password);
    let mut fields = Fields::default();
    fields.check("password", check::repository_password(password.expose()));
    fields.finish()?;

    let sealed = seal(cx.parts(), &Context::repository_password(id.as_bytes()), password.expose().as_bytes());
    let mut change = cx.begin().await?;
    let repository = found::repository(change.repositories(), id).await?;
    change.repositories().set_password(id, &sealed, cx.now()).await?;
    let detail = serde_json::json!({ "secret": "password" });
    changed_secret(&cx, change, repository, detail).await
}

pub(crate) async fn set_credential(cx: Cx, request: Request<SetCredential>) -> Result<Nothing, Failure> {
    let (id, slot) = (request.path.repository, request.path.slot);
    let mut change = cx.begin().await?;
    let repository = found::repository(change.repositories(), id).await?;
    match &request.body.credential {
        Some(credential) => {
            let mut fields = Fields::default();
            fields.check("credential", check::credential(credential, &repository.backend));
            fields.finish()?;
            let sealed = sealed_credential(&cx, id, slot, credential)?;
            change.repositories().set_credential(&sealed).await?;
        }
        None => {
            change.repositories().clear_credential(id, slot).await?;
        }
    }
    if slot == CredentialSlot::Everyday {
        deletion::doubt(change.as_mut(), id, cx.now()).await?;
    }
    let cleared = request.body.credential.is_none();
    let detail = serde_json::json!({ "secret": slot.as_str(), "cleared": cleared });
    changed_secret(&cx, change, repository, detail).await
}

pub(crate) async fn attachments(
    cx: Cx,
    request: Request<Attachments>,
) -> Result<Page<api::hosts::Attachment>, Failure> {
    let query = request.query;
    let wanted = page::request(query.limit, query.after.as_ref(), |host| host)?;
    let mut read = cx.read().await?;
    let repository = found::repository(read.repositories(), request.path.repository).await?;
    let mut rows = read.attachments().of_repository(repository.id, cx.scope()).await?;
    rows.retain(|row| wanted.after.is_none_or(|after| row.host > after));
    let found = restic_manager_store::Page::from_overfull(rows, wanted.limit, |row| row.host);
    let mut items = Vec::with_capacity(found.items.len());
    for row in found.items {
        items.push(attachments::attachment_body(read.as_mut(), row).await?);
    }
    page::finish(items, found.next, |host| host)
}

/// A look is queued for so many hosts at once; the others look when their next job runs.
const MOST_LOOKS: usize = 32;

/// Every host that uses the repository must look at it again.
async fn ask_for_looks(change: &mut Change<'_>, id: RepositoryId) -> Result<(), Failure> {
    let parts = change.parts();
    change.attachments().request_checks(id).await?;
    let attached = change.attachments().of_repository(id, &Scope::All).await?;
    for row in attached.iter().take(MOST_LOOKS) {
        queue(change, &Wanted::check(row.host, id).at(&parts.mint, parts.now())).await?;
    }
    Ok(())
}

async fn changed_secret(
    cx: &Cx,
    mut change: Change<'_>,
    repository: Repository,
    detail: serde_json::Value,
) -> Result<Nothing, Failure> {
    let id = repository.id;
    ask_for_looks(&mut change, id).await?;
    configuration::changed_for_all(&mut change, id).await?;
    change.tell_repository(id);
    let subject = subject("repository", id, repository.name);
    change.commit(cx.audit_with(Action::RepositoryCredentialSet, subject, detail)).await?;
    Ok(Nothing {})
}

fn check_new(body: &api::repositories::NewRepository) -> Result<&'static str, Failure> {
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    let backend = fields.check("location", check::location(&body.location));
    if let Some(password) = &body.password {
        fields.check("password", check::repository_password(password.expose()));
    }
    if let (Some(credential), Some(backend)) = (&body.everyday, backend) {
        fields.check("everyday", check::credential(credential, backend));
    }
    fields.finish()?;
    Ok(backend.unwrap_or_default())
}

/// 256 bits, in letters that survive any keyboard and any shell.
pub(super) fn generate_password(parts: &Parts) -> SecretText {
    let mut bytes = [0; 32];
    parts.random.fill(&mut bytes);
    SecretText::new(BASE64URL_NOPAD.encode(&bytes))
}

fn sealed_credential(
    cx: &Cx,
    id: RepositoryId,
    slot: CredentialSlot,
    credential: &TransportCredential,
) -> Result<Credential, Failure> {
    let context = match slot {
        CredentialSlot::Maintenance => Context::maintenance_credential(id.as_bytes()),
        _ => Context::everyday_credential(id.as_bytes()),
    };
    let json = serde_json::to_vec(credential)
        .map_err(|error| Failure::internal("could not write a credential as JSON", error))?;
    Ok(Credential {
        repository: id,
        slot,
        sealed: seal(cx.parts(), &context, &json),
        set: cx.now(),
        set_by: Some(cx.user()?.id),
    })
}
