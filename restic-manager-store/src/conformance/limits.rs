use super::samples::*;
use crate::{Error, Store, limits::Lane};

const LANES: [Lane; 2] = [Lane::new([1; 32]), Lane::new([2; 32])];

pub async fn a_lane_keeps_its_moment(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.limits().set(&LANES[0], at(5)))?;
    change!(store, |tx| tx.limits().set(&LANES[0], at(3)))?;
    let mut read = store.read().await?;
    assert_eq!(read.limits().full_at(&LANES[0]).await?, Some(at(3)), "it may also move back");
    assert_eq!(read.limits().full_at(&LANES[1]).await?, None);
    Ok(())
}

pub async fn purging_forgets_whole_ones(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.limits().set(&LANES[0], at(5)))?;
    change!(store, |tx| tx.limits().set(&LANES[1], at(6)))?;
    assert_eq!(change!(store, |tx| tx.limits().purge(at(6)))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.limits().full_at(&LANES[0]).await?, None);
    assert_eq!(read.limits().full_at(&LANES[1]).await?, Some(at(6)));
    Ok(())
}
