use restic_manager_proto::{
    JobEnd, JobId, Scope,
    vocabulary::{Cause, JobKind, JobState},
};

use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, Store,
    hosts::{Host, LastBackup},
    jobs::{Job, JobScope, NewJob, Slots},
    sources::SourceGroup,
};

async fn stored(store: &dyn Store, number: u32) -> Result<Job, Error> {
    let job = store.read().await?.jobs().find(job_id(number)).await?;
    job.ok_or(Error::new(ErrorKind::NotFound, "job"))
}

async fn stored_host(store: &dyn Store, number: u32) -> Result<Host, Error> {
    let host = store.read().await?.hosts().find(host_id(number)).await?;
    host.ok_or(Error::new(ErrorKind::NotFound, "host"))
}

pub async fn a_life_from_question_to_end(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    assert_kind(change!(store, |tx| tx.jobs().queue(&job(1, 1))), ErrorKind::Taken);
    let queued = stored(store, 1).await?;
    assert_eq!((queued.state, queued.cause, queued.attempt), (JobState::Queued, Cause::None, 0));
    assert_eq!((queued.kind, queued.created, queued.end_by), (JobKind::Backup, at(1), Some(at(601))));
    change!(store, |tx| tx.jobs().dispatch(job_id(1), at(2)))?;
    change!(store, |tx| tx.jobs().requeue(job_id(1)))?;
    change!(store, |tx| tx.jobs().dispatch(job_id(1), at(3)))?;
    assert!(change!(store, |tx| tx.jobs().start(job_id(1), at(4), Some("restic backup")))?);
    assert!(!change!(store, |tx| tx.jobs().start(job_id(1), at(5), None))?);
    assert_eq!(stored_host(store, 1).await?.running_job, Some(job_id(1)));
    let mut end = end(JobState::Incomplete);
    end.cause = Cause::SourceUnreadable;
    end.detail = "3 files".into();
    end.exit_code = Some(3);
    end.lock_left = true;
    end.statistics.snapshot = Some("ab".repeat(32));
    end.statistics.files_new = 3;
    assert!(change!(store, |tx| tx.jobs().finish(job_id(1), at(9), &end))?);
    let ended = stored(store, 1).await?;
    let expected = Job {
        state: JobState::Incomplete,
        cause: Cause::SourceUnreadable,
        detail: "3 files".into(),
        dispatched: Some(at(3)),
        started: Some(at(4)),
        ended: Some(at(9)),
        attempt: 2,
        statistics: Some(end.statistics),
        exit_code: Some(3),
        lock_left: true,
        command: Some("restic backup".into()),
        ..queued
    };
    assert_eq!(ended, expected);
    assert_eq!(stored_host(store, 1).await?.running_job, None);
    Ok(())
}

pub async fn the_first_end_stays(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    let not_an_end = change!(store, |tx| tx.jobs().finish(job_id(1), at(5), &end(JobState::Running)));
    assert_kind(not_an_end, ErrorKind::Conflict);
    assert!(change!(store, |tx| tx.jobs().finish(job_id(1), at(5), &end(JobState::Cancelled)))?);
    assert!(!change!(store, |tx| tx.jobs().finish(job_id(1), at(6), &end(JobState::Succeeded)))?);
    assert!(!change!(store, |tx| tx.jobs().start(job_id(1), at(7), None))?);
    assert!(!change!(store, |tx| tx.jobs().request_cancel(job_id(1), at(7)))?);
    let job = stored(store, 1).await?;
    assert_eq!((job.state, job.ended, job.cancel_requested), (JobState::Cancelled, Some(at(5)), None));
    let unknown = change!(store, |tx| tx.jobs().finish(job_id(9), at(5), &end(JobState::Failed)));
    assert_kind(unknown, ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.jobs().start(job_id(9), at(7), None)), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.jobs().request_cancel(job_id(9), at(7))), ErrorKind::NotFound);
    Ok(())
}

pub async fn only_a_queued_job_is_dispatched(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    assert_kind(change!(store, |tx| tx.jobs().requeue(job_id(1))), ErrorKind::Conflict);
    change!(store, |tx| tx.jobs().dispatch(job_id(1), at(2)))?;
    assert_kind(change!(store, |tx| tx.jobs().dispatch(job_id(1), at(2))), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.jobs().dispatch(job_id(9), at(2))), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.jobs().requeue(job_id(9))), ErrorKind::NotFound);
    Ok(())
}

