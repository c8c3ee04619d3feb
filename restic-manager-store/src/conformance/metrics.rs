use restic_manager_proto::{
    Scope,
    vocabulary::{DeliveryState, JobKind, JobState, LeaseState},
};

use super::samples::*;
use crate::{
    Error, Store,
    jobs::NewJob,
    leases::Lease,
    deliveries::Delivery,
    metrics::{DeliveryTally, EndedJobs, JobDurations, LeaseTally},
};

fn ended(kind: JobKind, state: JobState, jobs: u64) -> EndedJobs {
    EndedJobs { kind, state, jobs }
}

pub async fn an_end_is_counted_once_and_never_taken_back(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let mut read = store.read().await?;
    assert_eq!((read.metrics().ended_jobs().await?, read.metrics().log_bytes().await?), (vec![], 0));
    drop(read);
    for number in 1..=4 {
        let kind = if number == 4 { JobKind::Check } else { JobKind::Backup };
        change!(store, |tx| tx.jobs().queue(&NewJob { kind, ..job(number, 1) }))?;
        change!(store, |tx| tx.logs().append(job_id(number), &[line(1)]))?;
    }
    for (number, state) in [(1, JobState::Succeeded), (2, JobState::Failed), (3, JobState::Succeeded), (4, JobState::Skipped)] {
        for _ in 0..2 {
            change!(store, |tx| tx.jobs().finish(job_id(number), at(40), &end(state)))?;
        }
    }
    let expected = [
        ended(JobKind::Backup, JobState::Failed, 1),
        ended(JobKind::Backup, JobState::Succeeded, 2),
        ended(JobKind::Check, JobState::Skipped, 1),
    ];
    let bytes = 4 * line(1).text.len() as u64;
    let mut read = store.read().await?;
    assert_eq!((read.metrics().ended_jobs().await?, read.metrics().log_bytes().await?), (expected.to_vec(), bytes));
    drop(read);
    change!(store, |tx| tx.jobs().collect(at(99), 9))?;
    let mut read = store.read().await?;
    assert_eq!((read.metrics().ended_jobs().await?, read.metrics().log_bytes().await?), (expected.to_vec(), bytes));
    Ok(())
}

pub async fn durations_fall_between_their_bounds(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    // The second is at its bound; the last never started.
    for (number, began, over) in [(1, Some(10), 10), (2, Some(10), 15), (3, Some(10), 16), (4, Some(10), 90_000), (5, None, 90_000)] {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
        if let Some(began) = began {
            change!(store, |tx| tx.jobs().start(job_id(number), at(began), None))?;
        }
        change!(store, |tx| tx.jobs().finish(job_id(number), at(over), &end(JobState::Succeeded)))?;
    }
    let counts = [1, 1, 1, 0, 0, 0, 0, 0, 0, 1];
    let milliseconds = (5 + 6 + 89_990) * 1000;
    let expected = [JobDurations { kind: JobKind::Backup, counts, milliseconds }];
    assert_eq!(store.read().await?.metrics().job_durations().await?, expected);
    Ok(())
}

pub async fn leases_are_counted_by_state(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for (number, state) in [(1, LeaseState::Held), (2, LeaseState::Held), (3, LeaseState::WaitsForFleet)] {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
        change!(store, |tx| tx.leases().take(&Lease { state, ..lease(number, 1, 1) }))?;
    }
    let tally = |state, leases| LeaseTally { state, leases };
    let expected = [tally(LeaseState::Held, 2), tally(LeaseState::WaitsForFleet, 1)];
    assert_eq!(store.read().await?.metrics().lease_tallies().await?, expected);
    Ok(())
}

pub async fn groups_show_their_last_backup_and_newest_snapshot(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    let of_group = NewJob { source_group: Some(group_id(2)), ..job(1, 1) };
    change!(store, |tx| tx.jobs().queue(&of_group))?;
    change!(store, |tx| tx.jobs().start(job_id(1), at(4), None))?;
    let mut done = end(JobState::Succeeded);
    done.statistics.files_new = 3;
    change!(store, |tx| tx.jobs().finish(job_id(1), at(9), &done))?;
    let tagged = |number, tags: &[String]| {
        let mut seen = listed(number);
        seen.tags = tags.to_vec();
        seen
    };
    let tag = group(2, 1, 1).tag;
    let newest = tagged(8, std::slice::from_ref(&tag));
    let listing = [tagged(7, std::slice::from_ref(&tag)), newest.clone(), tagged(9, &[tag, "kept".to_owned()]), tagged(10, &[])];
    change!(store, |tx| tx.snapshots().record_listing(host_id(1), repository_id(1), &listing, at(50)))?;

    let mut read = store.read().await?;
    let all = read.metrics().groups(None, 9).await?;
    assert_eq!(all.iter().map(|group| group.id).collect::<Vec<_>>(), [1, 2, 3, 4].map(group_id));
    assert_eq!((all[1].newest.as_ref(), all[1].snapshots), (Some(&newest), 2));
    assert_eq!((all[1].started, all[1].statistics.as_ref()), (Some(at(4)), Some(&done.statistics)));
    assert_eq!(all[1].last_backup, Some(last_backup(1, JobState::Succeeded, 9)));
    assert_eq!((all[1].host, all[1].repository, all[1].name.as_str()), (host_id(1), repository_id(1), group(2, 1, 1).name.as_str()));
    assert!(all[0].last_backup.is_none() && all[0].newest.is_none() && all[0].snapshots == 0);
    assert_eq!(read.metrics().groups(Some(group_id(2)), 1).await?, all[2..3]);
    drop(read);

    change!(store, |tx| tx.jobs().collect(at(99), 9))?;
    let mut read = store.read().await?;
    let kept = &read.metrics().groups(None, 2).await?[1];
    assert!(kept.last_backup.is_some() && kept.started.is_none() && kept.statistics.is_none());
    Ok(())
}

