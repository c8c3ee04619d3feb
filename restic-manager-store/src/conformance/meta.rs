use super::samples::*;
use crate::{Error, Store};

pub async fn facts_are_kept(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(store.read().await?.meta().value("fact").await?, None);
    change!(store, |tx| tx.meta().put("fact", "one"))?;
    change!(store, |tx| tx.meta().put("other", "two"))?;
    change!(store, |tx| tx.meta().put("fact", "three"))?;
    let mut read = store.read().await?;
    assert_eq!(read.meta().value("fact").await?.as_deref(), Some("three"));
    assert_eq!(read.meta().value("other").await?.as_deref(), Some("two"));
    Ok(())
}
