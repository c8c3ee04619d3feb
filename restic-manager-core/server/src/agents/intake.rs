//! A batch of reports on its way into the rows, and what it has changed so far.

use restic_manager_core::job::{Received, receive};
use restic_manager_proto::{
    HostId, JobId, RepositoryId, SnapshotSeen,
    agent::UnknownItem,
    api::events::FleetEvent,
    vocabulary::{Action, AlertKind, JobState, Outcome},
};
use restic_manager_store::{Error, Transaction, alerts::AlertSubject, audit::NewAuditEntry, hosts::Host};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::alerts,
    entry::{self, entry, nameless},
    parts::Parts,
};

/// What a batch changed.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Jobs whose row or log changed, and whether they ended.
    pub(super) jobs: BTreeMap<JobId, bool>,
    /// Jobs whose state changed, for open pages.
    pub(super) moved: BTreeSet<JobId>,
    /// Whether jobs were queued, which want to be dispatched.
    pub(super) queued: bool,
    /// Whether slots of schedules passed.
    pub(super) slots: bool,
    /// Whether the agent shall have another configuration.
    pub(super) configured: bool,
    pub(super) repositories: BTreeSet<RepositoryId>,
    pub(super) snapshots: bool,
    /// An alert was raised.
    pub(super) alerts: bool,
    /// Repositories that a job uses no more.
    pub(super) freed: BTreeSet<RepositoryId>,
    /// Other hosts whose snapshots were removed.
    pub(super) forgotten: BTreeSet<HostId>,
    pub(super) entries: Vec<NewAuditEntry>,
}

impl Taken {
    pub(super) fn events(&self, host: HostId) -> impl Iterator<Item = FleetEvent> + '_ {
        let jobs = self.moved.iter().map(move |&job| FleetEvent::Job { job, host });
        let repositories = self.repositories.iter().map(|&repository| FleetEvent::Repository { repository });
        let changed = !self.moved.is_empty() || self.snapshots;
        let alerts = self.alerts.then_some(FleetEvent::Alerts {});
        let forgotten = self.forgotten.iter().map(|&host| FleetEvent::Host { host });
        jobs.chain(repositories)
            .chain(forgotten)
            .chain(changed.then_some(FleetEvent::Host { host }))
            .chain(alerts)
    }
}

pub(super) struct Intake<'a> {
    pub(super) parts: &'a Parts,
    pub(super) host: &'a Host,
    pub(super) transaction: Box<dyn Transaction>,
    pub(super) taken: Taken,
    /// Where each job of the batch stands; `None` for one that is not this host's.
    pub(super) states: BTreeMap<JobId, Option<JobState>>,
    pub(super) listing: Vec<SnapshotSeen>,
}

impl Intake<'_> {
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
        let row = self.transaction.jobs().find(job).await?;
        let state = row.as_ref().filter(|row| row.host == self.host.id).map(|row| row.state);
        if row.is_some() && state.is_none() {
            tracing::warn!(job.id = %job, host.id = %self.host.id, "an agent reported on a job that is not its own");
            // Within a budget: an agent that does it a thousand times fills no disk.
            if self.parts.hub.may_record_refusal(self.parts.now()) {
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
        self.transaction.alerts().raise(&found).await?;
        self.taken.alerts = true;
        Ok(())
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
        self.taken.entries.push(NewAuditEntry {
            subject: nameless(kind, id),
            outcome,
            address: self.host.address.clone(),
            detail,
            ..entry(self.parts.mint.audit(), self.parts.now(), entry::agent(self.host), action)
        });
    }
}
