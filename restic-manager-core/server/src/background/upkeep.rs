//! Upkeep that is due becomes jobs. Several servers may do this at once: who claims a duty first makes its job.

use core::time::Duration;
use restic_manager_core::{job, upkeep as rules};
use restic_manager_proto::{
    HostId, Scope, Timestamp,
    vocabulary::{Action, UpkeepState},
};
use restic_manager_store::{Audit, Error, Transaction, audit::NewAuditEntry, retry, upkeep::Duty};
use std::sync::Arc;

use super::rounds;
use crate::{
    domain::{duty, freeze::Freezes, jobs::queue::queue, leases, upkeep},
    entry::{SYSTEM, entry, nameless},
    parts::{Change, Parts},
};

const INTERVAL: Duration = Duration::from_secs(20);
/// Duties that are looked at in one round.
const ROUND: usize = 100;
/// What nobody can do now is looked at again after so long.
const LATER: Duration = Duration::from_secs(15 * 60);
/// A server whose hosts are away leaves a duty for so long to one that has them.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(2 * 60);

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::every(&parts, INTERVAL, "see to the upkeep", || queue_due(&parts)).await;
}

/// One round.
pub(crate) async fn queue_due(parts: &Parts) -> Result<(), Error> {
    let now = parts.now();
    let due = parts.store.read().await?.upkeep().due(now, ROUND).await?;
    for duty in due {
        retry(|| see_to(parts, &duty, now)).await?;
    }
    Ok(())
}

/// What becomes of a duty that is due.
async fn see_to(parts: &Parts, seen: &Duty, now: Timestamp) -> Result<(), Error> {
    let mut change = parts.begin().await?;
    let found = change.upkeep().find(seen.repository, seen.kind).await?;
    let Some(mut duty) = found.filter(|duty| duty.due.is_some_and(|due| due <= now)) else { return Ok(()) };
    let Some(every) = duty.every_hours.map(duty::hours_of) else {
        duty.due = None;
        return keep(change, &duty, "upkeep is switched off").await;
    };
    let seed = duty::seed(duty.repository, duty.kind);
    if duty.since == rules::UNPLANNED {
        (duty.since, duty.due) = (now, Some(rules::first_due(now, every, &seed)));
        return keep(change, &duty, "upkeep was planned").await;
    }
    if let Some(job) = duty.job {
        let active = change.jobs().find(job).await?.filter(|job| !job.state.is_end());
        if active.is_some() {
            duty.due = Some(now.after(LATER));
            return keep(change, &duty, "upkeep goes on").await;
        }
        duty.job = None;
    }
    let groups = change.sources().with_retention_in(duty.repository).await?;
    let freezes = Freezes::of(change.freezes(), duty.repository).await?;
    if freezes.stops(duty.kind, &groups).is_some() {
        duty.due = Some(now.after(LATER));
        return keep(change, &duty, "forget and prune are frozen").await;
    }
    // What is frozen in part goes on with the rest.
    let state = duty::state(&duty, &groups, &Freezes::default(), now);
    if state == UpkeepState::Idle {
        duty.due = Some(rules::next_due(duty.due, every, now, &seed));
        return keep(change, &duty, "no policy asks for a forget").await;
    }
    let mut alerted = false;
    if state == UpkeepState::Overdue {
        alerted = upkeep::alert_overdue(&mut change, &duty).await?;
    }
    let host = worker(parts, change.as_mut(), &duty).await?;
    let left_to_others = duty.due.is_some_and(|due| now.since(due) < LEFT_TO_OTHERS);
    let host = match host {
        Some(host) if parts.hub.last_seen(host).is_none() && left_to_others && !alerted => {
            return Ok(());
        }
        Some(host) => host,
        None => {
            duty.due = Some(now.after(LATER));
            return keep(change, &duty, "nobody can do the upkeep").await;
        }
    };
    let new = duty::wanted(&duty, host).at(&parts.mint, now);
    queue(&mut change, &new).await?;
    leases::reserve(parts, change.as_mut(), &new).await?;
    change.tell_repository(duty.repository);
    duty.job = Some(new.id);
    // Should the end of the job get lost, its deadline does not.
    duty.due = Some(job::deadlines(duty.kind, now).end_by.after(LATER));
    change.upkeep().set(&duty).await?;
    let entry = NewAuditEntry {
        subject: nameless("job", new.id),
        detail: serde_json::json!({ "kind": duty.kind.as_str() }),
        ..entry(parts.mint.audit(), now, SYSTEM, Action::JobCreate)
    };
    change.commit(Audit::entry(entry)).await
}

async fn worker(
    parts: &Parts,
    transaction: &mut dyn Transaction,
    duty: &Duty,
) -> Result<Option<HostId>, Error> {
    let found = transaction.repositories().find(duty.repository).await?;
    let Some(repository) = found.filter(|repository| repository.deleted.is_none()) else { return Ok(None) };
    let attached = transaction.attachments().of_repository(duty.repository, &Scope::All).await?;
    Ok(duty::worker(parts, transaction.reading(), &repository, &attached, duty.kind).await?.ok())
}

