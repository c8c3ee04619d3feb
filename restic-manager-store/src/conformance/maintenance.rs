use super::samples::*;
use crate::{Error, ErrorKind, Store, maintenance::MaintenanceWindow};

pub async fn what_is_not_over_is_listed_by_its_end(store: &dyn Store) -> Result<(), Error> {
    let windows = [window(1, 10, 40), window(2, 5, 30), window(3, 50, 60), window(4, 1, 30)];
    for window in &windows {
        change!(store, |tx| tx.maintenance().add(window))?;
    }
    assert_kind(change!(store, |tx| tx.maintenance().add(&window(1, 1, 2))), ErrorKind::Taken);
    let mut read = store.read().await?;
    assert_eq!(read.maintenance().find(window(3, 0, 0).id).await?, Some(windows[2].clone()));
    let [first, second, third, fourth] = windows;
    for (moment, expected) in [
        (at(29), vec![&second, &fourth, &first, &third]),
        (at(30), vec![&first, &third]),
        (at(60), vec![]),
    ] {
        let found = read.maintenance().not_over(moment, 9).await?;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(read.maintenance().not_over(at(0), 1).await?, [second]);
    Ok(())
}

pub async fn one_is_ended_once_and_one_to_come_is_removed(store: &dyn Store) -> Result<(), Error> {
    for window in [window(1, 10, 40), window(2, 20, 40), window(3, 5, 12)] {
        change!(store, |tx| tx.maintenance().add(&window))?;
    }
    let (begun, to_come, over) = (window(1, 10, 40), window(2, 0, 0).id, window(3, 0, 0).id);
    assert!(change!(store, |tx| tx.maintenance().end(begun.id, at(12)))?);
    assert!(!change!(store, |tx| tx.maintenance().end(begun.id, at(13)))?, "it was over");
    assert!(change!(store, |tx| tx.maintenance().end(to_come, at(12)))?);
    assert!(!change!(store, |tx| tx.maintenance().end(over, at(12)))?);
    let mut read = store.read().await?;
    let ended = MaintenanceWindow { until: at(12), ..begun };
    assert_eq!(read.maintenance().find(ended.id).await?, Some(ended));
    assert_eq!(read.maintenance().find(to_come).await?, None);
    assert_eq!(read.maintenance().not_over(at(12), 9).await?, []);
    Ok(())
}

pub async fn purging_forgets_what_is_long_over(store: &dyn Store) -> Result<(), Error> {
    for window in [window(1, 1, 10), window(2, 1, 20), window(3, 1, 30)] {
        change!(store, |tx| tx.maintenance().add(&window))?;
    }
    assert_eq!(change!(store, |tx| tx.maintenance().purge(at(20)))?, 1);
    assert_eq!(store.read().await?.maintenance().not_over(at(0), 9).await?, [window(2, 1, 20), window(3, 1, 30)]);
    Ok(())
}
