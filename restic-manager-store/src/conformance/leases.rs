use restic_manager_proto::vocabulary::{JobKind, JobState, LeaseMode, LeaseState};

use super::samples::*;
use crate::{Audit, Error, ErrorKind, Store, leases::Lease, retry};

/// Jobs 1 to 6, the odd ones on host 1, the even ones on host 2.
async fn jobs(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=6 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1 + (number + 1) % 2)))?;
    }
    Ok(())
}

fn held(number: u32, mode: LeaseMode) -> Lease {
    Lease { mode, ..lease(number, 1 + (number + 1) % 2, 1) }
}

fn waits(number: u32, state: LeaseState) -> Lease {
    Lease { state, ..held(number, LeaseMode::Shared) }
}

pub async fn exclusive_means_alone(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    change!(store, |tx| tx.leases().take(&held(1, LeaseMode::Shared)))?;
    change!(store, |tx| tx.leases().take(&held(2, LeaseMode::Shared)))?;
    assert_kind(change!(store, |tx| tx.leases().take(&held(3, LeaseMode::Exclusive))), ErrorKind::Conflict);
    let elsewhere = Lease { repository: repository_id(2), ..held(3, LeaseMode::Exclusive) };
    change!(store, |tx| tx.leases().take(&elsewhere))?;
    assert!(change!(store, |tx| tx.leases().release(job_id(1)))?);
    assert!(!change!(store, |tx| tx.leases().release(job_id(1)))?);
    change!(store, |tx| tx.leases().release(job_id(2)))?;
    change!(store, |tx| tx.leases().take(&held(4, LeaseMode::Exclusive)))?;
    change!(store, |tx| tx.leases().take(&held(4, LeaseMode::Exclusive)))?;
    assert_kind(change!(store, |tx| tx.leases().take(&held(5, LeaseMode::Shared))), ErrorKind::Conflict);
    change!(store, |tx| tx.leases().reflect(&held(5, LeaseMode::Shared)))?;
    assert_kind(change!(store, |tx| tx.leases().reflect(&held(9, LeaseMode::Shared))), ErrorKind::NotFound);
    let found = store.read().await?.leases().held_in(repository_id(1), 9).await?;
    assert_eq!(found, [held(4, LeaseMode::Exclusive), held(5, LeaseMode::Shared)]);
    Ok(())
}

/// Takes the repository for a job alone, if nobody has it; says whether it was free.
async fn claim(store: &dyn Store, number: u32) -> Result<bool, Error> {
    retry(|| async move {
        let mut transaction = store.begin().await?;
        let crowd = transaction.leases().crowd(job_id(number), repository_id(1)).await?;
        let is_free = crowd.held == 0;
        if is_free {
            transaction.leases().take(&held(number, LeaseMode::Exclusive)).await?;
        }
        transaction.commit(Audit::Routine("a race")).await?;
        Ok(is_free)
    })
    .await
}

pub async fn a_race_has_one_winner(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    let (a, b, c, d) = tokio::join!(claim(store, 1), claim(store, 2), claim(store, 3), claim(store, 4));
    let won = [a?, b?, c?, d?];
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    assert_eq!(store.read().await?.leases().held_in(repository_id(1), 9).await?.len(), 1);
    Ok(())
}

pub async fn a_lease_ends_with_its_job(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    for number in [1, 2] {
        change!(store, |tx| tx.jobs().dispatch(job_id(number), at(9)))?;
        change!(store, |tx| tx.leases().take(&held(number, LeaseMode::Shared)))?;
    }
    change!(store, |tx| tx.jobs().finish(job_id(1), at(10), &end(JobState::Failed)))?;
    change!(store, |tx| tx.jobs().requeue(job_id(2)))?;
    assert_eq!(store.read().await?.leases().held_in(repository_id(1), 9).await?, []);
    change!(store, |tx| tx.leases().take(&waits(3, LeaseState::WaitsForFleet)))?;
    change!(store, |tx| tx.jobs().finish(job_id(3), at(10), &end(JobState::Skipped)))?;
    assert_eq!(store.read().await?.leases().find(job_id(3)).await?, None);
    Ok(())
}