async fn keep(mut change: Change<'_>, duty: &Duty, why: &'static str) -> Result<(), Error> {
    change.upkeep().set(duty).await?;
    change.commit(Audit::Routine(why)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_core::clock::ManualClock;
    use restic_manager_crypto::{Identity, Keyring, SeededRandom};
    use restic_manager_proto::{
        RepositoryId,
        vocabulary::{JobKind, PresenceMode},
    };
    use restic_manager_store::{
        PageRequest, PublicKey, Store as _, TokenHash, hosts::NewHost, jobs::JobScope, memory::MemoryStore,
        repositories::Repository,
    };

    use crate::{Config, server::Server};

    const ROUTINE: Audit = Audit::Routine("a fixture");

    async fn servers(count: usize) -> (Vec<Server>, Arc<ManualClock>, RepositoryId, HostId) {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(ManualClock::at(Timestamp::from_milliseconds(1_795_316_400_000)));
        let (host, repository) = (HostId::from_bytes([1; 16]), RepositoryId::from_bytes([2; 16]));
        let mut tx = store.begin().await.unwrap();
        let new = NewHost {
            id: host,
            name: "web-1".into(),
            restic_name: "web-1".into(),
            tags: Vec::new(),
            presence_mode: PresenceMode::AlwaysOn,
            public_key: PublicKey::new([7; 32]),
            agent_token: TokenHash::new([7; 32]),
            enrolled: Timestamp::from_milliseconds(1),
        };
        tx.hosts().enrol(&new).await.unwrap();
        let row = Repository {
            id: repository,
            name: "main".into(),
            location: "/srv/main".into(),
            backend: "local".into(),
            password: None,
            password_set: None,
            runner: None,
            parallel: None,
            created: Timestamp::from_milliseconds(1),
            version: 1,
            deleted: None,
        };
        tx.repositories().add(&row).await.unwrap();
        tx.attachments().attach(host, repository, None).await.unwrap();
        // As a migration leaves it.
        let unplanned = Duty {
            repository,
            kind: JobKind::Check,
            every_hours: Some(24),
            due: Some(rules::UNPLANNED),
            since: rules::UNPLANNED,
            effective: None,
            failures: 0,
            job: None,
            last_job: None,
            last_cause: None,
            part: 7,
            parts: 20,
        };
        tx.upkeep().set(&unplanned).await.unwrap();
        tx.commit(ROUTINE).await.unwrap();
        let server = |number: u64| {
            let random = Arc::new(SeededRandom::new(number));
            let config = Config::new("https://backup.example.com".parse().unwrap());
            let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
            Server::builder(Arc::clone(&store) as _, keyring, identity, config)
                .clock(Arc::clone(&clock) as _)
                .random(random)
                .build()
        };
        ((0..count as u64).map(server).collect(), clock, repository, host)
    }

    async fn jobs(server: &Server) -> Vec<restic_manager_store::jobs::Job> {
        let mut read = server.parts().store.read().await.unwrap();
        read.jobs().page(JobScope::Fleet, &Scope::All, PageRequest::first(50)).await.unwrap().items
    }

    #[tokio::test]
    async fn a_duty_is_planned_done_once_by_many_servers_and_again_in_its_cadence() {
        let (servers, clock, repository, host) = servers(3).await;
        let all_queue = async || {
            for server in &servers {
                queue_due(server.parts()).await.unwrap();
            }
        };
        all_queue().await;
        assert!(
            jobs(&servers[0]).await.is_empty(),
            "what was never planned is planned first, not all at once"
        );
        clock.advance(Duration::from_secs(25 * 3600));
        all_queue().await;
        let made = jobs(&servers[0]).await;
        let [job] = &made[..] else { panic!("{made:?}") };
        assert_eq!((job.host, job.kind, job.repository), (host, JobKind::Check, Some(repository)));
        let read = serde_json::to_string(&job.options).unwrap();
        assert!(read.contains(r#""part":7,"parts":20"#), "{read}");
        all_queue().await;
        assert_eq!(jobs(&servers[0]).await.len(), 1);

        // It is given up, because its host never came: it is tried again, and not in a storm.
        crate::domain::jobs::end::apply(
            servers[0].parts(),
            job.id,
            job::Decision::End {
                state: restic_manager_proto::vocabulary::JobState::Skipped,
                cause: restic_manager_proto::vocabulary::Cause::HostOffline,
            },
            "",
        )
        .await
        .unwrap();
        all_queue().await;
        assert_eq!(jobs(&servers[0]).await.len(), 1, "not at once");
        clock.advance(Duration::from_secs(20 * 60));
        all_queue().await;
        assert_eq!(jobs(&servers[0]).await.len(), 2, "but soon");
    }

    #[tokio::test]
    async fn a_runner_that_is_gone_is_replaced_by_nobody() {
        let (servers, clock, repository, host) = servers(1).await;
        let parts = servers[0].parts();
        let mut tx = parts.begin().await.unwrap();
        tx.repositories().appoint(repository, Some(HostId::from_bytes([9; 16])), None, 1).await.unwrap();
        tx.commit(ROUTINE).await.unwrap();
        queue_due(parts).await.unwrap();
        clock.advance(Duration::from_secs(25 * 3600));
        queue_due(parts).await.unwrap();
        assert!(jobs(&servers[0]).await.is_empty(), "{host} is no runner");
    }
}
