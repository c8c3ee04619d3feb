use super::samples::*;
use crate::{Error, ErrorKind, Store, routes::Route};

pub async fn they_come_in_their_order(store: &dyn Store) -> Result<(), Error> {
    for route in [route(1, 7), route(2, 3), route(3, 3)] {
        change!(store, |tx| tx.routes().add(&route))?;
    }
    assert_kind(change!(store, |tx| tx.routes().add(&route(1, 1))), ErrorKind::Taken);
    change!(store, |tx| tx.routes().delete(route(3, 3).id))?;
    assert_kind(change!(store, |tx| tx.routes().delete(route(3, 3).id)), ErrorKind::NotFound);
    let mut read = store.read().await?;
    assert_eq!(read.routes().all(9).await?, [route(2, 3), route(1, 7)]);
    assert_eq!(read.routes().all(1).await?, [route(2, 3)]);
    Ok(())
}

pub async fn an_update_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    assert_kind(change!(store, |tx| tx.routes().update(&route(1, 1), 1)), ErrorKind::NotFound);
    change!(store, |tx| tx.routes().add(&route(1, 1)))?;
    let changed = Route { name: "else".to_owned(), version: 2, ..route(1, 9) };
    assert_kind(change!(store, |tx| tx.routes().update(&changed, 2)), ErrorKind::Conflict);
    assert_eq!(change!(store, |tx| tx.routes().update(&changed, 1))?, 2);
    assert_eq!(store.read().await?.routes().find(changed.id).await?, Some(changed));
    Ok(())
}
