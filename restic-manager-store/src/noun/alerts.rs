//! What needs somebody. A rule that finds the same thing again counts it on the alert that lasts.

use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, Timestamp, UserId,
    vocabulary::{AlertKind, AlertState, Severity},
};

use crate::{Error, Page, PageRequest};

/// What an alert concerns. Together with the kind of alert it names at most one that is not resolved.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertSubject {
    /// The noun, such as `host`.
    pub kind: String,
    /// Its id, as text; empty for the server itself.
    pub id: String,
}

impl AlertSubject {
    /// A thing of a kind.
    #[must_use]
    pub fn new(kind: impl Into<String>, id: impl ToString) -> Self {
        Self { kind: kind.into(), id: id.to_string() }
    }

    /// The server itself.
    #[must_use]
    pub fn server() -> Self {
        Self { kind: "server".to_owned(), id: String::new() }
    }
}

/// What a rule found. It must hold no secret.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAlert {
    /// The alert's id, if this is the first time.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// What it concerns.
    pub subject: AlertSubject,
    /// The subject's name at that time.
    pub subject_name: String,
    /// One sentence: what was found.
    pub summary: String,
    /// What else is worth knowing; an object, or null.
    pub detail: serde_json::Value,
    /// When it was found.
    pub moment: Timestamp,
}

/// An alert as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Which.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// What it concerns.
    pub subject: AlertSubject,
    /// The subject's name when it was last found.
    pub subject_name: String,
    /// One sentence: what was found last.
    pub summary: String,
    /// What else is worth knowing; an object, or null.
    pub detail: serde_json::Value,
    /// How often it was found.
    pub count: u64,
    /// When it was first found.
    pub first_seen: Timestamp,
    /// When it was last found.
    pub last_seen: Timestamp,
    /// When somebody took it on.
    pub acknowledged: Option<Timestamp>,
    /// Who took it on.
    pub acknowledged_by: Option<UserId>,
    /// When it was over.
    pub resolved: Option<Timestamp>,
    /// Who declared it over; `None` for the rule that found it.
    pub resolved_by: Option<UserId>,
}

impl Alert {
    /// The alert of what was found for the first time.
    pub(crate) fn first(found: &NewAlert) -> Self {
        Self {
            id: found.id,
            kind: found.kind,
            severity: found.severity,
            state: AlertState::Open,
            subject: found.subject.clone(),
            subject_name: found.subject_name.clone(),
            summary: found.summary.clone(),
            detail: found.detail.clone(),
            count: 1,
            first_seen: found.moment,
            last_seen: found.moment,
            acknowledged: None,
            acknowledged_by: None,
            resolved: None,
            resolved_by: None,
        }
    }

    /// Counts the same once more; the newest words stay. What has become worse is open again, whoever took on the
    /// lesser matter.
    pub(crate) fn again(&mut self, found: &NewAlert) {
        if found.severity > self.severity && self.state == AlertState::Acknowledged {
            self.state = AlertState::Open;
            self.acknowledged = None;
            self.acknowledged_by = None;
        }
        self.severity = found.severity;
        self.subject_name.clone_from(&found.subject_name);
        self.summary.clone_from(&found.summary);
        self.detail = found.detail.clone();
        self.count = self.count.saturating_add(1);
        self.last_seen = self.last_seen.max(found.moment);
    }
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a finding is new, or it is not")]
pub enum Raised {
    /// It made this alert.
    First(AlertId),
    /// It counted on this one, which lasts.
    Again(AlertId),
}

/// Which alerts a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// Only those in this state.
    pub state: Option<AlertState>,
    /// Only those of this severity.
    pub severity: Option<Severity>,
    /// Only those of this kind.
    pub kind: Option<AlertKind>,
}

/// How many alerts that are not resolved stand so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AlertTally {
    /// Where they stand: open or acknowledged.
    pub state: AlertState,
    /// How much they matter.
    pub severity: Severity,
    /// How many.
    pub alerts: u64,
}

/// Queries about alerts.
#[async_trait]
pub trait AlertQueries: Send {
    /// One alert.
    async fn find(&mut self, id: AlertId) -> Result<Option<Alert>, Error>;
    /// The alert of a kind about a subject that is not resolved.
    async fn unresolved(&mut self, kind: AlertKind, subject: &AlertSubject) -> Result<Option<Alert>, Error>;
    /// Alerts, newest first, by id.
    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error>;
    /// How many are not resolved, by state and severity; sorted, without empty ones. It counts no rows.
    async fn tallies(&mut self) -> Result<Vec<AlertTally>, Error>;
}

/// Changes to alerts.
#[async_trait]
pub trait Alerts: AlertQueries {
    /// Notes what a rule found: makes an alert, or counts on the one of this kind and subject that lasts.
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error>;
    /// Takes on an alert. `false` when it is not open, `NotFound` when there is none.
    async fn acknowledge(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error>;
    /// The rule no longer finds it: resolves the alert of this kind and subject that lasts. `false` when none does.
    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<bool, Error>;
    /// Somebody declares it over. `false` when it is already, `NotFound` when there is none.
    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error>;
    /// Forgets what was resolved before `time`, the oldest first, `limit` at most; says how many that were.
    async fn purge(&mut self, time: Timestamp, limit: usize) -> Result<u64, Error>;
}
