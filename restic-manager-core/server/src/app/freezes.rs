//! Freezes of retention.

use restic_manager_proto::{
    Scope,
    api::{
        self, Nothing, Page, Reference,
        freezes::{Create, Lift, List},
    },
    vocabulary::{Action, FreezeCause},
};
use restic_manager_store::{Read, freezes::Freeze};

use super::{
    check::{self, Fields},
    found, page,
};
use crate::{
    call::{Cx, Request},
    domain::freeze::{self as domain, Frozen},
    failure::Failure,
};

type FreezeBody = api::freezes::Freeze;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<FreezeBody>, Failure> {
    let mut read = cx.read().await?;
    let repository = found::repository(read.repositories(), request.path.repository).await?;
    let mut items = Vec::new();
    for freeze in read.freezes().of_repository(repository.id).await? {
        items.extend(freeze_body(read.as_mut(), cx.scope(), freeze).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<FreezeBody, Failure> {
    let (repository, body) = (request.path.repository, request.body);
    let mut fields = Fields::default();
    fields.check("reason", check::label(&body.reason));
    fields.finish()?;
    let mut change = cx.begin().await?;
    found::repository(change.repositories(), repository).await?;
    let group = match body.source_group {
        Some(id) => change.sources().find(id).await?.filter(|group| group.repository == repository),
        None => None,
    };
    if body.source_group.is_some() && group.is_none() {
        return Err(Failure::field("source_group", "a source group that goes to this repository"));
    }
    let what = group.as_ref().map_or(Frozen::Repository(repository), Frozen::SourceGroup);
    let by = Some(cx.user()?.id);
    let placed = domain::place(&mut change, what, FreezeCause::Manual, body.reason, by).await?;
    let Some(freeze) = placed else {
        return Err(Failure::conflict(
            "somebody has frozen it already",
            "read the reason on the repository's page",
        ));
    };
    let about = domain::about(&mut change, &freeze).await?;
    let audit = cx.audit_with(Action::FreezeCreate, about, domain::detail(&freeze));
    let answer = freeze_body(change.reading(), cx.scope(), freeze).await?;
    change.commit(audit).await?;
    answer.ok_or_else(|| Failure::not_found("freeze"))
}

pub(crate) async fn lift(cx: Cx, request: Request<Lift>) -> Result<Nothing, Failure> {
    let mut change = cx.begin().await?;
    let freeze = change.freezes().find(request.path.freeze).await?;
    let freeze = freeze.filter(|freeze| freeze.repository == request.path.repository);
    let freeze = freeze.ok_or_else(|| Failure::not_found("freeze"))?;
    let about = domain::about(&mut change, &freeze).await?;
    domain::lift(&mut change, &freeze).await?;
    change.commit(cx.audit_with(Action::FreezeLift, about, domain::detail(&freeze))).await?;
    Ok(Nothing {})
}

/// A freeze as somebody of a scope sees it: none of a source group of a host out of sight.
async fn freeze_body(
    read: &mut dyn Read,
    scope: &Scope,
    freeze: Freeze,
) -> Result<Option<FreezeBody>, Failure> {
    let (mut source_group, mut host) = (None, None);
    if let Some(id) = freeze.source_group {
        let Some(group) = read.sources().find(id).await? else { return Ok(None) };
        let row = read.hosts().find(group.host).await?.filter(|row| scope.is_all() || row.is_within(scope));
        let Some(row) = row else { return Ok(None) };
        (source_group, host) = (Some(Reference { id, name: group.name }), Some(row.name));
    }
    let frozen_by = match freeze.created_by {
        Some(user) => {
            let user = read.users().find(user).await?;
            Some(user.map_or_else(|| "(removed)".to_owned(), |user| user.name))
        }
        None => None,
    };
    Ok(Some(FreezeBody {
        id: freeze.id,
        source_group,
        host,
        cause: freeze.cause,
        reason: freeze.reason,
        frozen_at: freeze.created,
        frozen_by,
    }))
}
