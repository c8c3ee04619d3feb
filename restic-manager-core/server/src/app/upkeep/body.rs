//! A repository's upkeep as the API shows it.

use core::time::Duration;
use restic_manager_core::upkeep as rules;
use restic_manager_proto::{
    RepositoryId, Scope, Timestamp,
    api::{
        self, Reference,
        upkeep::{DeletionTest, Upkeep},
    },
    vocabulary::{CredentialSlot, DeletionVerdict, JobKind, UpkeepState},
};
use restic_manager_store::{
    Error, PageRequest, Read,
    jobs::{Job, JobScope},
    repositories::Repository,
    upkeep::Duty,
};

use crate::{
    domain::{
        duty::{hours_of, state},
        freeze::Freezes,
        locks,
    },
    failure::Failure,
    parts::Parts,
};

/// Jobs of a repository among which one is looked for that somebody asked for.
pub(super) const RECENT: usize = 20;
/// Backups of a repository are late when none of its hosts has made a snapshot for so long.
const BACKUPS_WITHIN: Duration = Duration::from_secs(3 * 24 * 60 * 60);

pub(in crate::app) async fn upkeep_body(
    parts: &Parts,
    read: &mut dyn Read,
    repository: &Repository,
    last_snapshot: Option<Timestamp>,
    hosts: u64,
) -> Result<Upkeep, Failure> {
    let now = parts.now();
    let groups = read.sources().with_retention_in(repository.id).await?;
    let freezes = Freezes::of(read.freezes(), repository.id).await?;
    let rows = read.upkeep().of_repository(repository.id).await?;
    let backups = match last_snapshot {
        _ if hosts == 0 => UpkeepState::Idle,
        Some(at) if now.since(at) <= BACKUPS_WITHIN => UpkeepState::Good,
        Some(_) => UpkeepState::Overdue,
        None => UpkeepState::Pending,
    };
    let recent = PageRequest::first(RECENT);
    let recent = read.jobs().page(JobScope::Repository(repository.id), &Scope::All, recent).await?.items;
    let is_active = |job: &&Job, kind| job.kind == kind && !job.state.is_end();
    let active = |kind| recent.iter().find(|job| is_active(job, kind)).map(|job| job.id);
    let mut duties = Vec::new();
    for kind in rules::DUTIES {
        if let Some(row) = rows.iter().find(|row| row.kind == kind) {
            duties.push(api::upkeep::Duty {
                job: row.job.or_else(|| active(kind)),
                ..duty_body(row, state(row, &groups, &freezes, now))
            });
        }
    }
    let locks = locks::shown(read, repository.id, &recent).await?;
    let runner = match repository.runner {
        Some(id) => {
            let name = read.hosts().find(id).await?.map(|host| host.name).unwrap_or_default();
            Some(Reference { id, name })
        }
        None => None,
    };
    let deletion = deletion_test(read, repository.id).await?;
    let can_delete = deletion.as_ref().filter(|test| test.verdict == DeletionVerdict::Possible);
    let states = duties
        .iter()
        .filter(|duty| rules::counts_for_health(duty.kind))
        .map(|duty| duty.state)
        .chain([backups])
        .chain(can_delete.map(|_| UpkeepState::Failing));
    let deletes = read.repositories().credential(repository.id, CredentialSlot::Maintenance).await?.is_some();
    let parallel = repository.parallel.map_or(parts.config.budgets.repository, u64::from);
    Ok(Upkeep {
        health: if hosts == 0 { UpkeepState::Idle } else { rules::overall(states) },
        backups,
        risk: risk(runner.is_some(), deletes).to_owned(),
        runner,
        parallel,
        parallel_chosen: repository.parallel.is_some(),
        duties,
        deletion,
        locks,
    })
}

const fn risk(has_runner: bool, deletes: bool) -> &'static str {
    match (has_runner, deletes) {
        (true, _) => "",
        (false, true) => {
            "No runner is named, so no snapshot is removed: the credential that may delete is handed to a named runner alone."
        }
        (false, false) => {
            "No runner is named, so an attached host does the upkeep with the everyday credential: where that one may \
             delete, every attached host can delete every backup in this repository; where it may not, no snapshot is removed."
        }
    }
}

fn duty_body(duty: &Duty, state: UpkeepState) -> api::upkeep::Duty {
    let every = duty.every_hours.map(hours_of);
    let is_check = duty.kind == JobKind::Check;
    let planned = duty.since != rules::UNPLANNED;
    let last = duty.effective.map_or(duty.since, |effective| effective.max(duty.since));
    api::upkeep::Duty {
        kind: duty.kind,
        state,
        every_hours: duty.every_hours,
        next_at: duty.due.filter(|_| planned && duty.job.is_none() && every.is_some()),
        last_effective_at: duty.effective,
        red_at: every
            .filter(|_| planned && !matches!(state, UpkeepState::Idle | UpkeepState::Frozen))
            .map(|every| last.after(rules::allowance(every))),
        failures: duty.failures,
        job: duty.job,
        last_job: duty.last_job,
        last_cause: duty.last_cause,
        part: is_check.then_some(duty.part),
        parts: is_check.then_some(duty.parts),
        full_read_days: every.filter(|_| is_check).map(|every| rules::full_read_days(every, duty.parts)),
    }
}

async fn deletion_test(read: &mut dyn Read, repository: RepositoryId) -> Result<Option<DeletionTest>, Error> {
    let Some(test) = read.upkeep().deletion_test(repository).await? else { return Ok(None) };
    let name = read.hosts().find(test.host).await?.map(|host| host.name).unwrap_or_default();
    Ok(Some(DeletionTest {
        verdict: test.verdict,
        at: test.at,
        host: Reference { id: test.host, name },
        job: test.job,
    }))
}
