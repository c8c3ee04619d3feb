//! After a break, both ends say which jobs they know, and agree on each.

use restic_manager_core::{
    job::{self, Decision},
    lease::LEASE_TIME,
};
use restic_manager_proto::{JobId, agent::KnownJob, vocabulary::JobState};
use restic_manager_store::{Audit, Error, hosts::Host, jobs::Job, retry};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    domain::{jobs::end, leases},
    parts::Parts,
};

/// What both ends agree on.
#[derive(Debug, Default)]
pub(super) struct Agreed {
    /// Jobs that the agent has and may go on with.
    pub(super) running: BTreeSet<JobId>,
    /// Jobs that the agent has and must stop.
    pub(super) cancel: BTreeSet<JobId>,
}

/// Compares an agent's inventory with the rows.
pub(super) async fn agree(parts: &Parts, host: &Host, known: &[KnownJob]) -> Result<Agreed, Error> {
    let at_agent: BTreeMap<JobId, JobState> = known.iter().map(|known| (known.job, known.state)).collect();
    let mut rows: BTreeMap<JobId, Job> = BTreeMap::new();
    let mut read = parts.store.read().await?;
    for job in read.jobs().active_of(host.id).await? {
        rows.insert(job.id, job);
    }
    for id in at_agent.keys() {
        if !rows.contains_key(id)
            && let Some(job) = read.jobs().find(*id).await?.filter(|job| job.host == host.id)
        {
            rows.insert(*id, job);
        }
    }
    drop(read);
    reflect(parts, &rows, &at_agent).await?;
    // Fired while the server was away: the report of it follows.
    let is_new = |id: &JobId| known.iter().any(|known| known.job == *id && known.is_new);
    let mut agreed = Agreed::default();
    let all: BTreeSet<JobId> = rows.keys().chain(at_agent.keys()).copied().collect();
    for id in all.into_iter().filter(|id| rows.contains_key(id) || !is_new(id)) {
        let facts = rows.get(&id).map(end::job_facts);
        let agent = at_agent.get(&id).copied();
        let decision = job::reconcile(facts.as_ref(), agent);
        if !matches!(decision, Decision::Keep) {
            tracing::info!(job.id = %id, host.id = %host.id, ?decision, "the two ends disagreed on a job");
        }
        match decision {
            Decision::AskToCancel => drop(agreed.cancel.insert(id)),
            // One that waits for its order is not on its way yet.
            Decision::Keep if agent == Some(JobState::Queued) => {}
            Decision::Keep if agent.is_some_and(|state| !state.is_end()) => drop(agreed.running.insert(id)),
            decision => end::apply(parts, id, decision, "").await?,
        }
    }
    Ok(agreed)
}

/// What the agent runs uses its repository, also when its lease was given away meanwhile.
async fn reflect(
    parts: &Parts,
    rows: &BTreeMap<JobId, Job>,
    at_agent: &BTreeMap<JobId, JobState>,
) -> Result<(), Error> {
    let runs = |job: &&Job| {
        !job.state.is_end() && at_agent.get(&job.id).is_some_and(|state| *state == JobState::Running)
    };
    let running: Vec<&Job> = rows.values().filter(runs).collect();
    if running.is_empty() {
        return Ok(());
    }
    retry(async || {
        let mut change = parts.begin().await?;
        for job in &running {
            leases::reflect(parts, change.as_mut(), job).await?;
            change.leases().renew(job.host, parts.now().after(LEASE_TIME)).await?;
        }
        change.commit(Audit::Routine("what an agent runs uses its repository")).await
    })
    .await
}
