//! What needs somebody.

use restic_manager_core::{
    alert::{self as rules, meaning},
    job::advice,
};
use restic_manager_proto::{
    AlertId, Scope, UserId,
    api::{
        self, Page,
        alerts::{Acknowledge, List, Resolve, Show},
        events::FleetEvent,
    },
    vocabulary::{Action, AlertState, Cause},
};
use restic_manager_store::{
    PageRequest, Read,
    alerts::{Acknowledgement, Alert, AlertEvent, AlertFilter, AlertPlace, AlertTally},
};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    audit::words::words,
    page::{self, Sieve},
};
use crate::{
    call::{Cx, Request},
    domain::{alerts, scope::is_seen},
    entry::subject,
    failure::Failure,
};

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::alerts::Alert>, Failure> {
    let query = request.query;
    let wanted = page::request(query.limit, query.after.as_ref(), |id: AlertId| id)?;
    let is_narrowed = query.state.is_some() || query.severity.is_some() || query.kind.is_some();
    if query.below.is_some() && is_narrowed {
        return Err(Failure::field("below", "without state, severity and kind"));
    }
    let place = match query.below {
        Some(cause) => AlertPlace::Below(cause),
        None => place(cx.scope()),
    };
    let filter = AlertFilter { state: query.state, severity: query.severity, kind: query.kind, place };
    let mut read = cx.read().await?;
    let mut sieve = Sieve::new(wanted);
    while let Some(part) = sieve.wants() {
        let part = read.alerts().page(filter, part).await?;
        let seen = seen(read.as_mut(), cx.scope(), &part.items).await?;
        sieve.take(part, |alert| alert.id, |alert| seen.contains(&alert.id));
    }
    let (found, next) = sieve.finish();
    let mut people = People::default();
    let mut items = Vec::with_capacity(found.len());
    for alert in found {
        let alert = Alert { history: Vec::new(), ..alert };
        items.push(alert_body(read.as_mut(), &mut people, alert).await?);
    }
    page::finish(items, next, |id| id)
}

/// Who sees a part of the fleet may not see the cause of an alert, and sees it by itself.
const fn place(scope: &Scope) -> AlertPlace {
    if scope.is_all() { AlertPlace::Top } else { AlertPlace::Anywhere }
}

/// Which of these alerts somebody of a scope sees: those about what the scope holds.
async fn seen(read: &mut dyn Read, scope: &Scope, alerts: &[Alert]) -> Result<BTreeSet<AlertId>, Failure> {
    let mut seen = BTreeSet::new();
    for alert in alerts {
        if is_seen(read, scope, &alert.subject.kind, &alert.subject.id).await? {
            seen.insert(alert.id);
        }
    }
    Ok(seen)
}

/// A count within a scope looks at so many of the newest alerts that last.
const MOST_COUNTED: usize = 1000;

/// How many alerts that last there are about what a scope holds.
pub(super) async fn tallies(read: &mut dyn Read, scope: &Scope) -> Result<Vec<AlertTally>, Failure> {
    if scope.is_all() {
        return Ok(read.alerts().tallies().await?);
    }
    let filter = AlertFilter { state: Some(AlertState::Open), place: place(scope), ..AlertFilter::default() };
    let (mut tallies, mut looked) = (Vec::new(), 0);
    let mut request = PageRequest::first(PageRequest::<()>::LIMIT);
    loop {
        let page = read.alerts().page(filter, request).await?;
        let seen = seen(read, scope, &page.items).await?;
        looked += page.items.len();
        let counted = page.items.iter().filter(|alert| seen.contains(&alert.id));
        tallies.extend(counted.map(|alert| AlertTally {
            state: alert.state,
            severity: alert.severity,
            alerts: 1,
        }));
        match page.next {
            Some(next) if looked < MOST_COUNTED => {
                request = PageRequest::after(next, PageRequest::<()>::LIMIT);
            }
            _ => return Ok(tallies),
        }
    }
}

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<api::alerts::Alert, Failure> {
    let mut read = cx.read().await?;
    find_body(read.as_mut(), request.path.alert).await
}

