//! What needs somebody.

use restic_manager_core::alert::meaning;
use restic_manager_proto::{
    AlertId, Scope, UserId,
    api::{
        self, Page,
        alerts::{Acknowledge, List, Resolve, Show},
        events::FleetEvent,
    },
    vocabulary::{Action, AlertState, NoticeKind},
};
use restic_manager_store::{
    PageRequest, Read,
    alerts::{Alert, AlertFilter, AlertTally},
};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    audit::words::words,
    page::{self, Sieve},
};
use crate::{
    call::{Cx, Request},
    domain::{deliveries, scope::is_seen},
    entry::subject,
    failure::Failure,
};

pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<api::alerts::Alert>, Failure> {
    let query = request.query;
    let wanted = page::request(query.limit, query.after.as_ref(), |id: AlertId| id)?;
    let filter = AlertFilter { state: query.state, severity: query.severity, kind: query.kind };
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
        items.push(alert_body(read.as_mut(), &mut people, alert).await?);
    }
    page::finish(items, next, |id| id)
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
    let filter = AlertFilter { state: Some(AlertState::Open), ..AlertFilter::default() };
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
    let (id, by) = (request.path.alert, cx.user()?.id);
    let mut transaction = cx.begin().await?;
    let alert = transaction.alerts().find(id).await?.ok_or_else(|| Failure::not_found("alert"))?;
    let is_news = transaction.alerts().acknowledge(id, by, cx.now()).await?;
    let body = find_body(transaction.reading(), id).await?;
    if is_news {
        transaction.tell(FleetEvent::Alerts {});
        transaction.commit(cx.audit(Action::AlertAcknowledge, about(&alert))).await?;
    }
    Ok(body)
}

pub(crate) async fn resolve(cx: Cx, request: Request<Resolve>) -> Result<api::alerts::Alert, Failure> {
    let (id, by) = (request.path.alert, cx.user()?.id);
    let mut transaction = cx.begin().await?;
    let alert = transaction.alerts().find(id).await?.ok_or_else(|| Failure::not_found("alert"))?;
    let is_news = transaction.alerts().resolve_by_hand(id, by, cx.now()).await?;
    let body = find_body(transaction.reading(), id).await?;
    if is_news {
        deliveries::queue(&mut transaction, id, NoticeKind::Resolved).await?;
        transaction.tell(FleetEvent::Alerts {});
        transaction.commit(cx.audit(Action::AlertResolve, about(&alert))).await?;
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
    Ok(api::alerts::Alert {
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
        next_step: meaning(alert.kind).next_step.to_owned(),
        detail: words(alert.detail),
        count: alert.count,
        first_seen_at: alert.first_seen,
        last_seen_at: alert.last_seen,
        acknowledged_at: alert.acknowledged,
        resolved_at: alert.resolved,
    })
}
