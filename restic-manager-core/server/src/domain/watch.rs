//! What time alone makes an alert of a host: it is silent, or its snapshots are too old. Each host says when it is to be
//! looked at next; a look raises and resolves, and says when the next one is.

use core::time::Duration;
use restic_manager_core::alert as rules;
use restic_manager_proto::{
    HostId, Timestamp,
    vocabulary::{AlertKind, Severity},
};
use restic_manager_store::{
    Error,
    alerts::{AlertSubject, NewAlert},
    hosts::Host,
    sources::SourceGroup,
};

use super::{
    alerts::{found, raise, resolve},
    maintenance::Windows,
    plan, verdicts,
};
use crate::parts::Change;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A host that is connected here is looked at so often: it says itself when it goes, and a server that starts looks at
/// every host that does not come back.
const CONNECTED: Duration = Duration::from_secs(15 * 60);

/// Looks at a host.
pub(crate) async fn look(change: &mut Change<'_>, id: HostId, windows: &Windows) -> Result<(), Error> {
    let now = change.parts().now();
    let Some(host) = change.hosts().find(id).await?.filter(|host| host.deleted.is_none()) else {
        return change.hosts().watch(id, None).await;
    };
    if let Some(over) = windows.end(&host, now) {
        return change.hosts().watch(id, Some(over)).await;
    }
    let here = change.parts().hub.last_seen(id);
    let silent = silence(change, &host, here.or(host.last_seen), now).await?;
    let stale = staleness(change, &host, now).await?;
    agent(change, &host, here.is_some(), now).await?;
    let connected = here.map(|_| now.after(CONNECTED));
    let silent = if here.is_some() { None } else { silent };
    let next = [silent, stale, connected].into_iter().flatten().filter(|at| *at > now).min();
    change.hosts().watch(id, next).await
}

/// An agent is connected: its host is not silent.
pub(crate) async fn came(change: &mut Change<'_>, host: HostId) -> Result<(), Error> {
    resolve(change, AlertKind::HostOffline, &AlertSubject::new("host", host)).await?;
    let now = change.parts().now();
    change.hosts().watch_by(host, now).await
}

/// An agent left: its host is silent once the grace is over.
pub(crate) async fn left(change: &mut Change<'_>, host: &Host, last_seen: Timestamp) -> Result<(), Error> {
    match rules::offline_from(host.presence_mode, Some(last_seen)) {
        Some(offline) => change.hosts().watch_by(host.id, offline).await,
        None => Ok(()),
    }
}

/// Whether the host is silent; answers when it will be, unless it is seen again.
async fn silence(
    change: &mut Change<'_>,
    host: &Host,
    last_seen: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let about = AlertSubject::new("host", host.id);
    let from = rules::offline_from(host.presence_mode, last_seen);
    let lasts = change.alerts().unresolved(AlertKind::HostOffline, &about).await?;
    if from.is_some_and(|from| from <= now) {
        if lasts.is_none_or(|lasts| lasts.settles.is_some()) {
            raise(change, &offline(change, host, about, last_seen)).await?;
        }
    } else if lasts.is_some() {
        resolve(change, AlertKind::HostOffline, &about).await?;
    }
    Ok(from)
}

fn offline(change: &Change<'_>, host: &Host, about: AlertSubject, last_seen: Option<Timestamp>) -> NewAlert {
    let seen = last_seen.map_or_else(|| "never".to_owned(), |seen| seen.to_string());
    let summary = format!("{} is silent; it was last seen at {seen}.", host.name);
    found(change.parts(), AlertKind::HostOffline, about, &host.name, summary, serde_json::Value::Null)
}

