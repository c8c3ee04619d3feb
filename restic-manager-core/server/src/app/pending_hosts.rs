//! Hosts that announced themselves and wait for an admin. Who waits, and what it is told: `agents::announced`.

use restic_manager_core::announce;
use restic_manager_crypto::{Fingerprint, Token, TokenKind};
use restic_manager_proto::{
    HostId, PendingHostId,
    api::{
        self, Nothing, Page, Reference,
        events::FleetEvent,
        pending_hosts::{Accept, Acceptance, List, Reject, Show},
    },
    vocabulary::{Action, PendingHostState, PresenceMode},
};
use restic_manager_store::{Audit, PublicKey, Read, Transaction, fold, pending_hosts::PendingHost};

use super::{
    attachments::expect_may_attach,
    check::Fields,
    enrolments::{check_plan, planned},
    found, hosts, page,
    value::stored_hash,
};
use crate::{
    call::{Cx, Request},
    domain::newcomer::{self, Plan},
    entry::subject,
    failure::Failure,
    parts::Follow,
};

pub(crate) async fn list(cx: Cx, _: Request<List>) -> Result<Page<api::pending_hosts::PendingHost>, Failure> {
    let mut read = cx.read().await?;
    let all = waiting(&cx, read.as_mut()).await?;
    let mut items = Vec::with_capacity(all.len());
    for host in &all {
        items.push(pending_host_body(&cx, read.as_mut(), host, &all).await?);
    }
    Ok(page::whole(items))
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<api::pending_hosts::PendingHost, Failure> {
    let mut change = cx.begin().await?;
    let host = existing(&cx, change.as_mut(), request.path.pending_host).await?;
    if host.looked_at.is_none() {
        change.pending_hosts().look_at(host.id, cx.now()).await?;
    }
    let is_news = host.looked_at.is_none();
    let host = PendingHost { looked_at: host.looked_at.or(Some(cx.now())), ..host };
    let all = waiting(&cx, change.reading()).await?;
    let body = pending_host_body(&cx, change.reading(), &host, &all).await?;
    if is_news {
        change.tell(FleetEvent::PendingHosts {});
        change.commit(Audit::Routine("an admin looked at an announced host")).await?;
    }
    Ok(body)
}

pub(crate) async fn accept(cx: Cx, request: Request<Accept>) -> Result<Reference<HostId>, Failure> {
    let (id, body) = (request.path.pending_host, request.body);
    let shown = check(&body)?;
    let mut change = cx.begin().await?;
    let waiting = existing(&cx, change.as_mut(), id).await?;
    if fingerprint(&waiting.public_key) != shown {
        return Err(Failure::conflict(
            "this is not the fingerprint of the announced host",
            "compare what the host prints with its page, and accept it from there",
        ));
    }
    if change.hosts().named(&body.host_name).await?.is_some() {
        return Err(Failure::conflict(
            format!("there is a host named {} already", body.host_name),
            "choose another name, or remove that host first",
        ));
    }
    for wanted in &body.repositories {
        found::seen_repository(&cx, change.as_mut(), wanted.repository).await?;
        expect_may_attach(&cx, change.attachments(), wanted.repository).await?;
    }
    let (tags, attachments) = (hosts::in_order(body.tags), planned(body.repositories));
    let plan = Plan {
        host_name: &body.host_name,
        tags: &tags,
        presence_mode: body.presence_mode.unwrap_or(PresenceMode::AlwaysOn),
        attachments: &attachments,
        include_paths: &body.include_paths,
    };
    // Nobody learns this token: the agent is given one of its own with its verdict.
    let token = stored_hash(&Token::mint(TokenKind::Agent, &*cx.parts().random).hash());
    let host = newcomer::make(&mut change, plan, waiting.public_key, token).await?;
    change.pending_hosts().accept(id, host, cx.now().after(announce::LIFETIME)).await?;
    let entry = cx.audit_with(
        Action::PendingHostAccept,
        subject("host", host, body.host_name.clone()),
        detail(&waiting),
    );
    change.then(Follow::Decided(id));
    change.tell(FleetEvent::PendingHosts {});
    change.tell_host(host);
    change.commit(entry).await?;
    Ok(Reference { id: host, name: body.host_name })
}

pub(crate) async fn reject(cx: Cx, request: Request<Reject>) -> Result<Nothing, Failure> {
    let id = request.path.pending_host;
    let mut change = cx.begin().await?;
    let host = existing(&cx, change.as_mut(), id).await?;
    change.pending_hosts().reject(id, cx.now().after(announce::LIFETIME)).await?;
    let subject = subject("pending-host", id, host.facts.hostname.clone());
    change.then(Follow::Decided(id));
    change.tell(FleetEvent::PendingHosts {});
    change.commit(cx.audit_with(Action::PendingHostReject, subject, detail(&host))).await?;
    Ok(Nothing {})
}

fn check(body: &Acceptance) -> Result<Fingerprint, Failure> {
    let mut fields = Fields::default();
    let shown = fields.check("fingerprint", body.fingerprint.parse::<Fingerprint>());
    check_plan(&mut fields, &body.host_name, &body.tags, &body.repositories, &body.include_paths);
    fields.finish()?;
    shown.ok_or_else(|| Failure::field("fingerprint", "not a fingerprint"))
}

/// An announced host that waits.
async fn existing(
    cx: &Cx,
    transaction: &mut dyn Transaction,
    id: PendingHostId,
) -> Result<PendingHost, Failure> {
    let host = transaction.pending_hosts().find(id).await?.filter(|host| host.expires > cx.now());
    let host = host.ok_or_else(|| Failure::not_found("announced host"))?;
    if host.state == PendingHostState::Waiting {
        return Ok(host);
    }
    let detail = format!("this host was {} already", host.state);
    Err(Failure::conflict(detail, "look in the list for those that wait"))
}

async fn waiting(cx: &Cx, read: &mut dyn Read) -> Result<Vec<PendingHost>, Failure> {
    let mut all = read.pending_hosts().waiting().await?;
    all.retain(|host| host.expires > cx.now());
    Ok(all)
}

fn fingerprint(key: &PublicKey) -> Fingerprint {
    restic_manager_crypto::PublicKey::from_bytes(*key.as_bytes()).fingerprint()
}

fn detail(host: &PendingHost) -> serde_json::Value {
    serde_json::json!({
        "announced_as": host.facts.hostname,
        "key": fingerprint(&host.public_key).to_string(),
        "address": host.address,
    })
}

async fn pending_host_body(
    cx: &Cx,
    read: &mut dyn Read,
    host: &PendingHost,
    all: &[PendingHost],
) -> Result<api::pending_hosts::PendingHost, Failure> {
    let connected = cx.parts().lobby.is_connected(host.id);
    let name = fold(&host.facts.hostname);
    let same_name = |other: &&PendingHost| other.id != host.id && fold(&other.facts.hostname) == name;
    let facts = host.facts.clone();
    Ok(api::pending_hosts::PendingHost {
        id: host.id,
        fingerprint: fingerprint(&host.public_key).to_string(),
        namesake: read.hosts().named(&facts.hostname).await?.map(|host| host.id),
        same_name: all.iter().filter(same_name).count() as u64,
        name: facts.hostname,
        operating_system: facts.operating_system,
        os_version: facts.os_version,
        architecture: facts.architecture,
        agent_version: facts.agent_version,
        address: host.address.clone(),
        connected,
        first_seen_at: host.first_seen,
        last_seen_at: if connected { cx.now() } else { host.last_seen },
        expires_at: host.expires,
        looked_at: host.looked_at,
    })
}
