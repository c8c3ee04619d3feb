//! Hosts.

use restic_manager_core::{maintenance, presence::presence, scope::may_retag};
use restic_manager_proto::{
    HostId, Timestamp,
    api::{
        self, Nothing, Page,
        hosts::{Delete, List, Purge, RotateToken, Show, Sort, Update},
    },
    session::Close,
    vocabulary::{Action, JobState},
};
use restic_manager_store::{
    Audit, Read,
    hosts::{
        ConfigurationState, DayTally, Host, HostCursor, HostFilter, HostOrder, HostSettings, LastBackup,
    },
};

use super::{
    check::{self, Fields},
    found, health,
    page::{self, Sieve},
};
use crate::{
    call::{Cx, Reply, Request},
    domain::{alerts, configuration, jobs::end, maintenance::Windows, plan, sight},
    entry::subject,
    failure::Failure,
    parts::{Follow, Parts},
};

/// Rows that one transaction of a purge removes at most.
const PURGED_AT_ONCE: usize = 500;

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::hosts::Host>, Failure> {
    let query = request.query;
    let order = match query.sort {
        Some(Sort::NextRun) => HostOrder::NextRun,
        Some(Sort::LastGood) => HostOrder::LastGood,
        _ => HostOrder::Name,
    };
    let deleted = query.deleted == Some(true);
    if deleted && (query.health.is_some() || query.drift.is_some() || query.tag.is_some()) {
        let message = "removed hosts have no health, no drift and no tags; leave those filters out";
        return Err(Failure::field("deleted", message));
    }
    let filter = HostFilter {
        scope: cx.scope().clone(),
        drifting: query.drift == Some(true),
        deleted,
        tag: query.tag,
        search: query.text,
        backups: query.health.map(|health| health::listed(health, cx.now())),
    };
    let wanted = page::request(query.limit, query.after.as_ref(), |(name, moment, id)| HostCursor {
        name,
        moment,
        id,
    })?;
    let mut read = cx.read().await?;
    let windows = Windows::at(read.as_mut(), cx.now()).await?;
    let mut sieve = Sieve::new(wanted);
    while let Some(part) = sieve.wants() {
        let part = read.hosts().page(&filter, order, part).await?;
        sieve.take(
            part,
            |host| host.cursor(order),
            |host| query.health.is_none_or(|wanted| health::of_host(host, &windows, cx.now()) == wanted),
        );
    }
    let (hosts, next) = sieve.finish();
    let runners = read.repositories().runners().await?;
    let known = Known { windows, runners };
    let hosts = hosts.into_iter().map(|host| host_body(cx.parts(), host, &known, cx.now())).collect();
    page::finish(hosts, next, |key| (key.name, key.moment, key.id))
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Reply<api::hosts::Host>, Failure> {
    let mut read = cx.read().await?;
    let host = found::host_ever(read.hosts(), request.path.host).await?;
    let known = Known::load(read.as_mut(), cx.now()).await?;
    Ok(versioned_body(&cx, host, &known))
}

pub(crate) async fn update(cx: Cx, request: Request<Update>) -> Result<Reply<api::hosts::Host>, Failure> {
    let (id, body) = (request.path.host, request.body);
    let mut fields = Fields::default();
    fields.check("name", check::name(&body.name));
    check::tags(&mut fields, &body.tags);
    check::bandwidth(&mut fields, body.bandwidth);
    fields.finish()?;

    let settings = HostSettings {
        name: body.name,
        tags: in_order(body.tags),
        presence_mode: body.presence_mode,
        bandwidth: body.bandwidth,
    };
    let mut change = cx.begin().await?;
    let before = found::host(change.hosts(), id).await?;
    may_retag(cx.scope(), &before.tags, &settings.tags)
        .map_err(|why| Failure::field("tags", why.to_string()))?;
    change.hosts().configure(id, &settings, request.expected).await.map_err(Failure::stale)?;
    plan::refresh(change.as_mut(), id, cx.now()).await?;
    configuration::changed(&mut change, id).await?;
    let host = found::host(change.hosts(), id).await?;
    let known = Known::load(change.reading(), cx.now()).await?;
    change.tell_host(id);
    change.commit(cx.audit(Action::HostUpdate, subject("host", id, settings.name))).await?;
    Ok(versioned_body(&cx, host, &known))
}

pub(crate) async fn delete(cx: Cx, request: Request<Delete>) -> Result<Nothing, Failure> {
    let id = request.path.host;
    let mut change = cx.begin().await?;
    let host = found::host(change.hosts(), id).await?;
    change.then(Follow::Disconnect(id, Close::Removed));
    let ended = end::end_all(&mut change, id, "the host was removed").await?;
    let attached = change.attachments().of_host(id).await?;
    change.hosts().delete(id, cx.now()).await?;
    alerts::close_on(&mut change, id).await?;
    for attachment in attached {
        sight::look_again(&mut change, attachment.repository).await?;
    }
    let detail = serde_json::json!({ "jobs_ended": ended });
    change.tell_host(id);
    change.commit(cx.audit_with(Action::HostDelete, subject("host", id, host.name), detail)).await?;
    Ok(Nothing {})
}

/// Removes for good what is kept of a removed host, in parts: no transaction holds others up for long. What is left when
/// that is interrupted is purged by asking again.
pub(crate) async fn purge(cx: Cx, request: Request<Purge>) -> Result<Nothing, Failure> {
    let id = request.path.host;
    let host = found::host_ever(cx.read().await?.hosts(), id).await?;
    if host.deleted.is_none() {
        return Err(Failure::conflict(
            format!("{} is not removed, and only removed hosts are purged", host.name),
            "remove the host first; its history stays readable until it is purged",
        ));
    }
    if request.body.host_name != host.name {
        let message = format!("type the name of the host, {}, to purge its history", host.name);
        return Err(Failure::field("host_name", message));
    }
    let mut audit = Some(cx.audit(Action::HostPurge, subject("host", id, host.name)));
    loop {
        let mut change = cx.begin().await?;
        let is_done = change.hosts().purge(id, PURGED_AT_ONCE).await?;
        let audit = audit.take().unwrap_or(Audit::Routine("a purge goes on"));
        if is_done {
            change.tell_host(id);
        }
        change.commit(audit).await?;
        if is_done {
            return Ok(Nothing {});
        }
    }
}

/// Asks for another token; a connected agent gets it now, another when it comes.
pub(crate) async fn rotate_token(cx: Cx, request: Request<RotateToken>) -> Result<Nothing, Failure> {
    let id = request.path.host;
    let mut change = cx.begin().await?;
    let host = found::host(change.hosts(), id).await?;
    change.hosts().age_token(id).await?;
    change.then(Follow::RotateToken(id));
    change.tell_host(id);
    change.commit(cx.audit(Action::AgentTokenRotate, subject("host", id, host.name))).await?;
    Ok(Nothing {})
}

/// Sorted, and each once.
pub(super) fn in_order(mut tags: Vec<String>) -> Vec<String> {
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// What hosts are shown by besides their own rows.
struct Known {
    windows: Windows,
    runners: Vec<HostId>,
}

impl Known {
    async fn load(read: &mut dyn Read, now: Timestamp) -> Result<Self, Failure> {
        Ok(Self { windows: Windows::at(read, now).await?, runners: read.repositories().runners().await? })
    }
}

fn versioned_body(cx: &Cx, host: Host, known: &Known) -> Reply<api::hosts::Host> {
    let version = host.version;
    Reply::versioned(host_body(cx.parts(), host, known, cx.now()), version)
}

fn host_body(parts: &Parts, host: Host, known: &Known, now: Timestamp) -> api::hosts::Host {
    let last_seen = parts.hub.last_seen(host.id).or(host.last_seen);
    let health = health::of_host(&host, &known.windows, now);
    let presence = presence(host.presence_mode, last_seen, now);
    let is_maintained = known.windows.hold(&host, now);
    let whole = |last: &&restic_manager_store::hosts::LastBackup| {
        matches!(last.state, JobState::Succeeded | JobState::Incomplete) && last.bytes_processed > 0
    };
    api::hosts::Host {
        id: host.id,
        restic_name: host.restic_name,
        tags: in_order(host.tags),
        presence_mode: host.presence_mode,
        bandwidth: host.bandwidth,
        presence: if is_maintained { maintenance::presence(presence) } else { presence },
        health,
        enrolled_at: host.enrolled,
        token_since: host.token_since,
        last_seen_at: last_seen,
        address: host.address,
        facts: host.facts,
        size_bytes: host.last_backup.as_ref().filter(whole).map(|last| last.bytes_processed),
        last_backup: host.last_backup.map(last_backup),
        worst_backup: host.worst_backup.map(last_backup),
        last_snapshot_at: host.last_snapshot,
        snapshots: host.snapshots,
        running_job: host.running_job,
        next_run_at: host.next_run,
        fresh_until: host.fresh_until,
        days: host.days.iter().map(day).collect(),
        configuration: configuration(host.configuration),
        is_runner: known.runners.contains(&host.id),
        deleted_at: host.deleted,
        version: host.version,
        name: host.name,
    }
}

pub(super) fn last_backup(last: LastBackup) -> api::hosts::LastBackup {
    api::hosts::LastBackup { job: last.job, state: last.state, cause: last.cause, ended_at: last.ended }
}

fn day(tally: &DayTally) -> api::hosts::Day {
    api::hosts::Day {
        start: Timestamp::from_milliseconds(tally.day.saturating_mul(86_400_000)),
        good: tally.good,
        incomplete: tally.incomplete,
        failed: tally.failed,
        missed: tally.missed,
    }
}

fn configuration(state: ConfigurationState) -> api::hosts::Configuration {
    api::hosts::Configuration {
        wanted: state.wanted.map(|version| version.number),
        held: state.held.map(|version| version.number),
        drift_since: state.drift_since,
        refusal: state.refusal.unwrap_or_default(),
    }
}
