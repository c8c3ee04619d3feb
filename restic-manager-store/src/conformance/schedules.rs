use restic_manager_proto::Misfire;

use super::samples::*;
use crate::{Error, ErrorKind, Store, schedules::Schedule};

pub async fn names_are_unique_on_their_host(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    change!(store, |tx| tx.schedules().add(&Schedule { version: 5, ..schedule(2, 1) }))?;
    change!(store, |tx| tx.schedules().add(&schedule(1, 1)))?;
    assert_kind(change!(store, |tx| tx.schedules().add(&schedule(1, 1))), ErrorKind::Taken);
    let same = Schedule { name: "SCHEDULE 2".into(), ..schedule(3, 1) };
    assert_kind(change!(store, |tx| tx.schedules().add(&same)), ErrorKind::Taken);
    let elsewhere = Schedule { name: "Schedule 2".into(), ..schedule(3, 2) };
    change!(store, |tx| tx.schedules().add(&elsewhere))?;
    assert_kind(change!(store, |tx| tx.schedules().add(&schedule(4, 9))), ErrorKind::NotFound);
    let mut read = store.read().await?;
    assert_eq!(read.schedules().of_host(host_id(1)).await?, [schedule(1, 1), schedule(2, 1)]);
    assert_eq!(read.schedules().find(schedule_id(2)).await?, Some(schedule(2, 1)));
    assert_eq!(read.schedules().find(schedule_id(9)).await?, None);
    Ok(())
}

pub async fn the_groups_belong_to_the_host(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    for strange in [vec![group_id(3)], vec![group_id(9)], vec![group_id(1), group_id(1)]] {
        let schedule = Schedule { groups: strange, ..schedule(1, 1) };
        assert_kind(change!(store, |tx| tx.schedules().add(&schedule)), ErrorKind::NotFound);
    }
    change!(store, |tx| tx.schedules().add(&schedule(1, 1)))?;
    let moved = Schedule { groups: vec![group_id(3)], ..schedule(1, 1) };
    assert_kind(change!(store, |tx| tx.schedules().update(&moved, 1)), ErrorKind::NotFound);
    Ok(())
}

pub async fn groups_keep_their_order(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    let first = Schedule { groups: vec![group_id(2), group_id(1)], ..schedule(1, 1) };
    change!(store, |tx| tx.schedules().add(&first))?;
    assert_eq!(store.read().await?.schedules().find(first.id).await?, Some(first.clone()));
    let none = Schedule { groups: vec![], ..first.clone() };
    change!(store, |tx| tx.schedules().update(&none, 1))?;
    let both = Schedule { groups: vec![group_id(1), group_id(2)], ..first };
    change!(store, |tx| tx.schedules().update(&both, 2))?;
    let stored = store.read().await?.schedules().of_host(host_id(1)).await?;
    assert_eq!(stored, [Schedule { version: 3, ..both }]);
    Ok(())
}

pub async fn an_update_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    change!(store, |tx| tx.schedules().add(&schedule(1, 1)))?;
    change!(store, |tx| tx.schedules().add(&schedule(2, 1)))?;
    let changed = Schedule {
        name: "Weekly".into(),
        cron: "0 3 * * sun".into(),
        zone: "Asia/Kathmandu".into(),
        misfire: Misfire::Skip,
        jitter_seconds: 0,
        enabled: false,
        since: at(50),
        host: host_id(2),
        created: at(99),
        ..schedule(1, 1)
    };
    assert_eq!(change!(store, |tx| tx.schedules().update(&changed, 1))?, 2);
    assert_kind(change!(store, |tx| tx.schedules().update(&changed, 1)), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.schedules().update(&schedule(9, 1), 1)), ErrorKind::NotFound);
    let clash = Schedule { name: "weekly".into(), ..schedule(2, 1) };
    assert_kind(change!(store, |tx| tx.schedules().update(&clash, 1)), ErrorKind::Taken);
    let stored = store.read().await?.schedules().find(schedule_id(1)).await?;
    assert_eq!(stored, Some(Schedule { host: host_id(1), created: at(1), version: 2, ..changed }));
    Ok(())
}

pub async fn a_group_in_use_cannot_go(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    change!(store, |tx| tx.schedules().add(&schedule(1, 1)))?;
    assert_kind(change!(store, |tx| tx.sources().delete(group_id(1))), ErrorKind::InUse);
    change!(store, |tx| tx.sources().delete(group_id(2)))?;
    change!(store, |tx| tx.schedules().delete(schedule_id(1)))?;
    assert_kind(change!(store, |tx| tx.schedules().delete(schedule_id(1))), ErrorKind::NotFound);
    change!(store, |tx| tx.sources().delete(group_id(1)))?;
    Ok(())
}
