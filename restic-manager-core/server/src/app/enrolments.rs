//! Invitations for hosts.

use restic_manager_core::scope::may_enrol;
use restic_manager_crypto::{Token, TokenKind};
use restic_manager_proto::{
    SecretText, Timestamp,
    api::{
        self, Code, Nothing, Page, Reference,
        enrolments::{Create, Delete, Invitation, List, NewAttachment, Reissue, Script, Show},
        events::FleetEvent,
        hosts::Invite,
    },
    vocabulary::{Action, EnrolmentState, PresenceMode},
};
use restic_manager_store::{
    Read,
    enrolments::{Enrolment, PlannedAttachment},
};

use super::{
    attachments::expect_may_attach,
    check::{self, Fields},
    found, hosts, install,
    page::{self, Sieve},
    value::stored_hash,
};
use crate::{
    call::{Cx, Reply, Request},
    domain::registration,
    entry::subject,
    failure::Failure,
    parts::Parts,
};

const MOST_REPOSITORIES: usize = 16;

pub(crate) async fn list(
    cx: Cx,
    request: Request<List>,
) -> Result<Page<api::enrolments::Enrolment>, Failure> {
    let (query, now) = (request.query, cx.now());
    let wanted = page::request(query.limit, query.after.as_ref(), |id| id)?;
    let mut read = cx.read().await?;
    let mut sieve = Sieve::new(wanted);
    while let Some(part) = sieve.wants() {
        let part = read.enrolments().page(cx.scope(), part).await?;
        sieve.take(part, |row| row.id, |row| query.state.is_none_or(|wanted| state_of(row, now) == wanted));
    }
    let (found, next) = sieve.finish();
    let mut items = Vec::with_capacity(found.len());
    for enrolment in found {
        items.push(enrolment_body(read.as_mut(), enrolment, now).await?);
    }
    page::finish(items, next, |id| id)
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<api::enrolments::Enrolment, Failure> {
    let mut read = cx.read().await?;
    let enrolment = found::enrolment(read.enrolments(), request.path.enrolment).await?;
    enrolment_body(read.as_mut(), enrolment, cx.now()).await
}

pub(crate) async fn create(cx: Cx, request: Request<Create>) -> Result<Invitation, Failure> {
    let body = request.body;
    let mut fields = Fields::default();
    check_plan(&mut fields, &body.host_name, &body.tags, &body.repositories, &body.include_paths);
    fields.finish()?;
    may_enrol(cx.scope(), &body.tags).map_err(|why| Failure::field("tags", why.to_string()))?;
    let token = Token::mint(TokenKind::Enrolment, &*cx.parts().random);
    let mut change = cx.begin().await?;
    registration::expect_open(change.meta()).await?;
    if change.hosts().named(&body.host_name).await?.is_some() {
        return Err(Failure::conflict(
            format!("there is a host named {} already", body.host_name),
            "choose another name, or remove that host first",
        ));
    }
    for planned in &body.repositories {
        found::seen_repository(&cx, change.as_mut(), planned.repository).await?;
        expect_may_attach(&cx, change.attachments(), planned.repository).await?;
    }
    let enrolment = Enrolment {
        id: cx.parts().mint.enrolment(),
        token: stored_hash(&token.hash()),
        host_name: body.host_name,
        tags: hosts::in_order(body.tags),
        presence_mode: body.presence_mode.unwrap_or(PresenceMode::AlwaysOn),
        attachments: planned(body.repositories),
        include_paths: body.include_paths,
        take_over: None,
        created_by: Some(cx.user()?.id),
        created: cx.now(),
        expires: cx.now().after(cx.parts().config.enrolment_lifetime),
        state: EnrolmentState::Open,
        spent_by: None,
        replaced_by: None,
    };
    change.enrolments().issue(&enrolment).await?;
    let subject = subject("enrolment", enrolment.id, enrolment.host_name.clone());
    change.tell(FleetEvent::Enrolment { enrolment: enrolment.id });
    let invitation = invite(&cx, change.reading(), enrolment, &token).await?;
    change.commit(cx.audit(Action::EnrolmentCreate, subject)).await?;
    Ok(invitation)
}

/// Invites a new agent to take over a host's record: its name, its repositories and its history.
pub(crate) async fn invite_again(cx: Cx, request: Request<Invite>) -> Result<Invitation, Failure> {
    let token = Token::mint(TokenKind::Enrolment, &*cx.parts().random);
    let mut change = cx.begin().await?;
    registration::expect_open(change.meta()).await?;
    let host = found::host(change.hosts(), request.path.host).await?;
    let enrolment = Enrolment {
        id: cx.parts().mint.enrolment(),
        token: stored_hash(&token.hash()),
        host_name: host.name.clone(),
        tags: hosts::in_order(host.tags),
        presence_mode: host.presence_mode,
        attachments: Vec::new(),
        include_paths: Vec::new(),
        take_over: Some(host.id),
        created_by: Some(cx.user()?.id),
        created: cx.now(),
        expires: cx.now().after(cx.parts().config.enrolment_lifetime),
        state: EnrolmentState::Open,
        spent_by: None,
        replaced_by: None,
    };
    change.enrolments().issue(&enrolment).await?;
    let detail = serde_json::json!({ "enrolment": enrolment.id.to_string() });
    let entry = cx.audit_with(Action::HostInvite, subject("host", host.id, host.name), detail);
    change.tell(FleetEvent::Enrolment { enrolment: enrolment.id });
    let invitation = invite(&cx, change.reading(), enrolment, &token).await?;
    change.commit(entry).await?;
    Ok(invitation)
}

/// A lost token ends, and another takes its place for the same host.
pub(crate) async fn reissue(cx: Cx, request: Request<Reissue>) -> Result<Invitation, Failure> {
    let token = Token::mint(TokenKind::Enrolment, &*cx.parts().random);
    let mut change = cx.begin().await?;
    registration::expect_open(change.meta()).await?;
    let old = change.enrolments().find(request.path.enrolment).await?;
    let old = old.ok_or_else(|| Failure::not_found("enrolment"))?;
    if !matches!(state_of(&old, cx.now()), EnrolmentState::Open | EnrolmentState::Expired) {
        return Err(closed(&old));
    }
    if old.take_over.is_some() {
        cx.expect_admin("issuing a token anew that gives a host to another agent")?;
    }
    for planned in &old.attachments {
        expect_may_attach(&cx, change.attachments(), planned.repository).await?;
    }
    let new = Enrolment {
        id: cx.parts().mint.enrolment(),
        token: stored_hash(&token.hash()),
        created_by: Some(cx.user()?.id),
        created: cx.now(),
        expires: cx.now().after(cx.parts().config.enrolment_lifetime),
        state: EnrolmentState::Open,
        spent_by: None,
        replaced_by: None,
        ..old.clone()
    };
    change.enrolments().reissue(old.id, &new).await?;
    let subject = subject("enrolment", new.id, new.host_name.clone());
    let detail = serde_json::json!({ "replaces": old.id.to_string() });
    change.tell(FleetEvent::Enrolment { enrolment: old.id });
    change.tell(FleetEvent::Enrolment { enrolment: new.id });
    let invitation = invite(&cx, change.reading(), new, &token).await?;
    change.commit(cx.audit_with(Action::EnrolmentReissue, subject, detail)).await?;
    Ok(invitation)
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.enrolment;
    let mut change = cx.begin().await?;
    let enrolment = found::enrolment(change.enrolments(), id).await?;
    if state_of(&enrolment, cx.now()) != EnrolmentState::Open {
        return Err(closed(&enrolment));
    }
    change.enrolments().revoke(id).await?;
    change.tell(FleetEvent::Enrolment { enrolment: id });
    change.commit(cx.audit(Action::EnrolmentRevoke, subject("enrolment", id, enrolment.host_name))).await?;
    Ok(Nothing {})
}

/// The server keeps no token, so whoever wants it in a script brings it.
pub(crate) async fn script(cx: Cx, request: Request<Script>) -> Result<Reply<Nothing>, Failure> {
    let enrolment = found::enrolment(cx.read().await?.enrolments(), request.path.enrolment).await?;
    let shown = Token::parse(TokenKind::Enrolment, request.body.token.expose()).ok();
    let Some(token) = shown.filter(|token| stored_hash(&token.hash()) == enrolment.token) else {
        return Err(Failure::new(
            Code::Invalid,
            "the token does not belong to this enrolment",
            "take the one that was shown when it was made, or issue it anew",
        ));
    };
    let invitation = invitation(cx.parts(), &token);
    let download = install::script(&invitation, &enrolment.host_name);
    Ok(Reply::download(download))
}

/// What a host is to be, as people write it for an invitation or an acceptance.
pub(super) fn check_plan(
    fields: &mut Fields,
    host_name: &str,
    tags: &[String],
    repositories: &[NewAttachment],
    include_paths: &[String],
) {
    fields.check("host_name", check::name(host_name));
    check::tags(fields, tags);
    if repositories.len() > MOST_REPOSITORIES {
        fields.check::<(), _>("repositories", Err("at most 16 repositories"));
    }
    for (index, planned) in repositories.iter().take(MOST_REPOSITORIES).enumerate() {
        if let Some(location) = &planned.location {
            fields.check(&format!("repositories.{index}.location"), check::location(location));
        }
        if repositories.iter().take(index).any(|earlier| earlier.repository == planned.repository) {
            fields.check::<(), _>(&format!("repositories.{index}"), Err("named twice"));
        }
    }
    check::includes(fields, "include_paths", include_paths);
    if repositories.is_empty() && !include_paths.is_empty() {
        fields.check::<(), _>("include_paths", Err("paths need a repository to go to; name one"));
    }
}

/// The repositories as they are kept.
pub(super) fn planned(repositories: Vec<NewAttachment>) -> Vec<PlannedAttachment> {
    let planned =
        |new: NewAttachment| PlannedAttachment { repository: new.repository, location: new.location };
    repositories.into_iter().map(planned).collect()
}

fn closed(enrolment: &Enrolment) -> Failure {
    let detail = format!("this enrolment is {} already", enrolment.state);
    Failure::conflict(detail, "add the host anew if it is still wanted")
}

/// The sweep that marks expired ones may not have come by yet.
fn state_of(enrolment: &Enrolment, now: Timestamp) -> EnrolmentState {
    let expired = enrolment.state == EnrolmentState::Open && now >= enrolment.expires;
    if expired { EnrolmentState::Expired } else { enrolment.state }
}

async fn invite(
    cx: &Cx,
    read: &mut dyn Read,
    enrolment: Enrolment,
    token: &Token,
) -> Result<Invitation, Failure> {
    let invitation = invitation(cx.parts(), token);
    Ok(Invitation {
        enrolment: enrolment_body(read, enrolment, cx.now()).await?,
        token: SecretText::new(token.expose()),
        linux_command: SecretText::new(invitation.linux_command()),
        server_url: cx.parts().config.base_url.to_string(),
        server_fingerprint: cx.parts().identity.public_key().fingerprint().to_string(),
    })
}

fn invitation<'a>(parts: &Parts, token: &'a Token) -> install::Invitation<'a> {
    install::Invitation::new(parts, install::Way::Token(token.expose()))
}

async fn enrolment_body(
    read: &mut dyn Read,
    enrolment: Enrolment,
    now: Timestamp,
) -> Result<api::enrolments::Enrolment, Failure> {
    let state = state_of(&enrolment, now);
    let mut named = Vec::with_capacity(enrolment.attachments.len());
    for planned in &enrolment.attachments {
        let name =
            read.repositories().find(planned.repository).await?.map(|row| row.name).unwrap_or_default();
        named.push(Reference { id: planned.repository, name });
    }
    Ok(api::enrolments::Enrolment {
        id: enrolment.id,
        host_name: enrolment.host_name,
        tags: enrolment.tags,
        presence_mode: enrolment.presence_mode,
        repositories: named,
        include_paths: enrolment.include_paths,
        state,
        created_at: enrolment.created,
        expires_at: enrolment.expires,
        take_over: enrolment.take_over,
        host: enrolment.spent_by,
        replaced_by: enrolment.replaced_by,
    })
}
