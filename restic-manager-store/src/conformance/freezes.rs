use restic_manager_proto::vocabulary::FreezeCause;

use super::samples::*;
use crate::{Error, ErrorKind, Store, freezes::Freeze};

pub async fn a_thing_is_frozen_once_for_a_cause(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    let (whole, part) = (freeze(1, 1, None), freeze(2, 1, Some(1)));
    let other = Freeze { cause: FreezeCause::KeepsLess, ..freeze(3, 1, Some(1)) };
    for (freeze, is_news) in [
        (&whole, true),
        (&part, true),
        (&other, true),
        (&freeze(4, 1, None), false),
        (&freeze(5, 1, Some(1)), false),
        (&freeze(6, 2, None), true),
    ] {
        assert_eq!(change!(store, |tx| tx.freezes().add(freeze))?, is_news, "{freeze:?}");
    }
    let mut read = store.read().await?;
    assert_eq!(read.freezes().of_repository(repository_id(1)).await?, [whole.clone(), part, other]);
    assert_eq!(read.freezes().find(whole.id).await?, Some(whole.clone()));
    drop(read);
    assert!(change!(store, |tx| tx.freezes().lift(whole.id))?);
    assert!(!change!(store, |tx| tx.freezes().lift(whole.id))?);
    assert!(change!(store, |tx| tx.freezes().add(&whole))?, "what was lifted can be frozen again");
    for unknown in [freeze(7, 9, None), freeze(7, 1, Some(9)), freeze(7, 2, Some(1))] {
        assert_kind(change!(store, |tx| tx.freezes().add(&unknown)), ErrorKind::NotFound);
    }
    Ok(())
}

pub async fn a_freeze_follows_its_source_group(store: &dyn Store) -> Result<(), Error> {
    planned(store).await?;
    change!(store, |tx| tx.freezes().add(&freeze(1, 1, Some(1))))?;
    change!(store, |tx| tx.freezes().add(&freeze(2, 1, Some(2))))?;
    change!(store, |tx| tx.sources().update(&group(1, 1, 2), 1))?;
    let mut read = store.read().await?;
    assert_eq!(read.freezes().of_repository(repository_id(2)).await?, [freeze(1, 2, Some(1))]);
    assert_eq!(read.freezes().of_repository(repository_id(1)).await?, [freeze(2, 1, Some(2))]);
    drop(read);
    change!(store, |tx| tx.sources().delete(group_id(1)))?;
    assert_eq!(store.read().await?.freezes().of_repository(repository_id(2)).await?, []);
    change!(store, |tx| tx.hosts().delete(host_id(1), at(9)))?;
    while !change!(store, |tx| tx.hosts().purge(host_id(1), 100))? {}
    assert_eq!(store.read().await?.freezes().find(freeze(2, 1, None).id).await?, None);
    Ok(())
}
