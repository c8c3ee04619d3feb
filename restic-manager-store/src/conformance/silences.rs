use super::samples::*;
use crate::{Error, ErrorKind, Store, silences::Silence};

pub async fn what_is_not_over_is_listed_by_its_end(store: &dyn Store) -> Result<(), Error> {
    let silences = [silence(1, 10, 40), silence(2, 5, 30), silence(3, 50, 60), silence(4, 1, 30)];
    for silence in &silences {
        change!(store, |tx| tx.silences().add(silence))?;
    }
    assert_kind(change!(store, |tx| tx.silences().add(&silence(1, 1, 2))), ErrorKind::Taken);
    let mut read = store.read().await?;
    assert_eq!(read.silences().find(silence(3, 0, 0).id).await?, Some(silences[2].clone()));
    let [first, second, third, fourth] = silences;
    for (moment, expected) in [
        (at(29), vec![&second, &fourth, &first, &third]),
        (at(30), vec![&first, &third]),
        (at(60), vec![]),
    ] {
        let found = read.silences().not_over(moment, 9).await?;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
    assert_eq!(read.silences().not_over(at(0), 1).await?, [second]);
    Ok(())
}

pub async fn one_is_ended_once_and_one_to_come_is_removed(store: &dyn Store) -> Result<(), Error> {
    for silence in [silence(1, 10, 40), silence(2, 20, 40), silence(3, 5, 12)] {
        change!(store, |tx| tx.silences().add(&silence))?;
    }
    let (begun, to_come, over) = (silence(1, 10, 40), silence(2, 0, 0).id, silence(3, 0, 0).id);
    assert!(change!(store, |tx| tx.silences().end(begun.id, at(12)))?);
    assert!(!change!(store, |tx| tx.silences().end(begun.id, at(13)))?, "it was over");
    assert!(change!(store, |tx| tx.silences().end(to_come, at(12)))?);
    assert!(!change!(store, |tx| tx.silences().end(over, at(12)))?);
    let mut read = store.read().await?;
    let ended = Silence { until: at(12), ..begun };
    assert_eq!(read.silences().find(ended.id).await?, Some(ended));
    assert_eq!(read.silences().find(to_come).await?, None);
    assert_eq!(read.silences().not_over(at(12), 9).await?, []);
    Ok(())
}

pub async fn purging_forgets_what_is_long_over(store: &dyn Store) -> Result<(), Error> {
    for silence in [silence(1, 1, 10), silence(2, 1, 20), silence(3, 1, 30)] {
        change!(store, |tx| tx.silences().add(&silence))?;
    }
    assert_eq!(change!(store, |tx| tx.silences().purge(at(20)))?, 1);
    assert_eq!(store.read().await?.silences().not_over(at(0), 9).await?, [silence(2, 1, 20), silence(3, 1, 30)]);
    Ok(())
}