pub async fn claims_take_the_oldest(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in [3, 1, 2] {
        change!(store, |tx| tx.jobs().queue(&job(number, 1 + number % 2)))?;
    }
    let claimed = change!(store, |tx| tx.jobs().claim_queued(host_id(2), at(9)))?;
    assert_eq!(claimed, Some(stored(store, 1).await?));
    assert_eq!(stored(store, 1).await?.state, JobState::Dispatched);
    let claimed = change!(store, |tx| tx.jobs().claim_queued(host_id(2), at(9)))?;
    assert_eq!(claimed.map(|job| job.id), Some(job_id(3)));
    assert_eq!(change!(store, |tx| tx.jobs().claim_queued(host_id(2), at(9)))?, None);
    let active = store.read().await?.jobs().active_of(host_id(2)).await?;
    assert_eq!(active.iter().map(|job| job.id).collect::<Vec<_>>(), [job_id(1), job_id(3)]);
    Ok(())
}

pub async fn a_cancelled_job_is_not_claimed(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    assert!(change!(store, |tx| tx.jobs().request_cancel(job_id(1), at(2)))?);
    assert!(!change!(store, |tx| tx.jobs().request_cancel(job_id(1), at(3)))?);
    assert_eq!(stored(store, 1).await?.cancel_requested, Some(at(2)));
    assert_eq!(change!(store, |tx| tx.jobs().claim_queued(host_id(1), at(4)))?, None);
    assert_kind(change!(store, |tx| tx.jobs().dispatch(job_id(1), at(4))), ErrorKind::Conflict);
    Ok(())
}

pub async fn the_host_shows_its_last_backup(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=4 {
        let kind = if number == 4 { JobKind::CheckRepository } else { JobKind::Backup };
        change!(store, |tx| tx.jobs().queue(&NewJob { kind, ..job(number, 1) }))?;
        change!(store, |tx| tx.jobs().start(job_id(number), at(number), None))?;
    }
    assert_eq!(stored_host(store, 1).await?.running_job, Some(job_id(4)));
    let mut good = end(JobState::Succeeded);
    good.statistics.bytes_processed = 5_000_000_000;
    change!(store, |tx| tx.jobs().finish(job_id(1), at(20), &good))?;
    change!(store, |tx| tx.jobs().finish(job_id(4), at(21), &end(JobState::Failed)))?;
    let host = stored_host(store, 1).await?;
    let last = LastBackup {
        job: job_id(1),
        state: JobState::Succeeded,
        cause: Cause::None,
        ended: at(20),
        bytes_processed: 5_000_000_000,
    };
    assert_eq!((host.last_backup, host.last_good_backup), (Some(last), Some(at(20))));
    assert_eq!(host.running_job, Some(job_id(3)));
    change!(store, |tx| tx.jobs().finish(job_id(2), at(30), &end(JobState::Failed)))?;
    let host = stored_host(store, 1).await?;
    assert_eq!(host.last_backup.map(|last| (last.job, last.state)), Some((job_id(2), JobState::Failed)));
    assert_eq!(host.last_good_backup, Some(at(20)));
    Ok(())
}

pub async fn a_group_keeps_its_last_verdict(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=2 {
        change!(store, |tx| tx.sources().add(&group(number, 1, 1)))?;
    }
    let states = [JobState::Succeeded, JobState::Failed, JobState::Skipped, JobState::Cancelled];
    for (number, state) in (1..).zip(states) {
        let of_group = NewJob { source_group: Some(group_id(1)), ..job(number, 1) };
        change!(store, |tx| tx.jobs().queue(&of_group))?;
        let ended = JobEnd::new(state, Cause::None);
        change!(store, |tx| tx.jobs().finish(job_id(number), at(20 + number), &ended))?;
    }
    let renamed = SourceGroup { name: "Renamed".into(), last_backup: None, ..group(1, 1, 1) };
    change!(store, |tx| tx.sources().update(&renamed, 1))?;
    let mut read = store.read().await?;
    let groups = read.sources().of_host(host_id(1)).await?;
    let found: Vec<_> = groups.into_iter().map(|group| (group.id, group.last_backup)).collect();
    let failed = last_backup(2, JobState::Failed, 22);
    assert_eq!(found, [(group_id(2), None), (group_id(1), Some(failed))]);
    Ok(())
}

