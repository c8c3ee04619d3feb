//! Which host uses which repository.

use restic_manager_proto::{
    JobChoice, JobOptions, RepositoryId, Scope,
    api::{
        self, Code, Nothing, Page, Reference,
        hosts::{Attach, Attachments, Detach, Remake},
        jobs::Job,
    },
    rules::Location,
    vocabulary::{Action, RepositoryState, Trigger},
};
use restic_manager_store::{
    Read,
    attachments::{Attachment, AttachmentQueries},
};

use super::{
    check::{self, Fields},
    found,
    jobs::job_body,
    page,
};
use crate::{
    call::{Cx, Request},
    domain::{
        configuration,
        jobs::{Wanted, queue::queue, wanted::refuse_twin},
        plan, sight,
    },
    entry::subject,
    failure::Failure,
    parts::Follow,
};

/// More than anybody needs, and few enough to be listed whole.
const MOST_PER_HOST: usize = 64;

pub(crate) async fn list(
    cx: Cx,
    request: Request<Attachments>,
) -> Result<Page<api::hosts::Attachment>, Failure> {
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?;
    let mut items = Vec::new();
    for row in read.attachments().of_host(host.id).await? {
        items.push(attachment_body(read.as_mut(), row).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn set(cx: Cx, request: Request<Attach>) -> Result<api::hosts::Attachment, Failure> {
    let (host, repository) = (request.path.host, request.path.repository);
    let location = request.body.location.as_deref();
    let mut fields = Fields::default();
    if let Some(location) = location {
        fields.check("location", check::location(location));
    }
    fields.finish()?;

    let mut change = cx.begin().await?;
    let host_name = found::host(change.hosts(), host).await?.name;
    let used = found::repository(change.repositories(), repository).await?;
    let before = change.attachments().of_host(host).await?;
    let known = before.iter().find(|row| row.repository == repository);
    let same = known.is_some_and(|row| row.location.as_deref() == location);
    if location.is_some_and(|location| !same && leads_elsewhere(&used.location, location)) {
        cx.expect_admin("a location on another server than the repository's, which gets its credential,")?;
    }
    match known {
        Some(_) if same => {}
        Some(row) => {
            change.attachments().relocate(host, repository, location, row.version).await?;
        }
        None => {
            expect_may_attach(&cx, change.attachments(), repository).await?;
            if before.len() >= MOST_PER_HOST {
                let detail = format!("a host uses at most {MOST_PER_HOST} repositories");
                return Err(Failure::conflict(detail, "detach it from one that it does not need"));
            }
            change.attachments().attach(host, repository, location).await?;
        }
    }
    if !same {
        let look = Wanted::check(host, repository).at(&cx.parts().mint, cx.now());
        queue(&mut change, &look).await?;
    }
    configuration::changed(&mut change, host).await?;
    let detail = serde_json::json!({ "repository": used.name, "location": location });
    change.then(Follow::Wake(host));
    change.tell_host(host);
    change.tell_repository(repository);
    let row = change.attachments().find(host, repository).await?;
    let answer =
        attachment_body(change.reading(), row.ok_or_else(|| Failure::not_found("attachment"))?).await?;
    change.commit(cx.audit_with(Action::AttachmentSet, subject("host", host, host_name), detail)).await?;
    Ok(answer)
}

/// Has a repository made anew whose making was broken off, or that is gone: nothing makes it by itself where it was once ready.
pub(crate) async fn remake(cx: Cx, request: Request<Remake>) -> Result<Job, Failure> {
    let (host, repository) = (request.path.host, request.path.repository);
    let requested_by = Some(cx.user()?.id);
    let mut change = cx.begin().await?;
    found::host(change.hosts(), host).await?;
    let used = found::repository(change.repositories(), repository).await?;
    let row = change.attachments().find(host, repository).await?;
    let row = row.ok_or_else(|| Failure::not_found("attachment"))?;
    if !matches!(row.state, RepositoryState::Unfinished | RepositoryState::Missing) {
        let detail = format!(
            "{} is {} as the host sees it: it is not missing, and its making was not broken off",
            used.name, row.state
        );
        return Err(Failure::conflict(
            detail,
            "run a check of the repository on the host, which looks again",
        ));
    }
    let options = JobOptions::of(JobChoice::Remake);
    let wanted =
        Wanted { trigger: Trigger::Manual, requested_by, options, ..Wanted::check(host, repository) };
    refuse_twin(change.as_mut(), &wanted).await?;
    let new = wanted.at(&cx.parts().mint, cx.now());
    queue(&mut change, &new).await?;
    let job = job_body(cx.parts(), change.reading(), new.id).await?;
    let detail = serde_json::json!({ "host": host.to_string(), "job": new.id.to_string() });
    let about = subject("repository", repository, used.name);
    change.commit(cx.audit_with(Action::RepositoryRemake, about, detail)).await?;
    Ok(job)
}

/// The agent of a host that is attached is given the repository's password, and with it every backup of every host in there.
/// So an admin gives it away, and one in charge of all those hosts.
pub(super) async fn expect_may_attach(
    cx: &Cx,
    rows: &mut dyn AttachmentQueries,
    repository: RepositoryId,
) -> Result<(), Failure> {
    cx.expect_admin("attaching a host to a repository, whose password its agent is given,")?;
    if cx.scope().is_all() {
        return Ok(());
    }
    let all = rows.of_repository(repository, &Scope::All).await?.len();
    if rows.of_repository(repository, cx.scope()).await?.len() == all {
        return Ok(());
    }
    Err(Failure::new(
        Code::Forbidden,
        "hosts outside of your scope use this repository, and its password opens their backups",
        "ask an admin for the whole fleet, or choose a repository that your hosts alone use",
    ))
}

/// Whether the repository's credential would go to another server.
fn leads_elsewhere(location: &str, seen_from_host: &str) -> bool {
    match (Location::parse(location), Location::parse(seen_from_host)) {
        (Ok(location), Ok(seen)) => !location.has_server_of(&seen),
        _ => true,
    }
}

pub(crate) async fn delete(cx: Cx, request: Request<Detach>) -> Result<Nothing, Failure> {
    let (host, repository) = (request.path.host, request.path.repository);
    let mut change = cx.begin().await?;
    let host_name = found::host(change.hosts(), host).await?.name;
    let repository_name = change.repositories().find(repository).await?.map(|row| row.name);
    change.attachments().detach(host, repository).await?;
    sight::look_again(&mut change, repository).await?;
    plan::refresh(change.as_mut(), host, cx.now()).await?;
    let detail = serde_json::json!({ "repository": repository_name });
    change.tell_host(host);
    change.tell_repository(repository);
    change.commit(cx.audit_with(Action::AttachmentDelete, subject("host", host, host_name), detail)).await?;
    Ok(Nothing {})
}

pub(super) async fn attachment_body(
    read: &mut dyn Read,
    row: Attachment,
) -> Result<api::hosts::Attachment, Failure> {
    let host = read.hosts().find(row.host).await?.map(|host| host.name).unwrap_or_default();
    let repository = read.repositories().find(row.repository).await?.map(|repository| repository.name);
    Ok(api::hosts::Attachment {
        host: Reference { id: row.host, name: host },
        repository: Reference { id: row.repository, name: repository.unwrap_or_default() },
        location: row.location,
        state: row.state,
        detail: row.detail.unwrap_or_default(),
        next_step: next_step(row.state).to_owned(),
        checked_at: row.checked,
    })
}

/// What an operator does about what a host found.
const fn next_step(state: RepositoryState) -> &'static str {
    match state {
        RepositoryState::Ready => "",
        RepositoryState::Unverified => {
            "wait until the host has looked, or run a check of the repository on it"
        }
        RepositoryState::Missing => {
            "check the location; if the repository was there before, find out where it went before you make a new one"
        }
        RepositoryState::WrongPassword => "set the repository's password, then run a check of the repository",
        RepositoryState::AccessDenied => {
            "set the everyday credential to one that the storage accepts, then run a check of the repository"
        }
        RepositoryState::Unreachable => {
            "check that the storage runs and that the host can reach it, then run a check of the repository"
        }
        RepositoryState::Unfinished => {
            "have it made anew; where the host cannot remove the keys itself, remove the folder keys at the storage, then run \
             a check of the repository"
        }
        _ => "read the log of the last job that used it, then run a check of the repository",
    }
}
