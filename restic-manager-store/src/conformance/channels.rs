use super::samples::*;
use crate::{
    Error, ErrorKind, Store,
    channels::{Channel, ChannelStanding},
};

pub async fn names_are_unique_when_folded(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.channels().add(&channel(2)))?;
    change!(store, |tx| tx.channels().add(&channel(1)))?;
    let same = Channel { name: " CHANNEL 1".to_owned(), ..channel(3) };
    assert_kind(change!(store, |tx| tx.channels().add(&same)), ErrorKind::Taken);
    assert_kind(change!(store, |tx| tx.channels().add(&Channel { name: "else".to_owned(), ..channel(1) })), ErrorKind::Taken);
    let renamed = Channel { name: "channel 2".to_owned(), ..channel(1) };
    assert_kind(change!(store, |tx| tx.channels().update(&renamed, 1)), ErrorKind::Taken);
    let mut read = store.read().await?;
    assert_eq!(read.channels().all(9).await?, [channel(1), channel(2)], "by name");
    assert_eq!(read.channels().all(1).await?, [channel(1)]);
    assert_eq!(read.channels().find(channel(3).id).await?, None);
    Ok(())
}

pub async fn an_update_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    assert_kind(change!(store, |tx| tx.channels().update(&channel(1), 1)), ErrorKind::NotFound);
    change!(store, |tx| tx.channels().add(&channel(1)))?;
    let changed = Channel {
        name: "Else".to_owned(),
        fields: [("topic".to_owned(), "x".to_owned())].into(),
        secrets: vec![],
        sealed: None,
        enabled: false,
        version: 2,
        ..channel(1)
    };
    assert_kind(change!(store, |tx| tx.channels().update(&changed, 2)), ErrorKind::Conflict);
    assert_eq!(change!(store, |tx| tx.channels().update(&changed, 1))?, 2);
    assert_eq!(store.read().await?.channels().find(changed.id).await?, Some(changed));
    Ok(())
}

pub async fn how_it_went_is_noted(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.channels().add(&channel(1)))?;
    let standing =
        ChannelStanding { failing_since: Some(at(3)), trouble: Some("no answer".to_owned()), delivered: Some(at(2)) };
    let id = channel(1).id;
    assert!(change!(store, |tx| tx.channels().note(id, &standing))?);
    assert!(!change!(store, |tx| tx.channels().note(channel(2).id, &standing))?);
    assert!(change!(store, |tx| tx.channels().switch_off(id))?);
    assert!(!change!(store, |tx| tx.channels().switch_off(id))?, "it is off");
    let expected = Channel { standing, enabled: false, version: 2, ..channel(1) };
    assert_eq!(store.read().await?.channels().find(id).await?, Some(expected));
    Ok(())
}

pub async fn one_takes_its_deliveries_with_it(store: &dyn Store) -> Result<(), Error> {
    for number in [1, 2] {
        change!(store, |tx| tx.channels().add(&channel(number)))?;
        change!(store, |tx| tx.deliveries().queue(&delivery(number, number, 1)))?;
    }
    change!(store, |tx| tx.channels().delete(channel(1).id))?;
    assert_kind(change!(store, |tx| tx.channels().delete(channel(1).id)), ErrorKind::NotFound);
    assert_eq!(store.read().await?.deliveries().due(at(9), 9).await?, [delivery(2, 2, 1)]);
    Ok(())
}
