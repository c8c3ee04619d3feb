use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, Timestamp, UserId,
    vocabulary::{AlertKind, AlertState, Severity},
};

use super::{
    Connection, Sql,
    record::{columns, select, update},
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    alerts::{Alert, AlertFilter, AlertQueries, AlertSubject, AlertTally, Alerts, NewAlert, Raised},
};

/// Counters of what is not resolved: `alerts/open/critical`.
const STANDING: &str = "alerts/";

columns! { AlertSubject { kind, id } }

columns! {
    Alert of alerts, "alert" {
        id, kind, severity, state, subject: "subject_", subject_name, summary, detail, count, first_seen,
        last_seen, acknowledged, acknowledged_by, resolved, resolved_by,
    }
}

/// Newest first, of one kind.
macro_rules! list {
    ($of:literal) => {
        select!(Alert: "WHERE ", $of, "id < $1 ORDER BY id DESC LIMIT $2")
    };
}

#[async_trait]
impl<C: Connection> AlertQueries for Sql<C> {
    async fn find(&mut self, id: AlertId) -> Result<Option<Alert>, Error> {
        self.row(select!(Alert: "WHERE id = $1"), values![id]).await
    }

    async fn unresolved(&mut self, kind: AlertKind, subject: &AlertSubject) -> Result<Option<Alert>, Error> {
        let sql =
            select!(Alert: "WHERE kind = $1 AND subject_kind = $2 AND subject_id = $3 AND resolved IS NULL");
        self.row(sql, values![kind, subject.kind, subject.id]).await
    }

    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error> {
        let after = request.after.unwrap_or(AlertId::from_bytes([u8::MAX; 16]));
        let limit = request.limit + 1;
        // The kind decides the severity, so an index over both would find nothing that one over the kind does not.
        let (sql, values) = match (filter.state, filter.kind, filter.severity) {
            (None, None, None) => (list!(""), values![after, limit]),
            (Some(state), None, None) => (list!("state = $3 AND "), values![after, limit, state]),
            (None, Some(kind), None) => (list!("kind = $3 AND "), values![after, limit, kind]),
            (None, None, Some(severity)) => (list!("severity = $3 AND "), values![after, limit, severity]),
            (Some(state), Some(kind), None) => {
                (list!("state = $3 AND kind = $4 AND "), values![after, limit, state, kind])
            }
            (Some(state), None, Some(severity)) => {
                (list!("state = $3 AND severity = $4 AND "), values![after, limit, state, severity])
            }
            (None, Some(kind), Some(severity)) => {
                (list!("kind = $3 AND severity = $4 AND "), values![after, limit, kind, severity])
            }
            (Some(state), Some(kind), Some(severity)) => (
                list!("state = $3 AND kind = $4 AND severity = $5 AND "),
                values![after, limit, state, kind, severity],
            ),
        };
        let alerts = self.rows(sql, values).await?;
        Ok(Page::from_overfull(alerts, request.limit, |alert| alert.id))
    }

    async fn tallies(&mut self) -> Result<Vec<AlertTally>, Error> {
        let mut tallies = Vec::new();
        for (name, alerts) in self.counters(STANDING).await? {
            let words = name
                .split_once('/')
                .and_then(|(state, severity)| Some((state.parse().ok()?, severity.parse().ok()?)));
            let (state, severity) = words.ok_or(Error::new(ErrorKind::Corrupt, "counter of alerts"))?;
            tallies.push(AlertTally { state, severity, alerts });
        }
        tallies.sort_unstable();
        Ok(tallies)
    }
}

#[async_trait]
impl<C: Connection> Alerts for Sql<C> {
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error> {
        if let Some(before) = self.unresolved(found.kind, &found.subject).await? {
            let mut alert = before.clone();
            alert.again(found);
            self.count_alert(&before, -1).await?;
            self.count_alert(&alert, 1).await?;
            self.write_again(&alert).await?;
            return Ok(Raised::Again(alert.id));
        }
        let alert = Alert::first(found);
        if !self.insert(&alert).await? {
            return Err(Error::new(ErrorKind::Taken, "alert's id"));
        }
        self.count_alert(&alert, 1).await?;
        Ok(Raised::First(alert.id))
    }

    async fn acknowledge(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        let before = self.existing_alert(id).await?;
        let sql = "UPDATE alerts SET state = 'acknowledged', acknowledged = $2, acknowledged_by = $3 \
                   WHERE id = $1 AND state = 'open'";
        let open = self.change(sql, values![id, at, by]).await?;
        if open {
            self.count_alert(&before, -1).await?;
            self.count_standing(AlertState::Acknowledged, before.severity, id, 1).await?;
        }
        Ok(open)
    }

    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<bool, Error> {
        match self.unresolved(kind, subject).await? {
            Some(alert) => self.end_alert(&alert, None, at).await,
            None => Ok(false),
        }
    }

    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        let alert = self.existing_alert(id).await?;
        self.end_alert(&alert, Some(by), at).await
    }

    async fn purge(&mut self, time: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM alerts WHERE id IN \
                   (SELECT id FROM alerts WHERE resolved < $1 ORDER BY resolved, id LIMIT $2)";
        self.execute(sql, values![time, limit]).await
    }
}

impl<C: Connection> Sql<C> {
    async fn existing_alert(&mut self, id: AlertId) -> Result<Alert, Error> {
        AlertQueries::find(self, id).await?.ok_or(Error::new(ErrorKind::NotFound, "alert"))
    }

    async fn write_again(&mut self, alert: &Alert) -> Result<(), Error> {
        let (sql, values) = update!(alerts {
            severity: alert.severity,
            state: alert.state,
            subject_name: alert.subject_name,
            summary: alert.summary,
            detail: alert.detail,
            count: alert.count,
            last_seen: alert.last_seen,
            acknowledged: alert.acknowledged,
            acknowledged_by: alert.acknowledged_by,
        } where "id = $1", [alert.id]);
        self.execute(sql, values).await?;
        Ok(())
    }

    async fn end_alert(&mut self, alert: &Alert, by: Option<UserId>, at: Timestamp) -> Result<bool, Error> {
        let sql = "UPDATE alerts SET state = 'resolved', resolved = $2, resolved_by = $3 \
                   WHERE id = $1 AND resolved IS NULL";
        let lasted = self.change(sql, values![alert.id, at, by]).await?;
        if lasted {
            self.count_alert(alert, -1).await?;
        }
        Ok(lasted)
    }

    async fn count_alert(&mut self, alert: &Alert, difference: i64) -> Result<(), Error> {
        self.count_standing(alert.state, alert.severity, alert.id, difference).await
    }

    async fn count_standing(
        &mut self,
        state: AlertState,
        severity: Severity,
        id: AlertId,
        difference: i64,
    ) -> Result<(), Error> {
        self.count(&format!("{STANDING}{state}/{severity}"), id.as_bytes()[15], difference).await
    }
}
