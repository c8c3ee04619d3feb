use restic_manager_proto::vocabulary::{Cause, DeletionVerdict, JobKind};

use super::samples::*;
use crate::{Error, ErrorKind, Store, upkeep::{DeletionTest, Duty}};

pub async fn a_duty_is_written_whole(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let first = duty(1, JobKind::Check);
    change!(store, |tx| tx.upkeep().set(&first))?;
    let second = Duty {
        every_hours: None,
        due: None,
        effective: Some(at(7)),
        failures: 3,
        job: Some(job_id(1)),
        last_job: Some(job_id(2)),
        last_cause: Some(Cause::AccessDenied),
        part: 9,
        ..first
    };
    change!(store, |tx| tx.upkeep().set(&second))?;
    assert_eq!(store.read().await?.upkeep().find(repository_id(1), JobKind::Check).await?, Some(second));
    assert_eq!(store.read().await?.upkeep().find(repository_id(1), JobKind::Prune).await?, None);
    assert_kind(change!(store, |tx| tx.upkeep().set(&duty(9, JobKind::Check))), ErrorKind::NotFound);
    Ok(())
}

pub async fn the_longest_due_come_first(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let due = |repository, kind, second| Duty { due: Some(at(second)), ..duty(repository, kind) };
    let duties = [due(1, JobKind::Forget, 5), due(2, JobKind::Prune, 3), due(1, JobKind::Check, 9)];
    for duty in &duties {
        change!(store, |tx| tx.upkeep().set(duty))?;
    }
    change!(store, |tx| tx.upkeep().set(&Duty { due: None, ..duty(2, JobKind::Check) }))?;
    let [forget, prune, check] = &duties;
    let mut read = store.read().await?;
    assert_eq!(read.upkeep().due(at(8), 9).await?, [prune.clone(), forget.clone()]);
    assert_eq!(read.upkeep().due(at(99), 1).await?, std::slice::from_ref(prune));
    assert_eq!(read.upkeep().of_repository(repository_id(1)).await?, [check.clone(), forget.clone()]);
    Ok(())
}

pub async fn duties_go_with_their_repository(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.repositories().add(&repository(3)))?;
    change!(store, |tx| tx.upkeep().set(&duty(3, JobKind::Prune)))?;
    change!(store, |tx| tx.repositories().delete(repository_id(3), at(9)))?;
    assert_eq!(store.read().await?.upkeep().of_repository(repository_id(3)).await?, []);
    assert_eq!(store.read().await?.upkeep().due(at(99), 9).await?, []);
    Ok(())
}

pub async fn a_runner_is_appointed(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let version = change!(store, |tx| tx.repositories().appoint(repository_id(1), Some(host_id(2)), Some(3), 1))?;
    assert_kind(
        change!(store, |tx| tx.repositories().appoint(repository_id(1), None, None, 1)),
        ErrorKind::Conflict,
    );
    let mut read = store.read().await?;
    let stored = read.repositories().find(repository_id(1)).await?.expect("it is there");
    assert_eq!((stored.runner, stored.parallel, stored.version), (Some(host_id(2)), Some(3), version));
    assert_eq!(read.repositories().runners().await?, [host_id(2)]);
    drop(read);
    assert_kind(change!(store, |tx| tx.attachments().detach(host_id(2), repository_id(1))), ErrorKind::InUse);
    change!(store, |tx| tx.repositories().appoint(repository_id(1), None, None, version))?;
    assert_eq!(store.read().await?.repositories().runners().await?, []);
    change!(store, |tx| tx.attachments().detach(host_id(2), repository_id(1)))?;
    Ok(())
}

pub async fn the_newest_deletion_test_counts_until_it_is_discarded(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let first = deletion_test(1, 1);
    let second = DeletionTest { verdict: DeletionVerdict::Possible, ..deletion_test(1, 2) };
    for test in [first, second, deletion_test(2, 3)] {
        change!(store, |tx| tx.upkeep().record_deletion_test(&test))?;
    }
    assert_eq!(store.read().await?.upkeep().deletion_test(repository_id(1)).await?, Some(second));
    assert!(change!(store, |tx| tx.upkeep().discard_deletion_test(repository_id(1)))?);
    assert!(!change!(store, |tx| tx.upkeep().discard_deletion_test(repository_id(1)))?);
    let mut read = store.read().await?;
    assert_eq!(read.upkeep().deletion_test(repository_id(1)).await?, None);
    assert_eq!(read.upkeep().deletion_test(repository_id(2)).await?, Some(deletion_test(2, 3)));
    drop(read);
    let unknown = deletion_test(9, 1);
    assert_kind(change!(store, |tx| tx.upkeep().record_deletion_test(&unknown)), ErrorKind::NotFound);
    Ok(())
}