pub async fn overdue_jobs_are_found(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=7 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
    }
    change!(store, |tx| tx.jobs().queue(&NewJob { dispatch_by: None, end_by: None, ..job(8, 1) }))?;
    change!(store, |tx| tx.jobs().start(job_id(1), at(5), None))?;
    change!(store, |tx| tx.jobs().finish(job_id(2), at(6), &end(JobState::Failed)))?;
    change!(store, |tx| tx.jobs().dispatch(job_id(5), at(6)))?;
    change!(store, |tx| tx.jobs().start(job_id(6), at(6), None))?;
    for cancelled in [6, 7] {
        change!(store, |tx| tx.jobs().request_cancel(job_id(cancelled), at(7)))?;
    }
    let mut read = store.read().await?;
    let mut overdue = async |second, limit| -> Result<Vec<_>, Error> {
        let jobs = read.jobs().overdue(at(second), limit).await?;
        Ok(jobs.iter().map(|job| job.id).collect())
    };
    assert_eq!(overdue(62, 9).await?, [job_id(6)], "a running job that shall be cancelled");
    assert_eq!(overdue(63, 9).await?, [job_id(3), job_id(6)], "a queued job that waited too long");
    let queued = [job_id(3), job_id(4), job_id(6), job_id(7)];
    assert_eq!(overdue(601, 9).await?[1..], queued, "a dispatched job is not late for its dispatch");
    assert_eq!(overdue(601, 1).await?, [job_id(1)], "a running job that takes too long");
    let all = [1, 3, 4, 5, 6, 7].map(job_id);
    assert_eq!(overdue(9999, 9).await?, all);
    Ok(())
}

pub async fn scopes_show_their_jobs(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=6 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1 + number / 4)))?;
    }
    change!(store, |tx| tx.jobs().start(job_id(2), at(5), None))?;
    change!(store, |tx| tx.jobs().start(job_id(5), at(5), None))?;
    let mut read = store.read().await?;
    let cases = [
        (JobScope::Fleet, vec![6, 5, 4, 3, 2, 1]),
        (JobScope::Host(host_id(1)), vec![3, 2, 1]),
        (JobScope::Repository(repository_id(2)), vec![5, 3, 1]),
        (JobScope::SourceGroup(group_id(0)), vec![6, 4, 2]),
        (JobScope::State(JobState::Running), vec![5, 2]),
        (JobScope::HostState(host_id(2), JobState::Queued), vec![6, 4]),
    ];
    for (scope, expected) in cases {
        let mut found = Vec::new();
        let mut request = PageRequest::first(2);
        loop {
            let page = read.jobs().page(scope, &Scope::All, request).await?;
            found.extend(page.items.iter().map(|job| job.id));
            let Some(next) = page.next else { break };
            request = PageRequest::after(next, 2);
        }
        assert_eq!(found, expected.into_iter().map(job_id).collect::<Vec<_>>(), "{scope:?}");
    }
    Ok(())
}

pub async fn a_slot_has_one_job(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let slots = Slots::one(schedule_id(1), at(60));
    let of_slot = |number, slots| NewJob { slots: Some(slots), source_group: Some(group_id(1)), ..job(number, 1) };
    change!(store, |tx| tx.jobs().queue(&of_slot(1, slots)))?;
    assert_kind(change!(store, |tx| tx.jobs().queue(&of_slot(2, slots))), ErrorKind::Taken);
    let other_group = NewJob { source_group: Some(group_id(2)), ..of_slot(3, slots) };
    change!(store, |tx| tx.jobs().queue(&other_group))?;
    let range = Slots { last: at(500), count: 4, ..Slots::one(schedule_id(1), at(120)) };
    change!(store, |tx| tx.jobs().queue(&of_slot(4, range)))?;
    change!(store, |tx| tx.jobs().queue(&of_slot(5, Slots::one(schedule_id(2), at(60)))))?;
    assert_eq!(stored(store, 4).await?.slots, Some(range));
    let mut read = store.read().await?;
    let mut job_of = async |slot, group| read.jobs().in_slot(schedule_id(1), at(slot), group_id(group)).await;
    assert_eq!(job_of(60, 1).await?, Some(job_id(1)));
    assert_eq!(job_of(60, 2).await?, Some(job_id(3)));
    assert_eq!(job_of(120, 1).await?, Some(job_id(4)));
    assert_eq!(job_of(61, 1).await?, None);
    Ok(())
}

