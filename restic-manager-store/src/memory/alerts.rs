use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, Timestamp, UserId,
    vocabulary::{AlertKind, AlertState},
};
use std::{collections::BTreeMap, sync::Arc};

use super::tables::{Tables, page, row};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    alerts::{Alert, AlertFilter, AlertQueries, AlertSubject, AlertTally, Alerts, NewAlert, Raised},
};

#[async_trait]
impl AlertQueries for Tables {
    async fn find(&mut self, id: AlertId) -> Result<Option<Alert>, Error> {
        Ok(self.alerts.get(&id).cloned())
    }

    async fn unresolved(&mut self, kind: AlertKind, subject: &AlertSubject) -> Result<Option<Alert>, Error> {
        let lasts = |alert: &&Alert| {
            alert.kind == kind && alert.subject == *subject && alert.state != AlertState::Resolved
        };
        Ok(self.alerts.values().find(lasts).cloned())
    }

    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error> {
        let shown = |alert: &&Alert| {
            filter.state.is_none_or(|state| alert.state == state)
                && filter.severity.is_none_or(|severity| alert.severity == severity)
                && filter.kind.is_none_or(|kind| alert.kind == kind)
        };
        let rows = self.alerts.values().rev().filter(shown);
        Ok(page(rows, &request, |alert, after| alert.id < *after, |alert| alert.id))
    }

    async fn tallies(&mut self) -> Result<Vec<AlertTally>, Error> {
        let mut tallies = BTreeMap::new();
        for alert in self.alerts.values().filter(|alert| alert.state != AlertState::Resolved) {
            *tallies.entry((alert.state, alert.severity)).or_default() += 1;
        }
        let tally = |((state, severity), alerts)| AlertTally { state, severity, alerts };
        Ok(tallies.into_iter().map(tally).collect())
    }
}

#[async_trait]
impl Alerts for Tables {
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error> {
        if let Some(unresolved) = self.unresolved(found.kind, &found.subject).await? {
            row(&mut self.alerts, &unresolved.id, "alert")?.again(found);
            return Ok(Raised::Again(unresolved.id));
        }
        if self.alerts.contains_key(&found.id) {
            return Err(Error::new(ErrorKind::Taken, "alert's id"));
        }
        Arc::make_mut(&mut self.alerts).insert(found.id, Alert::first(found));
        Ok(Raised::First(found.id))
    }

    async fn acknowledge(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        let alert = row(&mut self.alerts, &id, "alert")?;
        let open = alert.state == AlertState::Open;
        if open {
            alert.state = AlertState::Acknowledged;
            alert.acknowledged = Some(at);
            alert.acknowledged_by = Some(by);
        }
        Ok(open)
    }

    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<bool, Error> {
        let Some(unresolved) = self.unresolved(kind, subject).await? else { return Ok(false) };
        end(row(&mut self.alerts, &unresolved.id, "alert")?, None, at);
        Ok(true)
    }

    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        let alert = row(&mut self.alerts, &id, "alert")?;
        let lasts = alert.state != AlertState::Resolved;
        if lasts {
            end(alert, Some(by), at);
        }
        Ok(lasts)
    }

    async fn purge(&mut self, time: Timestamp, limit: usize) -> Result<u64, Error> {
        let over = |alert: &&Alert| alert.resolved.is_some_and(|resolved| resolved < time);
        let mut over: Vec<_> =
            self.alerts.values().filter(over).map(|alert| (alert.resolved, alert.id)).collect();
        over.sort_unstable();
        over.truncate(limit);
        let alerts = Arc::make_mut(&mut self.alerts);
        over.iter().for_each(|(_, id)| drop(alerts.remove(id)));
        Ok(over.len() as u64)
    }
}

fn end(alert: &mut Alert, by: Option<UserId>, at: Timestamp) {
    alert.state = AlertState::Resolved;
    alert.resolved = Some(at);
    alert.resolved_by = by;
}
