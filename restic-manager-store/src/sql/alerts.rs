use async_trait::async_trait;
use restic_manager_proto::{AlertId, HostId, Timestamp, UserId, vocabulary::AlertKind};

use super::{
    Connection, Sql, Value,
    record::{Select, columns, select},
    value::values,
};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    alerts::{
        Acknowledgement, Alert, AlertFilter, AlertPlace, AlertQueries, AlertSubject, AlertTally, Alerts,
        NewAlert, Passed, Raised,
    },
};

/// Counters of what needs somebody: `alerts/open/critical`.
const STANDING: &str = "alerts/";

columns! { AlertSubject { kind, id } }

columns! {
    Alert of alerts, "alert", key "id" {
        id, kind, severity, state, subject: "subject_", subject_name, host, repository, job, cause, summary, evidence,
        detail, count, first_seen, last_seen, acknowledged, acknowledged_by, acknowledged_until, reason, settles,
        reopened, resolved, resolved_by, history, remind, due,
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

    async fn lasting(&mut self, subject: &AlertSubject, limit: usize) -> Result<Vec<Alert>, Error> {
        let sql = select!(Alert: "WHERE subject_kind = $1 AND subject_id = $2 AND resolved IS NULL ORDER BY id LIMIT $3");
        self.rows(sql, values![subject.kind, subject.id, limit]).await
    }

    async fn lasting_on(&mut self, host: HostId, limit: usize) -> Result<Vec<Alert>, Error> {
        let sql = select!(Alert: "WHERE host = $1 AND resolved IS NULL ORDER BY id LIMIT $2");
        self.rows(sql, values![host, limit]).await
    }

    async fn dismissed(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
    ) -> Result<Option<Timestamp>, Error> {
        let sql = "SELECT resolved FROM alerts WHERE kind = $1 AND subject_kind = $2 AND subject_id = $3 \
                   AND resolved IS NOT NULL AND resolved_by IS NOT NULL ORDER BY resolved DESC LIMIT 1";
        self.only(sql, values![kind, subject.kind, subject.id], "alert").await
    }

    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error> {
        let after = request.after.unwrap_or(AlertId::from_bytes([u8::MAX; 16]));
        let limit = request.limit + 1;
        let (sql, values) = match filter.place {
            AlertPlace::Below(cause) => (list!("cause = $3 AND "), values![after, limit, cause]),
            AlertPlace::Anywhere => (
                list!(
                    "($3 IS NULL OR state = $3) AND ($4 IS NULL OR kind = $4) AND ($5 IS NULL OR severity = $5) AND "
                ),
                values![after, limit, filter.state, filter.kind, filter.severity],
            ),
            AlertPlace::Top => at_the_top(filter, after, limit),
        };
        let alerts = self.rows(sql, values).await?;
        Ok(Page::from_overfull(alerts, request.limit, |alert| alert.id))
    }

    async fn opened_from(&mut self, kind: AlertKind, from: AlertId, limit: usize) -> Result<usize, Error> {
        let sql = "SELECT COUNT(*) FROM (SELECT id FROM alerts \
                   WHERE cause IS NULL AND state = 'open' AND kind = $1 AND id >= $2 LIMIT $3) AS opened";
        let counted = self.column::<u64>(sql, values![kind, from, limit], "alert").await?.pop();
        Ok(counted.and_then(|alerts| alerts.try_into().ok()).unwrap_or_default())
    }

    async fn below(&mut self, cause: AlertId, limit: usize) -> Result<Vec<AlertId>, Error> {
        let sql = "SELECT id FROM alerts WHERE cause = $1 AND resolved IS NULL ORDER BY id LIMIT $2";
        self.column(sql, values![cause, limit], "alert").await
    }

    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Alert>, Error> {
        self.rows(select!(Alert: "WHERE due <= $1 ORDER BY due, id LIMIT $2"), values![now, limit]).await
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

/// The list of alerts without a cause, by an index of its own for each question.
fn at_the_top(filter: AlertFilter, after: AlertId, limit: usize) -> (Select<Alert>, Vec<Value>) {
    // The kind decides the severity, so an index over both would find nothing that one over the kind does not.
    match (filter.state, filter.kind, filter.severity) {
        (None, None, None) => (list!("cause IS NULL AND "), values![after, limit]),
        (Some(state), None, None) => {
            (list!("cause IS NULL AND state = $3 AND "), values![after, limit, state])
        }
        (None, Some(kind), None) => (list!("cause IS NULL AND kind = $3 AND "), values![after, limit, kind]),
        (None, None, Some(severity)) => {
            (list!("cause IS NULL AND severity = $3 AND "), values![after, limit, severity])
        }
        (Some(state), Some(kind), None) => {
            (list!("cause IS NULL AND state = $3 AND kind = $4 AND "), values![after, limit, state, kind])
        }
        (Some(state), None, Some(severity)) => (
            list!("cause IS NULL AND state = $3 AND severity = $4 AND "),
            values![after, limit, state, severity],
        ),
        (None, Some(kind), Some(severity)) => (
            list!("cause IS NULL AND kind = $3 AND severity = $4 AND "),
            values![after, limit, kind, severity],
        ),
        (Some(state), Some(kind), Some(severity)) => (
            list!("cause IS NULL AND state = $3 AND kind = $4 AND severity = $5 AND "),
            values![after, limit, state, kind, severity],
        ),
    }
}

#[async_trait]
impl<C: Connection> Alerts for Sql<C> {
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error> {
        if let Some(before) = self.unresolved(found.kind, &found.subject).await? {
            let mut alert = before.clone();
            alert.again(found);
            self.put_alert(&before, &alert).await?;
            let is_worse = alert.severity > before.severity;
            return Ok(if is_worse { Raised::Worse(alert.id) } else { Raised::Again(alert.id) });
        }
        if let Some(before) = self.newest_over(found).await?.filter(|before| before.reopens(found)) {
            let mut alert = before.clone();
            alert.reopen(found);
            self.put_alert(&before, &alert).await?;
            return Ok(Raised::Reopened(alert.id));
        }
        let alert = Alert::first(found);
        if !self.insert(&alert).await? {
            return Err(Error::new(ErrorKind::Taken, "alert's id"));
        }
        self.count_alert(&alert, 1).await?;
        Ok(Raised::First(alert.id))
    }

    async fn acknowledge(&mut self, id: AlertId, how: &Acknowledgement) -> Result<bool, Error> {
        self.alter(id, |alert| alert.acknowledge(how)).await
    }

    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<Option<AlertId>, Error> {
        let Some(before) = self.unresolved(kind, subject).await? else { return Ok(None) };
        let is_over = self
            .alter(before.id, |alert| {
                alert.calm(at);
                alert.resolved.is_some()
            })
            .await?;
        Ok(is_over.then_some(before.id))
    }

    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error> {
        self.alter(id, |alert| alert.end(Some(by), at)).await
    }

    async fn close(&mut self, id: AlertId, at: Timestamp) -> Result<bool, Error> {
        self.alter(id, |alert| alert.end(None, at)).await
    }

    async fn advance(&mut self, id: AlertId, now: Timestamp) -> Result<Option<Passed>, Error> {
        self.alter(id, |alert| alert.advance(now)).await
    }

    async fn set_cause(&mut self, id: AlertId, cause: Option<AlertId>, at: Timestamp) -> Result<(), Error> {
        self.alter(id, |alert| alert.stand_below(cause, at)).await
    }

    async fn settle_up(&mut self, id: AlertId) -> Result<(), Error> {
        self.execute("UPDATE alerts SET due = NULL WHERE id = $1 AND resolved IS NOT NULL", values![id])
            .await?;
        Ok(())
    }

    async fn purge(&mut self, time: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM alerts WHERE id IN \
                   (SELECT id FROM alerts WHERE resolved < $1 ORDER BY resolved, id LIMIT $2)";
        self.execute(sql, values![time, limit]).await
    }
}

impl<C: Connection> Sql<C> {
    /// The alert of this kind and subject that was over last.
    async fn newest_over(&mut self, found: &NewAlert) -> Result<Option<Alert>, Error> {
        let sql = select!(Alert: "WHERE kind = $1 AND subject_kind = $2 AND subject_id = $3 AND resolved IS NOT NULL \
                   ORDER BY resolved DESC, id DESC LIMIT 1");
        self.row(sql, values![found.kind, found.subject.kind, found.subject.id]).await
    }

    /// Changes an alert, and whatever follows from where it stands.
    async fn alter<T: Send>(
        &mut self,
        id: AlertId,
        change: impl FnOnce(&mut Alert) -> T + Send,
    ) -> Result<T, Error> {
        let found = AlertQueries::find(self, id).await?;
        let before = found.ok_or(Error::new(ErrorKind::NotFound, "alert"))?;
        let mut alert = before.clone();
        let answer = change(&mut alert);
        self.put_alert(&before, &alert).await?;
        Ok(answer)
    }

    async fn put_alert(&mut self, before: &Alert, after: &Alert) -> Result<(), Error> {
        if before == after {
            return Ok(());
        }
        self.count_alert(before, -1).await?;
        self.count_alert(after, 1).await?;
        let mut after = after.clone();
        if before.resolved.is_none() && after.resolved.is_some() && !self.below(after.id, 1).await?.is_empty()
        {
            after.due = after.resolved;
        }
        self.upsert(&after).await
    }

    async fn count_alert(&mut self, alert: &Alert, difference: i64) -> Result<(), Error> {
        if !alert.is_counted() {
            return Ok(());
        }
        let name = format!("{STANDING}{}/{}", alert.state, alert.severity);
        self.count(&name, alert.id.as_bytes()[15], difference).await
    }
}