pub async fn what_was_skipped_is_no_last_backup(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for (number, state) in [(1, JobState::Failed), (2, JobState::Skipped)] {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
        change!(store, |tx| tx.jobs().finish(job_id(number), at(20 + number), &end(state)))?;
    }
    let last = stored_host(store, 1).await?.last_backup;
    assert_eq!(last.map(|last| (last.job, last.state)), Some((job_id(1), JobState::Failed)));
    Ok(())
}

pub async fn jobs_of_a_time_are_found_by_their_ids(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let id = |second| JobId::from_parts(at(second), [1; 10]);
    for second in [10, 20, 30] {
        change!(store, |tx| tx.jobs().queue(&NewJob { id: id(second), ..job(second, 1) }))?;
    }
    let mut read = store.read().await?;
    let scope = JobScope::HostWithin(host_id(1), at(10), at(30));
    let first = read.jobs().page(scope, &Scope::All, PageRequest::first(1)).await?;
    assert_eq!(first.items[0].id, id(20));
    let next = first.next.ok_or(Error::new(ErrorKind::NotFound, "job"))?;
    let second = read.jobs().page(scope, &Scope::All, PageRequest::after(next, 5)).await?;
    assert_eq!((second.items.len(), second.items[0].id, second.next), (1, id(10), None));
    Ok(())
}

pub async fn tallies_follow(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=20 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
    }
    for number in 1..=3 {
        change!(store, |tx| tx.jobs().start(job_id(number), at(number), None))?;
    }
    change!(store, |tx| tx.jobs().finish(job_id(1), at(30), &end(JobState::Succeeded)))?;
    change!(store, |tx| tx.jobs().finish(job_id(9), at(30), &end(JobState::Skipped)))?;
    let tallies = store.read().await?.jobs().tallies().await?;
    use JobState::{Queued, Running, Skipped, Succeeded};
    assert_eq!(tallies, [(Queued, 16), (Running, 2), (Succeeded, 1), (Skipped, 1)]);
    change!(store, |tx| tx.jobs().collect(at(31), 9))?;
    let tallies = store.read().await?.jobs().tallies().await?;
    assert_eq!(tallies, [(Queued, 16), (Running, 2)]);
    Ok(())
}

pub async fn collection_spares_active_jobs(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=4 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
        change!(store, |tx| tx.logs().append(job_id(number), &[line(1)]))?;
    }
    for (number, second) in [(1, 40), (2, 30), (4, 50)] {
        change!(store, |tx| tx.jobs().finish(job_id(number), at(second), &end(JobState::Succeeded)))?;
    }
    let ends = [(0, Some(at(50))), (2, Some(at(30))), (3, None)];
    for (newest, end) in ends {
        assert_eq!(store.read().await?.jobs().end_before(newest).await?, end);
        assert_eq!(store.read().await?.logs().end_before(newest).await?, end);
    }
    assert_eq!(change!(store, |tx| tx.logs().discard(at(31), 9))?, 1);
    assert_eq!(store.read().await?.logs().end_before(2).await?, None, "its lines are gone");
    assert_eq!(change!(store, |tx| tx.jobs().collect(at(50), 1))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.jobs().find(job_id(2)).await?, None, "the one that ended first goes first");
    assert_eq!(read.logs().lines(job_id(2), 1, 9).await?, []);
    drop(read);
    assert_eq!(change!(store, |tx| tx.jobs().collect(at(50), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.jobs().collect(at(9999), 9))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.jobs().page(JobScope::Fleet, &Scope::All, PageRequest::first(9)).await?.items.len(), 1);
    assert_eq!(read.logs().lines(job_id(3), 1, 9).await?, [line(1)]);
    Ok(())
}

pub async fn hostile_text_is_stored(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    change!(store, |tx| tx.jobs().start(job_id(1), at(1), Some("restic \0 \u{202e}")))?;
    let mut end = end(JobState::Failed);
    end.detail = "nul \0, quote ' \" and \n".into();
    change!(store, |tx| tx.jobs().finish(job_id(1), at(5), &end))?;
    let job = stored(store, 1).await?;
    assert_eq!(job.detail, "nul \u{fffd}, quote ' \" and \n");
    assert_eq!(job.command.as_deref(), Some("restic \u{fffd} \u{202e}"));
    Ok(())
}
