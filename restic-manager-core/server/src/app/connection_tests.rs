//! Whether location, password and credential open a repository, tried from a host before anybody keeps them.

use restic_manager_crypto::Context;
use restic_manager_proto::{
    JobOptions, RepositorySecrets, SecretText,
    api::{self, jobs::Job, repositories::Test},
    vocabulary::{Action, CredentialSlot, JobKind, Trigger},
};
use restic_manager_store::{Transaction, drafts::Draft, retry};

use super::{
    check::{self, Fields},
    jobs,
};
use crate::{
    call::{Cx, Request},
    domain::{
        jobs::{Wanted, queue::queue},
        secrets::{ConnectionDraft, open_secrets, seal},
    },
    entry::nameless,
    failure::Failure,
};

pub(crate) async fn create(cx: Cx, request: Request<Test>) -> Result<Job, Failure> {
    let body = request.body;
    let requested_by = Some(cx.user()?.id);
    retry(async || {
        let mut change = cx.begin().await?;
        let host = change.hosts().find(body.host).await?.filter(|host| host.deleted.is_none());
        let host = host.ok_or_else(|| Failure::field("host", "there is no such host"))?.id;
        let draft = draft(&cx, change.as_mut(), &body).await?;
        let wanted = Wanted {
            host,
            kind: JobKind::ConnectionTest,
            trigger: Trigger::Manual,
            requested_by,
            source_group: None,
            repository: body.repository,
            options: JobOptions::default(),
        };
        let new = wanted.at(&cx.parts().mint, cx.now());
        queue(&mut change, &new).await?;
        let json = serde_json::to_vec(&draft)
            .map_err(|error| Failure::internal("could not write a draft as JSON", error))?;
        let sealed = seal(cx.parts(), &Context::draft(new.id.as_bytes()), &json);
        change.drafts().keep(&Draft { job: new.id, sealed }).await?;
        let job = jobs::job_body(cx.parts(), change.reading(), new.id).await?;
        change.commit(cx.audit(Action::JobCreate, nameless("job", new.id))).await?;
        Ok(job)
    })
    .await
}

/// What is tried: what was typed, and for the rest what is kept of the repository.
async fn draft(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    body: &api::repositories::ConnectionTest,
) -> Result<ConnectionDraft, Failure> {
    let kept = match body.repository {
        Some(id) => Some(kept(cx, transaction, body, id).await?),
        None => None,
    };
    let typed = body.location.clone();
    let location = typed.or_else(|| kept.as_ref().map(|kept| kept.location.clone()));
    let location = location
        .ok_or_else(|| Failure::field("location", "where restic is to look, such as `/srv/restic`"))?;
    let mut fields = Fields::default();
    let backend = fields.check("location", check::location(&location));
    if let Some(password) = &body.password {
        fields.check("password", check::repository_password(password.expose()));
    }
    if let (Some(credential), Some(backend)) = (&body.credential, backend) {
        fields.check("credential", check::credential(credential, backend));
    }
    fields.finish()?;
    let (password, credential) =
        kept.map_or((None, None), |kept| (Some(kept.secrets.password), kept.secrets.credential));
    // What opens nothing: the test can only tell then whether there is a repository.
    let password = body.password.clone().or(password).unwrap_or_else(|| SecretText::new("none was typed"));
    let secrets = RepositorySecrets::new(password, body.credential.clone().or(credential));
    Ok(ConnectionDraft { location, secrets })
}

/// What is kept of a repository. Its secrets are for hosts that have them anyway.
async fn kept(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    body: &api::repositories::ConnectionTest,
    id: restic_manager_proto::RepositoryId,
) -> Result<ConnectionDraft, Failure> {
    let missing = || Failure::field("repository", "there is no such repository");
    let repository = transaction.repositories().find(id).await?.filter(|row| row.deleted.is_none());
    let repository = repository.ok_or_else(missing)?;
    let attachment = transaction.attachments().find(body.host, id).await?;
    let attachment = attachment.ok_or_else(|| {
        Failure::field("host", "a host that is attached to the repository; attach it first")
    })?;
    let moves = body
        .location
        .as_ref()
        .is_some_and(|typed| *typed != repository.location && Some(typed) != attachment.location.as_ref());
    if moves && (body.password.is_none() || body.credential.is_none()) {
        let message = "type password and credential too: what is kept is not sent to another place";
        return Err(Failure::field("location", message));
    }
    let location = attachment.location.unwrap_or_else(|| repository.location.clone());
    let credential = transaction.repositories().credential(id, CredentialSlot::Everyday).await?;
    let secrets = open_secrets(cx.parts(), &repository, credential.as_ref())
        .map_err(|unfit| Failure::conflict(unfit.detail, "set the repository's secrets again"))?;
    Ok(ConnectionDraft { location, secrets })
}
