use super::samples::*;
use restic_manager_proto::Scope;

use crate::{
    Error, Store,
    backup_days::{BackupDay, Grown},
};

pub async fn a_day_adds_up_and_keeps_the_newest_size(store: &dyn Store) -> Result<(), Error> {
    let (first, other) = (backup_day(1, 7, 1), backup_day(1, 7, 2));
    let later = BackupDay { bytes_processed: 5, bytes_added: 10, ..first };
    let next = backup_day(1, 8, 1);
    for row in [first, other, next, backup_day(2, 7, 3), later] {
        change!(store, |tx| tx.backup_days().note(&row))?;
    }
    let whole = BackupDay {
        runs: 2 * first.runs,
        bytes_processed: 5,
        bytes_added: first.bytes_added + 10,
        milliseconds: 2 * first.milliseconds,
        ..first
    };
    let mut read = store.read().await?;
    assert_eq!(read.backup_days().of_host(host_id(1), 0).await?, [whole, other, next]);
    assert_eq!(read.backup_days().of_host(host_id(1), 8).await?, [next]);
    assert_eq!(read.backup_days().of_host(host_id(9), 0).await?, []);
    Ok(())
}

pub async fn old_ones_are_purged_in_batches(store: &dyn Store) -> Result<(), Error> {
    for day in 1..=4 {
        change!(store, |tx| tx.backup_days().note(&backup_day(1, day, 1)))?;
    }
    assert_eq!(change!(store, |tx| tx.backup_days().purge(4, 2))?, 2);
    assert_eq!(change!(store, |tx| tx.backup_days().purge(4, 2))?, 1);
    assert_eq!(change!(store, |tx| tx.backup_days().purge(4, 2))?, 0);
    assert_eq!(store.read().await?.backup_days().of_host(host_id(1), 0).await?, [backup_day(1, 4, 1)]);
    Ok(())
}

pub async fn they_go_with_a_purged_host(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for host in [1, 2] {
        change!(store, |tx| tx.backup_days().note(&backup_day(host, 1, host)))?;
    }
    change!(store, |tx| tx.hosts().delete(host_id(1), at(9)))?;
    assert_eq!(store.read().await?.backup_days().of_host(host_id(1), 0).await?.len(), 1);
    while !change!(store, |tx| tx.hosts().purge(host_id(1), 9))? {}
    let mut read = store.read().await?;
    assert_eq!(read.backup_days().of_host(host_id(1), 0).await?, []);
    assert_eq!(read.backup_days().of_host(host_id(2), 0).await?.len(), 1);
    Ok(())
}

pub async fn those_that_grew_most_come_first(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for (host, day, group, bytes_added) in [(1, 1, 1, 900), (1, 7, 1, 10), (1, 8, 1, 30), (1, 8, 2, 50), (2, 8, 3, 0)] {
        let row = BackupDay { bytes_added, ..backup_day(host, day, group) };
        change!(store, |tx| tx.backup_days().note(&row))?;
    }
    let grown = |group, bytes_added| Grown { host: host_id(1), source_group: group_id(group), bytes_added };
    let mut read = store.read().await?;
    assert_eq!(read.backup_days().most_grown(&Scope::All, 7, 9).await?, [grown(2, 50), grown(1, 40)]);
    assert_eq!(read.backup_days().most_grown(&Scope::All, 1, 1).await?, [grown(1, 940)]);
    assert_eq!(read.backup_days().most_grown(&Scope::hosts([host_id(2)]), 1, 9).await?, []);
    Ok(())
}
