use super::samples::*;
use crate::{Error, ErrorKind, Store, measurements::Measurement};

const HOURS: u32 = 3600;

pub async fn a_day_keeps_its_newest(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let [first, second, third] = [1, 5, 30].map(|hour| measurement(1, hour * HOURS));
    for row in [second, first, third, measurement(2, HOURS)] {
        change!(store, |tx| tx.measurements().record(&row))?;
    }
    let mut read = store.read().await?;
    assert_eq!(read.measurements().history(repository_id(1), 9).await?, [second, third], "the first came late");
    assert_eq!(read.measurements().history(repository_id(1), 1).await?, [third], "the newest day");
    assert_eq!(read.measurements().history(repository_id(3), 9).await?, []);
    drop(read);
    let unknown = Measurement { repository: repository_id(9), ..first };
    assert_kind(change!(store, |tx| tx.measurements().record(&unknown)), ErrorKind::NotFound);
    Ok(())
}

pub async fn old_ones_are_purged_in_batches(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let days = [1, 30, 60, 90].map(|hour| measurement(1, hour * HOURS));
    for row in &days {
        change!(store, |tx| tx.measurements().record(row))?;
    }
    let before = days[3].at;
    assert_eq!(change!(store, |tx| tx.measurements().purge(before, 2))?, 2);
    assert_eq!(change!(store, |tx| tx.measurements().purge(before, 2))?, 1);
    assert_eq!(change!(store, |tx| tx.measurements().purge(before, 2))?, 0);
    assert_eq!(store.read().await?.measurements().history(repository_id(1), 9).await?, [days[3]]);
    Ok(())
}

pub async fn they_go_with_their_repository(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.repositories().add(&repository(3)))?;
    change!(store, |tx| tx.measurements().record(&measurement(3, HOURS)))?;
    change!(store, |tx| tx.repositories().delete(repository_id(3), at(9)))?;
    assert_eq!(store.read().await?.measurements().history(repository_id(3), 9).await?, []);
    Ok(())
}