pub(crate) async fn acknowledge(
    cx: Cx,
    request: Request<Acknowledge>,
) -> Result<api::alerts::Alert, Failure> {
    let (id, by, wish) = (request.path.alert, cx.user()?.id, request.body);
    let reason = wish.reason.trim().to_owned();
    rules::check_acknowledgement(&reason, wish.until, cx.now())
        .map_err(|(field, message)| Failure::field(field, message))?;
    let mut change = cx.begin().await?;
    let alert = change.alerts().find(id).await?.ok_or_else(|| Failure::not_found("alert"))?;
    let detail = serde_json::json!({ "reason": reason, "until": wish.until });
    let how = Acknowledgement { by, at: cx.now(), reason, until: wish.until };
    let is_news = change.alerts().acknowledge(id, &how).await?;
    let body = find_body(change.reading(), id).await?;
    if is_news {
        change.tell(FleetEvent::Alerts {});
        change.commit(cx.audit_with(Action::AlertAcknowledge, about(&alert), detail)).await?;
    }
    Ok(body)
}

pub(crate) async fn resolve(cx: Cx, request: Request<Resolve>) -> Result<api::alerts::Alert, Failure> {
    let (id, by) = (request.path.alert, cx.user()?.id);
    let mut change = cx.begin().await?;
    let alert = change.alerts().find(id).await?.ok_or_else(|| Failure::not_found("alert"))?;
    let is_news = change.alerts().resolve_by_hand(id, by, cx.now()).await?;
    let body = find_body(change.reading(), id).await?;
    if is_news {
        alerts::ended(&mut change, id).await?;
        change.commit(cx.audit(Action::AlertResolve, about(&alert))).await?;
    }
    Ok(body)
}

fn about(alert: &Alert) -> Option<restic_manager_store::audit::Subject> {
    let name = match alert.subject_name.as_str() {
        "" => alert.kind.to_string(),
        name => format!("{}: {name}", alert.kind),
    };
    subject("alert", alert.id, name)
}

async fn find_body(read: &mut dyn Read, id: AlertId) -> Result<api::alerts::Alert, Failure> {
    let alert = read.alerts().find(id).await?.ok_or_else(|| Failure::not_found("alert"))?;
    alert_body(read, &mut People::default(), alert).await
}

/// Names, each looked up once.
#[derive(Default)]
struct People(BTreeMap<UserId, String>);

impl People {
    async fn name(&mut self, read: &mut dyn Read, id: Option<UserId>) -> Result<Option<String>, Failure> {
        let Some(id) = id else { return Ok(None) };
        if let Some(name) = self.0.get(&id) {
            return Ok(Some(name.clone()));
        }
        let name = read.users().find(id).await?.map_or_else(|| "(removed)".to_owned(), |user| user.name);
        self.0.insert(id, name.clone());
        Ok(Some(name))
    }
}

async fn alert_body(
    read: &mut dyn Read,
    people: &mut People,
    alert: Alert,
) -> Result<api::alerts::Alert, Failure> {
    let mut history = Vec::with_capacity(alert.history.len());
    for AlertEvent { at, step, by, text } in alert.history {
        history.push(api::alerts::AlertEvent { at, step, by: people.name(read, by).await?, text });
    }
    let below = match alert.resolved {
        None => read.alerts().below(alert.id, MOST_COUNTED).await?.len(),
        Some(_) => 0,
    };
    Ok(api::alerts::Alert {
        history,
        below: below as u64,
        next_step: next_step(&alert.detail).unwrap_or(meaning(alert.kind).next_step).to_owned(),
        evidence: alert.evidence,
        host: alert.host,
        repository: alert.repository,
        job: alert.job,
        cause: alert.cause,
        acknowledged_until: alert.acknowledged_until,
        reason: alert.reason,
        settles_at: alert.settles,
        acknowledged_by: people.name(read, alert.acknowledged_by).await?,
        resolved_by: people.name(read, alert.resolved_by).await?,
        id: alert.id,
        kind: alert.kind,
        severity: alert.severity,
        state: alert.state,
        subject_kind: alert.subject.kind,
        subject_id: alert.subject.id,
        subject: alert.subject_name,
        summary: alert.summary,
        detail: words(alert.detail),
        count: alert.count,
        first_seen_at: alert.first_seen,
        last_seen_at: alert.last_seen,
        acknowledged_at: alert.acknowledged,
        resolved_at: alert.resolved,
    })
}

/// What to do about the cause of an end, where a finding names one.
fn next_step(detail: &serde_json::Value) -> Option<&'static str> {
    let cause: Cause = detail.get("cause")?.as_str()?.parse().ok()?;
    Some(advice(cause)).filter(|advice| !advice.is_empty())
}