pub async fn a_crowd_shows_who_stands_in_the_way(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    let first = waits(2, LeaseState::WaitsForRepository);
    let ahead = waits(3, LeaseState::WaitsForFleet);
    let prune = Lease { kind: JobKind::Prune, ..held(1, LeaseMode::Exclusive) };
    let behind = waits(6, LeaseState::WaitsForRepository);
    for lease in [&prune, &behind, &ahead, &first] {
        change!(store, |tx| tx.leases().take(lease))?;
    }
    let mut read = store.read().await?;
    let crowd = read.leases().crowd(job_id(5), repository_id(1)).await?;
    assert_eq!((crowd.held, crowd.exclusive, crowd.oldest), (1, Some(prune.clone()), Some(prune.clone())));
    assert_eq!(crowd.ahead, Some(first.clone()));
    let own = read.leases().crowd(job_id(1), repository_id(1)).await?;
    assert_eq!((own.held, own.exclusive, own.ahead), (0, None, None), "nobody is in their own way");
    let fleet = read.leases().fleet_crowd(job_id(5)).await?;
    assert_eq!((fleet.held, fleet.ahead), (1, true));
    assert!(!read.leases().fleet_crowd(job_id(3)).await?.ahead);
    assert_eq!(read.leases().places_before(&behind, 9).await?, 2);
    assert_eq!(read.leases().places_before(&behind, 1).await?, 1);
    assert_eq!(read.leases().next_in(repository_id(1)).await?, Some(first));
    assert_eq!(read.leases().next_in_fleet().await?, Some(ahead));
    Ok(())
}

pub async fn a_place_stands_until_it_is_given_up(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    let elsewhere = Lease { repository: repository_id(2), ..waits(4, LeaseState::WaitsForFleet) };
    let mut long_ago = waits(1, LeaseState::WaitsForRepository);
    long_ago.expires = at(0);
    for lease in [&long_ago, &elsewhere, &held(2, LeaseMode::Shared), &waits(3, LeaseState::WaitsForFleet)] {
        change!(store, |tx| tx.leases().take(lease))?;
    }
    let mut read = store.read().await?;
    assert_eq!(read.leases().next_in(repository_id(1)).await?.map(|lease| lease.job), Some(job_id(1)));
    assert_eq!(read.leases().waited_for(None, 9).await?, [repository_id(1), repository_id(2)]);
    assert_eq!(read.leases().waited_for(None, 1).await?, [repository_id(1)]);
    assert_eq!(read.leases().waited_for(Some(repository_id(1)), 9).await?, [repository_id(2)]);
    drop(read);
    assert_eq!(change!(store, |tx| tx.leases().leave_queue(host_id(1)))?, 2);
    assert_eq!(store.read().await?.leases().next_in(repository_id(1)).await?, None);
    assert_eq!(change!(store, |tx| tx.leases().clear_queue())?, 1);
    assert_eq!(store.read().await?.leases().next_in_fleet().await?, None);
    assert_eq!(store.read().await?.leases().held_in(repository_id(1), 9).await?, [held(2, LeaseMode::Shared)]);
    Ok(())
}

pub async fn a_lost_lease_stands_until_it_is_found_or_released(store: &dyn Store) -> Result<(), Error> {
    jobs(store).await?;
    for number in [1, 2] {
        change!(store, |tx| tx.leases().take(&held(number, LeaseMode::Shared)))?;
    }
    let over = held(2, LeaseMode::Shared).expires;
    assert_eq!(store.read().await?.leases().expired(over, 9).await?.len(), 2);
    for number in [1, 2] {
        change!(store, |tx| tx.leases().lose(job_id(number), at(900), at(1000)))?;
    }
    change!(store, |tx| tx.leases().lose(job_id(1), at(950), at(1050)))?;
    assert_kind(change!(store, |tx| tx.leases().lose(job_id(6), at(1), at(2))), ErrorKind::NotFound);
    let lost = store.read().await?.leases().expired(at(1049), 9).await?;
    assert_eq!(lost.iter().map(|lease| lease.job).collect::<Vec<_>>(), [job_id(2)]);
    assert_eq!(store.read().await?.leases().find(job_id(1)).await?.and_then(|lease| lease.lost), Some(at(900)));
    assert_eq!(change!(store, |tx| tx.leases().renew(host_id(2), at(2000)))?, 1);
    let released = change!(store, |tx| tx.leases().release_lost(repository_id(1)))?;
    assert_eq!(released.iter().map(|lease| lease.job).collect::<Vec<_>>(), [job_id(1)]);
    let left = store.read().await?.leases().held_in(repository_id(1), 9).await?;
    assert_eq!(left.iter().map(|lease| (lease.job, lease.lost)).collect::<Vec<_>>(), [(job_id(2), None)]);
    Ok(())
}
