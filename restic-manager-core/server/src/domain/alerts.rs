//! Findings that need somebody: raised and resolved in the transaction that commits the fact.

use restic_manager_core::alert::{self as rules, Gathering, ends_with_cause, meaning};
use restic_manager_proto::{
    AlertId, HostId, JobId, RepositoryId, Scope, Timestamp,
    api::events::FleetEvent,
    limits::cut,
    vocabulary::{AlertKind, AlertState, NoticeKind},
};
use restic_manager_store::{
    Error, PageRequest,
    alerts::{Alert, AlertFilter, AlertSubject, NewAlert, Passed, Raised},
    repositories::RepositoryQueries,
};
use serde_json::Value;
use std::collections::BTreeSet;

use super::deliveries;
use crate::parts::{Change, Parts};

/// Longest line of evidence that is kept, in bytes.
const EVIDENCE_BYTES: usize = 500;
/// So many alerts are looked at for those that belong together, are closed with what they are about, and are released
/// with their cause, in one transaction.
const AT_ONCE: usize = 500;

/// A finding, to be [raised](raise()). `summary` is one sentence, `detail` an object without secrets.
pub(crate) fn found(
    parts: &Parts,
    kind: AlertKind,
    subject: AlertSubject,
    subject_name: &str,
    summary: impl Into<String>,
    detail: Value,
) -> NewAlert {
    NewAlert {
        id: parts.mint.alert(),
        kind,
        severity: meaning(kind).severity,
        host: subject.id.parse().ok().filter(|_| subject.kind == "host"),
        repository: subject.id.parse().ok().filter(|_| subject.kind == "repository"),
        subject,
        subject_name: subject_name.to_owned(),
        job: None,
        cause: None,
        summary: summary.into(),
        evidence: String::new(),
        detail,
        moment: parts.now(),
    }
}

/// A finding that was made on a host, the job that showed it, and the line that proves it.
pub(crate) fn shown_by(
    finding: NewAlert,
    host: HostId,
    job: impl Into<Option<JobId>>,
    evidence: &str,
) -> NewAlert {
    let line = evidence.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    NewAlert {
        host: finding.host.or(Some(host)),
        job: job.into(),
        evidence: cut(line, EVIDENCE_BYTES),
        ..finding
    }
}

/// Raises a finding: makes an alert, or counts on the one that lasts.
pub(crate) async fn raise(change: &mut Change<'_>, finding: &NewAlert) -> Result<(), Error> {
    alert(change, finding).await.map(drop)
}

/// The same, and says which alert that is.
pub(crate) async fn alert(change: &mut Change<'_>, finding: &NewAlert) -> Result<AlertId, Error> {
    Ok(raised(change, finding).await?.alert())
}

/// The same, and says what became of the finding.
pub(crate) async fn raised(change: &mut Change<'_>, finding: &NewAlert) -> Result<Raised, Error> {
    let before = change.alerts().unresolved(finding.kind, &finding.subject).await?;
    let count = before.as_ref().map_or(1, |before| before.count + 1);
    let severity = finding.severity.max(meaning(finding.kind).severity_at(count));
    let mut finding = NewAlert { severity, ..finding.clone() };
    if before.is_none() && finding.cause.is_none() {
        finding.cause = gather(change, &finding).await?;
    }
    note(change, &finding).await
}

async fn note(change: &mut Change<'_>, finding: &NewAlert) -> Result<Raised, Error> {
    let raised = change.alerts().raise(finding).await?;
    if raised.is_news() && finding.cause.is_none() {
        hear(change, raised.alert(), NoticeKind::Raised).await?;
    }
    change.tell(FleetEvent::Alerts {});
    Ok(raised)
}

/// What was found is over; says whether that is news.
pub(crate) async fn resolve(
    change: &mut Change<'_>,
    kind: AlertKind,
    about: &AlertSubject,
) -> Result<bool, Error> {
    let now = change.parts().now();
    let Some(id) = change.alerts().resolve(kind, about, now).await? else { return Ok(false) };
    ended(change, id).await?;
    Ok(true)
}

