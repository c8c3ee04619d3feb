//! What needs somebody. A rule that finds the same thing again counts it on the alert that lasts.

use core::time::Duration;

use async_trait::async_trait;
use restic_manager_proto::{
    AlertId, HostId, JobId, RepositoryId, Timestamp, UserId,
    vocabulary::{AlertKind, AlertState, AlertStep, Severity},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Page, PageRequest};

/// What is found again so soon after a rule ended it is the same matter: its alert is open again.
pub const REOPENED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// An alert that was open again so often comes and goes, and is over only once it was not found for [`SETTLING`].
pub const RESTLESS: u32 = 2;
/// For so long what comes and goes must not be found until it is over.
pub const SETTLING: Duration = Duration::from_secs(60 * 60);
/// Who is to be told of an open alert that nobody takes on is reminded so often.
pub const REMINDED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// So many steps are kept from the beginning of an alert's history, and so many of the newest.
pub const KEPT_STEPS: (usize, usize) = (10, 30);

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
    /// The host that it is about, or where it was found.
    pub host: Option<HostId>,
    /// The repository that it is about, or where it was found.
    pub repository: Option<RepositoryId>,
    /// The job that showed it.
    pub job: Option<JobId>,
    /// The alert that is its cause, and lasts.
    pub cause: Option<AlertId>,
    /// One sentence: what was found.
    pub summary: String,
    /// The line that proves it; empty for none.
    pub evidence: String,
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
    /// The host that it is about, or where it was found.
    pub host: Option<HostId>,
    /// The repository that it is about, or where it was found.
    pub repository: Option<RepositoryId>,
    /// The job that showed it last.
    pub job: Option<JobId>,
    /// The alert that is its cause. It is told and counted with that one.
    pub cause: Option<AlertId>,
    /// One sentence: what was found last.
    pub summary: String,
    /// The line that proves it; empty for none.
    pub evidence: String,
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
    /// When it is open again although somebody took it on.
    pub acknowledged_until: Option<Timestamp>,
    /// Why somebody took it on.
    pub reason: String,
    /// It is found no more, and over at this time unless it is found again.
    pub settles: Option<Timestamp>,
    /// How often it was open again soon after a rule had ended it.
    pub reopened: u32,
    /// When it was over.
    pub resolved: Option<Timestamp>,
    /// Who declared it over; `None` for the rule that found it.
    pub resolved_by: Option<UserId>,
    /// What became of it, the oldest first, within [`KEPT_STEPS`].
    pub history: Vec<AlertEvent>,
    /// When it is open for another [`REMINDED_EVERY`] without anybody who took it on; counts while it has no cause and
    /// is still found.
    pub remind: Option<Timestamp>,
    /// When something is to be done about it although nothing is found: it lapses, settles or is told again, or it is over
    /// and alerts that have it as their cause are left.
    pub due: Option<Timestamp>,
}

/// What time alone brought to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: what time can bring")]
pub enum Passed {
    /// What came and went was not found again: it is over.
    Settled,
    /// The time is over for which somebody had taken it on: it is open again.
    Lapsed,
    /// It has been open for another day, and nobody took it on.
    Unheeded,
}

/// A step in the life of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: AlertStep,
    /// Who did it; `None` for a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// What was found, or the reason given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// How somebody takes on an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// When it is open again if it lasts.
    pub until: Option<Timestamp>,
}

impl Alert {
    /// The alert of what was found for the first time.
    pub(crate) fn first(found: &NewAlert) -> Self {
        let mut alert = Self {
            id: found.id,
            kind: found.kind,
            severity: found.severity,
            state: AlertState::Open,
            subject: found.subject.clone(),
            subject_name: String::new(),
            host: None,
            repository: None,
            job: None,
            cause: found.cause,
            summary: String::new(),
            evidence: String::new(),
            detail: serde_json::Value::Null,
            count: 0,
            first_seen: found.moment,
            last_seen: found.moment,
            acknowledged: None,
            acknowledged_by: None,
            acknowledged_until: None,
            reason: String::new(),
            settles: None,
            reopened: 0,
            resolved: None,
            resolved_by: None,
            history: Vec::new(),
            remind: Some(found.moment.after(REMINDED_EVERY)),
            due: None,
        };
        alert.note(found.moment, AlertStep::Raised, None, &found.summary);
        alert.count_in(found);
        alert
    }

    /// Counts the same once more; the newest words stay. What has become worse is open again, whoever took on the
    /// lesser matter.
    pub(crate) fn again(&mut self, found: &NewAlert) {
        if found.severity > self.severity {
            self.note(found.moment, AlertStep::Worsened, None, &found.summary);
            self.open(found.moment);
        }
        self.cause = self.cause.or(found.cause);
        self.count_in(found);
    }