/// What is to be said of an agent: its version, and the age of its token, which is replaced while it is connected.
async fn agent(change: &mut Change<'_>, host: &Host, connected: bool, now: Timestamp) -> Result<(), Error> {
    let version = &host.facts.agent_version;
    let outdated = rules::is_older(version, VERSION);
    let summary = format!("The agent of {} is version {version}; the server is {VERSION}.", host.name);
    lasts_while(change, host, AlertKind::AgentOutdated, outdated, summary).await?;
    let lifetime = change.parts().config.agent_token_lifetime;
    let overdue = connected && rules::token_is_overdue(host.token_since, lifetime, now);
    let since = host.token_since.map_or_else(String::new, |since| since.to_string());
    let summary = format!("The token of the agent of {} is of {since}, and is not replaced.", host.name);
    lasts_while(change, host, AlertKind::AgentTokenOld, overdue, summary).await
}

/// An alert about the host that lasts while something is so, and is found once.
async fn lasts_while(
    change: &mut Change<'_>,
    host: &Host,
    kind: AlertKind,
    is_so: bool,
    summary: String,
) -> Result<(), Error> {
    let about = AlertSubject::new("host", host.id);
    if !is_so {
        return resolve(change, kind, &about).await.map(drop);
    }
    let lasts = change.alerts().unresolved(kind, &about).await?;
    if lasts.is_some_and(|lasts| lasts.settles.is_none()) {
        return Ok(());
    }
    let finding = found(change.parts(), kind, about, &host.name, summary, serde_json::Value::Null);
    raise(change, &finding).await
}

/// Whether snapshots of the host's scheduled groups are too old; answers when the first of the others will be.
async fn staleness(change: &mut Change<'_>, host: &Host, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let mut next: Option<Timestamp> = None;
    for promised in plan::promised(change.reading(), host).await? {
        let about = AlertSubject::new("source-group", promised.group.id);
        match promised.fresh_until {
            Some(until) if until <= now => overdue(change, host, &promised.group, promised.newest).await?,
            until => {
                resolve(change, AlertKind::BackupOverdue, &about).await?;
                next = [next, until].into_iter().flatten().min();
            }
        }
    }
    Ok(next)
}

/// Raises that a group's backup is overdue, once: below the host's silence or the repository's, where that is the reason.
async fn overdue(
    change: &mut Change<'_>,
    host: &Host,
    group: &SourceGroup,
    newest: Option<Timestamp>,
) -> Result<(), Error> {
    let about = AlertSubject::new("source-group", group.id);
    let lasts = change.alerts().unresolved(AlertKind::BackupOverdue, &about).await?;
    if lasts.is_some_and(|lasts| lasts.settles.is_none()) {
        return Ok(());
    }
    let silent = AlertSubject::new("host", host.id);
    let silent = change.alerts().unresolved(AlertKind::HostOffline, &silent).await?;
    let away = AlertSubject::new("repository", group.repository);
    let away = change.alerts().unresolved(AlertKind::RepositoryUnreachable, &away).await?;
    let cause = silent.or(away);
    let source = verdicts::source(change, group).await?;
    let summary = match newest {
        Some(newest) => format!("{source} has no fresh snapshot: its newest is of {newest}."),
        None => format!("{source} has no snapshot yet, and should have had one."),
    };
    let detail = serde_json::json!({ "since": newest.unwrap_or(group.created).to_string() });
    let mut finding = found(change.parts(), AlertKind::BackupOverdue, about, &source, summary, detail);
    (finding.host, finding.repository) = (Some(host.id), Some(group.repository));
    finding.cause = cause.as_ref().map(|cause| cause.id);
    finding.job = group.last_backup.as_ref().map(|last| last.job);
    raise(change, &finding).await?;
    // What now keeps backups from being made matters as much as that.
    if let Some(cause) = cause.filter(|cause| cause.severity < Severity::Critical) {
        let graver = NewAlert {
            severity: Severity::Critical,
            host: cause.host,
            cause: cause.cause,
            detail: cause.detail,
            ..found(
                change.parts(),
                cause.kind,
                cause.subject,
                &cause.subject_name,
                cause.summary,
                serde_json::Value::Null,
            )
        };
        raise(change, &graver).await?;
    }
    Ok(())
}