/// Closes what is about a thing that is gone.
pub(crate) async fn close_about(change: &mut Change<'_>, about: &AlertSubject) -> Result<(), Error> {
    let lasting = change.alerts().lasting(about, AT_ONCE).await?;
    close(change, lasting).await
}

/// Closes what is about a host that is gone, or was found there. What is about a repository stays: others may use it.
pub(crate) async fn close_on(change: &mut Change<'_>, host: HostId) -> Result<(), Error> {
    let mut lasting = change.alerts().lasting_on(host, AT_ONCE).await?;
    lasting.retain(|alert| alert.subject.kind != "repository");
    close(change, lasting).await
}

async fn close(change: &mut Change<'_>, alerts: Vec<Alert>) -> Result<(), Error> {
    let now = change.parts().now();
    for alert in alerts {
        if change.alerts().close(alert.id, now).await? {
            ended(change, alert.id).await?;
        }
    }
    Ok(())
}

/// An alert is over: that is told, unless it was told as a part of another one, which may be over with it.
pub(crate) async fn ended(change: &mut Change<'_>, id: AlertId) -> Result<(), Error> {
    change.tell(FleetEvent::Alerts {});
    let Some(alert) = change.alerts().find(id).await? else { return Ok(()) };
    let Some(cause) = alert.cause else { return hear(change, id, NoticeKind::Resolved).await };
    let gathered = rules::gathering(alert.kind).is_some();
    if gathered && change.alerts().below(cause, 1).await?.is_empty() {
        let now = change.parts().now();
        if change.alerts().close(cause, now).await? {
            hear(change, cause, NoticeKind::Resolved).await?;
        }
    }
    Ok(())
}

/// The one place that everything passes of which somebody should hear.
async fn hear(change: &mut Change<'_>, alert: AlertId, event: NoticeKind) -> Result<(), Error> {
    deliveries::queue(change, alert, event).await?;
    change.tell(FleetEvent::Alerts {});
    Ok(())
}

/// Where many hosts have the same at once, that is one matter: answers the alert that stands for all of them.
async fn gather(change: &mut Change<'_>, finding: &NewAlert) -> Result<Option<AlertId>, Error> {
    let Some(rule) = rules::gathering(finding.kind) else { return Ok(None) };
    let since = finding.moment.before(rule.within);
    let known = change.alerts().unresolved(rule.into, &AlertSubject::server()).await?;
    if known.as_ref().is_some_and(|known| known.last_seen >= since) {
        return Ok(Some(note(change, &gathered(change.parts(), rule)).await?.alert()));
    }
    let needed = needed(change, rule).await?;
    if !may_be_many(change, finding, since, needed).await? {
        return Ok(None);
    }
    let recent = recent(change, rule, since, needed).await?;
    let hosts: BTreeSet<_> = recent.iter().map(|alert| alert.host).chain([finding.host]).collect();
    if hosts.len() < needed {
        return Ok(None);
    }
    let id = note(change, &gathered(change.parts(), rule)).await?.alert();
    for alert in recent {
        change.alerts().set_cause(alert.id, Some(id), finding.moment).await?;
    }
    Ok(Some(id))
}

/// How many hosts it takes; the fleet is counted where its size matters.
async fn needed(change: &mut Change<'_>, rule: Gathering) -> Result<usize, Error> {
    if rule.share == 0 {
        return Ok(rule.hosts);
    }
    let parts = change.parts();
    let fleet = match parts.fleet_size.known(parts.now()) {
        Some(fleet) => fleet,
        None => {
            let fleet = change.hosts().within(&Scope::All, rules::COUNTED_HOSTS).await?.len();
            parts.fleet_size.note(fleet, parts.now());
            fleet
        }
    };
    Ok(rule.needed(fleet))
}