pub async fn repositories_show_their_newest_measurement_and_duties(store: &dyn Store) -> Result<(), Error> {
    const DAY: u32 = 86_400;
    fleet(store).await?;
    change!(store, |tx| tx.repositories().add(&repository(3)))?;
    for row in [measurement(1, 1), measurement(1, 3 * DAY), measurement(1, 2 * DAY), measurement(3, 1)] {
        change!(store, |tx| tx.measurements().record(&row))?;
    }
    let duties = [(1, JobKind::Check), (1, JobKind::Prune), (3, JobKind::Check)].map(|(number, kind)| duty(number, kind));
    for row in duties.iter().rev() {
        change!(store, |tx| tx.upkeep().set(row))?;
    }
    let mut read = store.read().await?;
    let newest = [measurement(1, 3 * DAY), measurement(3, 1)];
    assert_eq!(read.metrics().measured(None, 9).await?, newest);
    assert_eq!(read.metrics().measured(None, 1).await?, newest[..1]);
    assert_eq!(read.metrics().measured(Some(repository_id(1)), 9).await?, newest[1..]);
    assert_eq!(read.metrics().duties(None, 9).await?, duties);
    assert_eq!(read.metrics().duties(Some((repository_id(1), JobKind::Check)), 1).await?, duties[1..2]);
    assert_ne!(read.metrics().database_bytes().await?, Some(0));
    Ok(())
}

pub async fn notifications_are_counted_by_channel(store: &dyn Store) -> Result<(), Error> {
    for number in [1, 2] {
        change!(store, |tx| tx.channels().add(&channel(number)))?;
    }
    for (number, channel) in [(1, 1), (2, 1), (3, 2)] {
        change!(store, |tx| tx.deliveries().queue(&delivery(number, channel, 30)))?;
    }
    let over = |number, state| {
        let waiting = delivery(number, 1, 30);
        Delivery { state, due: None, ended: Some(at(90)), ..waiting }
    };
    let (arrived, failed) = (over(1, DeliveryState::Delivered), over(2, DeliveryState::Failed));
    for settled in [&arrived, &failed, &failed] {
        change!(store, |tx| tx.deliveries().settle(settled, settled.attempts))?;
    }
    let tally = |channel, state, deliveries| DeliveryTally { channel: channel_id(channel), state, deliveries };
    let expected = [
        tally(1, DeliveryState::Delivered, 1),
        tally(1, DeliveryState::Failed, 1),
        tally(2, DeliveryState::Waiting, 1),
    ];
    assert_eq!(store.read().await?.metrics().delivery_tallies().await?, expected);
    change!(store, |tx| tx.deliveries().purge_ended(at(99), 9))?;
    assert_eq!(store.read().await?.metrics().delivery_tallies().await?, expected, "never taken back");
    Ok(())
}

pub async fn what_ended_in_a_time_is_counted_within_a_scope(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let states = [JobState::Succeeded, JobState::Failed, JobState::Incomplete, JobState::Succeeded, JobState::Failed];
    for (number, state) in (1..).zip(states) {
        let host = if number == 5 { 2 } else { 1 };
        change!(store, |tx| tx.jobs().queue(&job(number, host)))?;
        change!(store, |tx| tx.jobs().finish(job_id(number), at(10 * number), &end(state)))?;
    }
    let mut read = store.read().await?;
    let found = read.metrics().ended_between(&Scope::All, at(20), at(50)).await?;
    let each = [JobState::Failed, JobState::Incomplete, JobState::Succeeded];
    assert_eq!(found, each.map(|state| ended(JobKind::Backup, state, 1)));
    let failed = read.metrics().failed_between(&Scope::All, at(0), at(99), 2).await?;
    assert_eq!(failed.iter().map(|job| job.id).collect::<Vec<_>>(), [job_id(5), job_id(3)]);
    let one = Scope::hosts([host_id(1)]);
    let failed = read.metrics().failed_between(&one, at(0), at(99), 9).await?;
    assert_eq!(failed.iter().map(|job| job.id).collect::<Vec<_>>(), [job_id(3), job_id(2)]);
    let counted = read.metrics().ended_between(&one, at(0), at(99)).await?;
    assert_eq!(counted.iter().map(|ended| ended.jobs).sum::<u64>(), 4);
    assert_eq!(read.metrics().ended_between(&Scope::All, at(51), at(99)).await?, []);
    Ok(())
}