    /// Whether what was found is this alert anew, which a rule ended a moment ago.
    pub(crate) fn reopens(&self, found: &NewAlert) -> bool {
        self.resolved_by.is_none()
            && self.resolved.is_some_and(|over| found.moment <= over.after(REOPENED_WITHIN))
    }

    /// What was over a moment ago is found again.
    pub(crate) fn reopen(&mut self, found: &NewAlert) {
        (self.resolved, self.resolved_by, self.cause) = (None, None, found.cause);
        self.reopened = self.reopened.saturating_add(1);
        self.open(found.moment);
        self.note(found.moment, AlertStep::Reopened, None, &found.summary);
        self.count_in(found);
    }

    /// Somebody takes it on; says whether that is news.
    pub(crate) fn acknowledge(&mut self, how: &Acknowledgement) -> bool {
        if self.state != AlertState::Open {
            return false;
        }
        self.state = AlertState::Acknowledged;
        (self.acknowledged, self.acknowledged_by) = (Some(how.at), Some(how.by));
        (self.acknowledged_until, self.remind) = (how.until, None);
        self.reason.clone_from(&how.reason);
        self.note(how.at, AlertStep::Acknowledged, Some(how.by), &how.reason);
        self.plan();
        true
    }

    /// The rule finds it no more: it is over, or what comes and goes begins to settle.
    pub(crate) fn calm(&mut self, at: Timestamp) {
        if self.resolved.is_none() && self.reopened >= RESTLESS {
            self.settles = self.settles.or(Some(at.after(SETTLING)));
            self.plan();
        } else {
            self.end(None, at);
        }
    }

    /// It is over, by somebody's word or by the rule that found it; says whether that is news.
    pub(crate) fn end(&mut self, by: Option<UserId>, at: Timestamp) -> bool {
        if self.resolved.is_some() {
            return false;
        }
        self.state = AlertState::Resolved;
        (self.resolved, self.resolved_by, self.settles, self.remind) = (Some(at), by, None, None);
        self.note(at, AlertStep::Resolved, by, "");
        self.plan();
        true
    }

    /// What time alone brings; says what that was.
    pub(crate) fn advance(&mut self, now: Timestamp) -> Option<Passed> {
        if self.resolved.is_some() {
            return None;
        }
        if self.settles.is_some_and(|settles| settles <= now) {
            self.end(None, now);
            return Some(Passed::Settled);
        }
        if self.state == AlertState::Acknowledged && self.acknowledged_until.is_some_and(|until| until <= now)
        {
            self.open(now);
            self.note(now, AlertStep::Lapsed, None, "");
            self.plan();
            return Some(Passed::Lapsed);
        }
        if self.reminds().is_some_and(|remind| remind <= now) {
            self.remind = Some(now.after(REMINDED_EVERY));
            self.plan();
            return Some(Passed::Unheeded);
        }
        None
    }

    /// It stands below its cause, or by itself, from a moment on.
    pub(crate) fn stand_below(&mut self, cause: Option<AlertId>, at: Timestamp) {
        self.cause = cause;
        self.remind = (self.state == AlertState::Open).then(|| at.after(REMINDED_EVERY));
        // One that is over may still be due for those below it.
        if self.resolved.is_none() {
            self.plan();
        }
    }

    /// Whether it counts among what needs somebody.
    pub(crate) const fn is_counted(&self) -> bool {
        self.resolved.is_none() && self.cause.is_none()
    }

    fn open(&mut self, at: Timestamp) {
        self.state = AlertState::Open;
        self.remind = Some(at.after(REMINDED_EVERY));
        (self.acknowledged, self.acknowledged_by, self.acknowledged_until) = (None, None, None);
        self.reason.clear();
    }

    fn count_in(&mut self, found: &NewAlert) {
        self.severity = found.severity;
        self.subject_name.clone_from(&found.subject_name);
        (self.host, self.repository, self.job) = (found.host, found.repository, found.job.or(self.job));
        self.summary.clone_from(&found.summary);
        self.evidence.clone_from(&found.evidence);
        self.detail = found.detail.clone();
        self.count = self.count.saturating_add(1);
        self.last_seen = self.last_seen.max(found.moment);
        self.settles = None;
        self.plan();
    }

    fn note(&mut self, at: Timestamp, step: AlertStep, by: Option<UserId>, text: &str) {
        let (first, newest) = KEPT_STEPS;
        if self.history.len() >= first + newest {
            self.history.remove(first);
        }
        self.history.push(AlertEvent { at, step, by, text: text.to_owned() });
    }

    fn plan(&mut self) {
        let until = self.acknowledged_until.filter(|_| self.state == AlertState::Acknowledged);
        self.due = [until, self.settles, self.reminds()].into_iter().flatten().min();
    }

