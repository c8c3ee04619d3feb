use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, HostId, Timestamp, UserId,
    vocabulary::{AlertKind, AlertState},
};
use std::{collections::BTreeMap, sync::Arc};

use super::tables::{Tables, page, row};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    alerts::{
        Acknowledgement, Alert, AlertFilter, AlertPlace, AlertQueries, AlertSubject, AlertTally, Alerts,
        NewAlert, Passed, Raised,
    },
};

#[async_trait]
impl AlertQueries for Tables {
    async fn find(&mut self, id: AlertId) -> Result<Option<Alert>, Error> {
        Ok(self.alerts.get(&id).cloned())
    }

    async fn unresolved(&mut self, kind: AlertKind, subject: &AlertSubject) -> Result<Option<Alert>, Error> {
        Ok(self.lasting_alerts(|alert| alert.kind == kind && alert.subject == *subject, 1).pop())
    }

    async fn lasting(&mut self, subject: &AlertSubject, limit: usize) -> Result<Vec<Alert>, Error> {
        Ok(self.lasting_alerts(|alert| alert.subject == *subject, limit))
    }

    async fn lasting_on(&mut self, host: HostId, limit: usize) -> Result<Vec<Alert>, Error> {
        Ok(self.lasting_alerts(|alert| alert.host == Some(host), limit))
    }

    async fn dismissed(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
    ) -> Result<Option<Timestamp>, Error> {
        let by_hand =
            |alert: &&Alert| alert.kind == kind && alert.subject == *subject && alert.resolved_by.is_some();
        Ok(self.alerts.values().filter(by_hand).filter_map(|alert| alert.resolved).max())
    }

    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error> {
        let is_there = |alert: &Alert| match filter.place {
            AlertPlace::Top => alert.cause.is_none(),
            AlertPlace::Below(cause) => alert.cause == Some(cause),
            AlertPlace::Anywhere => true,
        };
        let shown = |alert: &&Alert| match filter.place {
            AlertPlace::Below(_) => is_there(alert),
            _ => {
                is_there(alert)
                    && filter.state.is_none_or(|state| alert.state == state)
                    && filter.severity.is_none_or(|severity| alert.severity == severity)
                    && filter.kind.is_none_or(|kind| alert.kind == kind)
            }
        };
        let rows = self.alerts.values().rev().filter(shown);
        Ok(page(rows, &request, |alert, after| alert.id < *after, |alert| alert.id))
    }

    async fn opened_from(&mut self, kind: AlertKind, from: AlertId, limit: usize) -> Result<usize, Error> {
        let is_one = |alert: &&Alert| {
            alert.cause.is_none() && alert.state == AlertState::Open && alert.kind == kind && alert.id >= from
        };
        Ok(self.alerts.values().filter(is_one).take(limit).count())
    }

    async fn below(&mut self, cause: AlertId, limit: usize) -> Result<Vec<AlertId>, Error> {
        let below = self.lasting_alerts(|alert| alert.cause == Some(cause), limit);
        Ok(below.into_iter().map(|alert| alert.id).collect())
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Alert>, Error> {
        let is_due = |alert: &&Alert| alert.due.is_some_and(|due| due <= now);
        let mut due: Vec<_> = self.alerts.values().filter(is_due).cloned().collect();
        due.sort_by_key(|alert| (alert.due, alert.id));
        due.truncate(limit);
        Ok(due)
    }

    async fn tallies(&mut self) -> Result<Vec<AlertTally>, Error> {
        let mut tallies = BTreeMap::new();
        for alert in self.alerts.values().filter(|alert| alert.is_counted()) {
            *tallies.entry((alert.state, alert.severity)).or_default() += 1;
        }
        let tally = |((state, severity), alerts)| AlertTally { state, severity, alerts };
        Ok(tallies.into_iter().map(tally).collect())
    }
}

#[async_trait]
impl Alerts for Tables {
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error> {
        if let Some(before) = self.unresolved(found.kind, &found.subject).await? {
            row(&mut self.alerts, &before.id, "alert")?.again(found);
            let is_worse = found.severity > before.severity;
            return Ok(if is_worse { Raised::Worse(before.id) } else { Raised::Again(before.id) });
        }
        let same = |alert: &&Alert| alert.kind == found.kind && alert.subject == found.subject;
        let newest = self.alerts.values().filter(same).max_by_key(|alert| (alert.resolved, alert.id));
        if let Some(id) = newest.filter(|newest| newest.reopens(found)).map(|newest| newest.id) {
            row(&mut self.alerts, &id, "alert")?.reopen(found);
            return Ok(Raised::Reopened(id));
        }
        if self.alerts.contains_key(&found.id) {
            return Err(Error::new(ErrorKind::Taken, "alert's id"));
        }
        Arc::make_mut(&mut self.alerts).insert(found.id, Alert::first(found));
        Ok(Raised::First(found.id))
    }

    async fn acknowledge(&mut self, id: AlertId, how: &Acknowledgement) -> Result<bool, Error> {
        Ok(row(&mut self.alerts, &id, "alert")?.acknowledge(how))
    }

    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<Option<AlertId>, Error> {
        let Some(Alert { id, .. }) = self.unresolved(kind, subject).await? else { return Ok(None) };
        row(&mut self.alerts, &id, "alert")?.calm(at);
        self.note_below(id)?;
        Ok(self.alerts.get(&id).filter(|alert| alert.resolved.is_some()).map(|alert| alert.id))
    }

    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        let is_news = row(&mut self.alerts, &id, "alert")?.end(Some(by), at);
        if is_news {
            self.note_below(id)?;
        }
        Ok(is_news)
    }

    async fn close(&mut self, id: AlertId, at: Timestamp) -> Result<bool, Error> {
        let is_news = row(&mut self.alerts, &id, "alert")?.end(None, at);
        if is_news {
            self.note_below(id)?;
        }
        Ok(is_news)
    }

    async fn advance(&mut self, id: AlertId, now: Timestamp) -> Result<Option<Passed>, Error> {
        let step = row(&mut self.alerts, &id, "alert")?.advance(now);
        if step == Some(Passed::Settled) {
            self.note_below(id)?;
        }
        Ok(step)
    }

    async fn set_cause(&mut self, id: AlertId, cause: Option<AlertId>, at: Timestamp) -> Result<(), Error> {
        row(&mut self.alerts, &id, "alert")?.stand_below(cause, at);
        Ok(())
    }

    async fn settle_up(&mut self, id: AlertId) -> Result<(), Error> {
        let over = Arc::make_mut(&mut self.alerts).get_mut(&id).filter(|alert| alert.resolved.is_some());
        over.into_iter().for_each(|alert| alert.due = None);
        Ok(())
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

impl Tables {
    fn lasting_alerts(&self, is_wanted: impl Fn(&Alert) -> bool, limit: usize) -> Vec<Alert> {
        let lasting = self.alerts.values().filter(|alert| alert.resolved.is_none() && is_wanted(alert));
        lasting.take(limit).cloned().collect()
    }

    /// What is over is still due while others have it as their cause.
    fn note_below(&mut self, id: AlertId) -> Result<(), Error> {
        let is_cause = !self.lasting_alerts(|alert| alert.cause == Some(id), 1).is_empty();
        let alert = row(&mut self.alerts, &id, "alert")?;
        if is_cause && alert.resolved.is_some() {
            alert.due = alert.resolved;
        }
        Ok(())
    }
}