/// Whether there can be enough of them: a count costs little, where one by one thousands would each look at all before them.
async fn may_be_many(
    change: &mut Change<'_>,
    finding: &NewAlert,
    since: Timestamp,
    needed: usize,
) -> Result<bool, Error> {
    if finding.kind != AlertKind::HostOffline {
        return Ok(true);
    }
    let from = AlertId::from_parts(since, [0; 10]);
    Ok(change.alerts().opened_from(finding.kind, from, needed).await? + 1 >= needed)
}

fn gathered(parts: &Parts, rule: Gathering) -> NewAlert {
    let (hosts, minutes) = (rule.hosts, rule.within.as_secs() / 60);
    let summary = match rule.into {
        AlertKind::ManyHostsOffline => {
            format!("Many hosts, at least {hosts}, went silent within {minutes} minutes.")
        }
        AlertKind::ManyAgentsOutdated => {
            format!("The agents of at least {hosts} hosts are older than this server.")
        }
        _ => format!("The backups of at least {hosts} hosts were unusual within {minutes} minutes."),
    };
    found(parts, rule.into, AlertSubject::server(), "", summary, Value::Null)
}

/// Alerts that a rule gathers, which are open since then and stand by themselves, the newest of each kind.
async fn recent(
    change: &mut Change<'_>,
    rule: Gathering,
    since: Timestamp,
    needed: usize,
) -> Result<Vec<Alert>, Error> {
    let mut recent = Vec::new();
    for kind in AlertKind::ALL.iter().filter(|kind| rules::gathering(**kind) == Some(rule)) {
        let filter =
            AlertFilter { state: Some(AlertState::Open), kind: Some(*kind), ..AlertFilter::default() };
        let page = change.alerts().page(filter, PageRequest::first(4 * needed)).await?;
        recent.extend(page.items.into_iter().filter(|alert| alert.first_seen >= since));
    }
    Ok(recent)
}

/// What time alone brings to an alert: an acknowledgement lapses, what nobody takes on is told again, what came and went is
/// over, what had a cause that is over stands by itself or is over with it.
pub(crate) async fn advance(change: &mut Change<'_>, alert: &Alert) -> Result<(), Error> {
    let now = change.parts().now();
    match change.alerts().advance(alert.id, now).await? {
        Some(Passed::Settled) => ended(change, alert.id).await,
        Some(Passed::Lapsed) if alert.cause.is_none() => hear(change, alert.id, NoticeKind::Raised).await,
        Some(Passed::Unheeded) => hear(change, alert.id, NoticeKind::Reminder).await,
        Some(Passed::Lapsed) => Ok(()),
        None if alert.resolved.is_some() => release(change, alert.id, now).await,
        None => Ok(()),
    }
}

async fn release(change: &mut Change<'_>, cause: AlertId, now: Timestamp) -> Result<(), Error> {
    let below = change.alerts().below(cause, AT_ONCE).await?;
    let is_all = below.len() < AT_ONCE;
    for id in below {
        let Some(alert) = change.alerts().find(id).await? else { continue };
        change.alerts().set_cause(id, None, now).await?;
        if ends_with_cause(alert.kind) {
            change.alerts().close(id, now).await?;
        } else {
            hear(change, id, NoticeKind::Raised).await?;
        }
    }
    if is_all {
        change.alerts().settle_up(cause).await?;
    }
    change.tell(FleetEvent::Alerts {});
    Ok(())
}

/// A repository as summaries call it.
pub(crate) async fn repository_name(
    repositories: &mut dyn RepositoryQueries,
    repository: RepositoryId,
) -> Result<String, Error> {
    let found = repositories.find(repository).await?;
    Ok(found.map_or_else(|| repository.to_string(), |repository| repository.name))
}

/// A word of the vocabulary within a sentence.
pub(crate) fn spoken(word: &str) -> String {
    word.replace('-', " ")
}