    /// When it is told again: not what is told with its cause, nor what was not found any more.
    fn reminds(&self) -> Option<Timestamp> {
        self.remind.filter(|_| self.cause.is_none() && self.settles.is_none())
    }
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a finding is new, or it is not")]
pub enum Raised {
    /// It made this alert.
    First(AlertId),
    /// It opened this one again, which a rule had ended a moment ago.
    Reopened(AlertId),
    /// It made this one graver.
    Worse(AlertId),
    /// It counted on this one, which lasts.
    Again(AlertId),
}

impl Raised {
    /// The alert.
    #[must_use]
    pub const fn alert(self) -> AlertId {
        match self {
            Self::First(id) | Self::Reopened(id) | Self::Worse(id) | Self::Again(id) => id,
        }
    }

    /// Whether somebody should hear of it.
    #[must_use]
    pub const fn is_news(self) -> bool {
        !matches!(self, Self::Again(_))
    }
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
    /// Where they stand.
    pub place: AlertPlace,
}

/// Where an alert stands among others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: an alert has a cause or none")]
pub enum AlertPlace {
    /// By itself: it has no other alert as its cause.
    #[default]
    Top,
    /// Below this one, which is its cause. A filter asks for nothing else then.
    Below(AlertId),
    /// Either.
    Anywhere,
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
    /// The alerts about a subject that are not resolved, oldest first, `limit` at most.
    async fn lasting(&mut self, subject: &AlertSubject, limit: usize) -> Result<Vec<Alert>, Error>;
    /// The alerts about a host, or found there, that are not resolved, oldest first, `limit` at most.
    async fn lasting_on(&mut self, host: HostId, limit: usize) -> Result<Vec<Alert>, Error>;
    /// When somebody last declared an alert of this kind and subject over.
    async fn dismissed(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
    ) -> Result<Option<Timestamp>, Error>;
    /// Alerts, newest first, by id. Those that have a cause are listed below it alone.
    async fn page(
        &mut self,
        filter: AlertFilter,
        request: PageRequest<AlertId>,
    ) -> Result<Page<Alert, AlertId>, Error>;
    /// How many alerts of a kind are open, have no cause and have an id from this one on; it counts to `limit`.
    async fn opened_from(&mut self, kind: AlertKind, from: AlertId, limit: usize) -> Result<usize, Error>;
    /// The alerts that have this one as their cause and are not resolved, oldest first, `limit` at most.
    async fn below(&mut self, cause: AlertId, limit: usize) -> Result<Vec<AlertId>, Error>;
    /// Alerts about which something is to be done at `now`, the longest due first, `limit` at most.
    async fn due(&mut self, now: Timestamp, limit: usize) -> Result<Vec<Alert>, Error>;
    /// How many are not resolved and have no cause, by state and severity; sorted, without empty ones. It counts no rows.
    async fn tallies(&mut self) -> Result<Vec<AlertTally>, Error>;
}

/// Changes to alerts.
#[async_trait]
pub trait Alerts: AlertQueries {
    /// Notes what a rule found: makes an alert, counts on the one of this kind and subject that lasts, or opens the one
    /// again that a rule ended within [`REOPENED_WITHIN`].
    async fn raise(&mut self, found: &NewAlert) -> Result<Raised, Error>;
    /// Takes on an alert. `false` when it is not open, `NotFound` when there is none.
    async fn acknowledge(&mut self, id: AlertId, how: &Acknowledgement) -> Result<bool, Error>;
    /// The rule no longer finds it: resolves the alert of this kind and subject that lasts, or lets it settle if it came
    /// and went before. Answers the alert when it is over.
    async fn resolve(
        &mut self,
        kind: AlertKind,
        subject: &AlertSubject,
        at: Timestamp,
    ) -> Result<Option<AlertId>, Error>;
    /// Somebody declares it over. `false` when it is already, `NotFound` when there is none.
    async fn resolve_by_hand(&mut self, id: AlertId, by: UserId, at: Timestamp) -> Result<bool, Error>;
    /// What it was about is gone: it is over at once. `false` when it was.
    async fn close(&mut self, id: AlertId, at: Timestamp) -> Result<bool, Error>;
    /// Does what time alone brings at `now`; says what that was.
    async fn advance(&mut self, id: AlertId, now: Timestamp) -> Result<Option<Passed>, Error>;
    /// Puts it below the alert that is its cause, or lets it stand by itself, from `at` on. `NotFound` when there is none.
    async fn set_cause(&mut self, id: AlertId, cause: Option<AlertId>, at: Timestamp) -> Result<(), Error>;
    /// Nothing is left to be done about an alert that is over.
    async fn settle_up(&mut self, id: AlertId) -> Result<(), Error>;
    /// Forgets what was resolved before `time`, the oldest first, `limit` at most; says how many that were.
    async fn purge(&mut self, time: Timestamp, limit: usize) -> Result<u64, Error>;
}
