//! A batch of reports on its way into the rows, and what it has changed so far.

use restic_manager_core::job::{Received, receive};
use restic_manager_proto::{
    JobId, SnapshotSeen,
    agent::UnknownItem,
    vocabulary::{Action, AlertKind, JobState, Outcome},
};
use restic_manager_store::{
    Audit, Error,
    alerts::AlertSubject,
    audit::NewAuditEntry,
    hosts::{Host, OutboxPosition},
};
use std::collections::BTreeMap;

use crate::{
    domain::alerts,
    entry::{self, entry, nameless},
    parts::{Change, Parts, refusals::Refused, shares::Share},
};

/// What a connection does after a commit.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// Jobs that run at the agent no more, also those that had ended here before.
    pub(super) ended: Vec<JobId>,
    /// Whether jobs were queued.
    pub(super) queued: bool,
}

/// A batch on its way.
pub(super) struct Intake<'a> {
    pub(super) parts: &'a Parts,
    pub(super) host: &'a Host,
    pub(super) change: Change<'a>,
    /// Where each job of the batch stands; `None` for one that is not this host's.
    pub(super) states: BTreeMap<JobId, Option<JobState>>,
    pub(super) listing: Vec<SnapshotSeen>,
    pub(super) ended: Vec<JobId>,
    /// Whether jobs were queued, which want to be dispatched.
    pub(super) queued: bool,
    /// Whether slots passed or snapshots came.
    pub(super) plan_changed: bool,
    pub(super) repositories_changed: bool,
    /// What the host has reported today, this batch included.
    pub(super) share: Share,
    /// How many jobs of slots have not ended, once that was looked at.
    pub(super) waiting: Option<usize>,
    /// Jobs of slots that the agent is asked to give up.
    pub(super) cancelled: usize,
    /// Whether a slot was not taken, which is said once.
    pub(super) is_doubted: bool,
    entries: Vec<NewAuditEntry>,
}

impl<'a> Intake<'a> {
    pub(super) async fn begin(parts: &'a Parts, host: &'a Host) -> Result<Self, Error> {
        Ok(Self {
            parts,
            host,
            change: parts.begin().await?,
            states: BTreeMap::new(),
            listing: Vec::new(),
            ended: Vec::new(),
            queued: false,
            plan_changed: false,
            repositories_changed: false,
            share: parts.shares.of(host.id, parts.now()),
            waiting: None,
            cancelled: 0,
            is_doubted: false,
            entries: Vec::new(),
        })
    }

    /// Keeps all of it, and that the outbox was taken so far.
    pub(super) async fn commit(self, position: OutboxPosition) -> Result<Committed, Error> {
        let Self { parts, mut change, host, entries, ended, queued, share, .. } = self;
        change.hosts().advance_outbox(host.id, position).await?;
        let audit =
            if entries.is_empty() { Audit::Routine("an agent reported") } else { Audit::Entries(entries) };
        change.commit(audit).await?;
        parts.shares.set(host.id, share, parts.now());
        Ok(Committed { ended, queued })
    }

    /// Whether a report moves its job.
    pub(super) async fn judge(&mut self, job: JobId, reported: JobState) -> Result<bool, Error> {
        let Some(state) = self.state(job).await? else { return Ok(false) };
        Ok(match receive(state, reported) {
            Received::Applies => true,
            Received::Stale => false,
            Received::Contradicts => {
                tracing::warn!(job.id = %job, host.id = %self.host.id, %state, %reported, "an agent's report contradicts its job");
                false
            }
        })
    }

    /// Where a job of this host stands; a report on another host's job is noted and passed over.
    pub(super) async fn state(&mut self, job: JobId) -> Result<Option<JobState>, Error> {
        if let Some(state) = self.states.get(&job) {
            return Ok(*state);
        }
        let row = self.change.jobs().find(job).await?;
        let state = row.as_ref().filter(|row| row.host == self.host.id).map(|row| row.state);
        if row.is_some() && state.is_none() {
            tracing::warn!(job.id = %job, host.id = %self.host.id, "an agent reported on a job that is not its own");
            // Within a budget, so that a faulty agent does not fill the audit log.
            if self.parts.refusals.may_record(Refused::ByAgents, self.parts.now()) {
                let (id, detail) = (job.to_string(), serde_json::Value::Null);
                self.note(Action::AgentOverreach, "job", id, Outcome::Refused, detail);
                self.raise_overreach(job).await?;
            }
        }
        self.states.insert(job, state);
        Ok(state)
    }

    async fn raise_overreach(&mut self, job: JobId) -> Result<(), Error> {
        let detail = serde_json::json!({ "job": job.to_string() });
        self.raise(AlertKind::AgentOverreach, "The agent reported on a job of another host.", detail).await
    }

    /// Raises an alert about this host.
    pub(super) async fn raise(
        &mut self,
        kind: AlertKind,
        summary: impl Into<String>,
        detail: serde_json::Value,
    ) -> Result<(), Error> {
        let subject = AlertSubject::new("host", self.host.id);
        let found = alerts::found(self.parts, kind, subject, &self.host.name, summary, detail);
        alerts::raise(&mut self.change, &found).await
    }

    /// The agent's state went back in time.
    pub(super) async fn note_restored(&mut self, last: u64, confirmed: u64) -> Result<(), Error> {
        tracing::warn!(host.id = %self.host.id, last, confirmed, "an agent's state went back in time");
        let summary = format!("The state of the agent of {} went back in time.", self.host.name);
        self.raise(
            AlertKind::AgentRestored,
            summary,
            serde_json::json!({ "last": last, "confirmed": confirmed }),
        )
        .await
    }

    /// The agent was told that something is safe here which is not here.
    pub(super) async fn note_gap(&mut self) -> Result<(), Error> {
        tracing::error!(host.id = %self.host.id, "reports that were confirmed to an agent are not known here");
        let summary =
            format!("Reports of {} that were confirmed are not known here any more.", self.host.name);
        self.raise(AlertKind::ServerRestored, summary, serde_json::Value::Null).await
    }

    /// What is not understood is counted and passed over: it must not hold up what follows.
    pub(super) async fn note_unknown(&mut self, item: &UnknownItem) -> Result<(), Error> {
        let kind: String = item.kind().chars().take(64).collect();
        tracing::warn!(host.id = %self.host.id, kind, "an agent reported something that this server does not understand");
        let summary = format!("A report of {} is not understood here.", self.host.name);
        let job = item.job().map(|job| job.to_string());
        self.raise(AlertKind::AgentNotUnderstood, summary, serde_json::json!({ "kind": kind, "job": job }))
            .await
    }

    pub(super) fn note(
        &mut self,
        action: Action,
        kind: &str,
        id: impl ToString,
        outcome: Outcome,
        detail: serde_json::Value,
    ) {
        self.entries.push(NewAuditEntry {
            subject: nameless(kind, id),
            outcome,
            address: self.host.address.clone(),
            detail,
            ..entry(self.parts.mint.audit(), self.parts.now(), entry::agent(self.host), action)
        });
    }
}
