use super::samples::*;
use crate::{Error, ErrorKind, Store, retry};

pub async fn a_dropped_transaction_leaves_nothing(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.users().add(&user(1)).await?;
    tx.meta().put("fact", "kept?").await?;
    drop(tx);
    change!(store, |tx| tx.users().add(&user(2)))?;
    let mut read = store.read().await?;
    assert_eq!(read.users().find(user_id(1)).await?, None);
    assert_eq!(read.users().find(user_id(2)).await?, Some(user(2)));
    assert_eq!(read.meta().value("fact").await?, None);
    Ok(())
}

pub async fn a_commit_is_seen_by_later_reads(store: &dyn Store) -> Result<(), Error> {
    for number in 1..20 {
        change!(store, |tx| tx.users().add(&user(number)))?;
        assert_eq!(store.read().await?.users().find(user_id(number)).await?, Some(user(number)));
    }
    Ok(())
}

pub async fn a_read_keeps_its_moment(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.meta().put("fact", "old"))?;
    let mut read = store.read().await?;
    assert_eq!(read.meta().value("fact").await?.as_deref(), Some("old"));
    change!(store, |tx| tx.meta().put("fact", "new"))?;
    assert_eq!(read.meta().value("fact").await?.as_deref(), Some("old"));
    assert_eq!(store.read().await?.meta().value("fact").await?.as_deref(), Some("new"));
    Ok(())
}

pub async fn a_transaction_sees_its_own_changes(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.users().add(&user(1)).await?;
    assert_eq!(tx.users().find(user_id(1)).await?, Some(user(1)));
    assert_eq!(store.read().await?.users().find(user_id(1)).await?, None);
    tx.commit(ROUTINE).await
}

pub async fn many_writers_lose_nothing(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.meta().put("sum", "0"))?;
    let add = || {
        retry(|| async {
            let mut tx = store.begin().await?;
            let sum = tx.meta().value("sum").await?.and_then(|sum| sum.parse::<u32>().ok()).unwrap_or_default();
            tx.meta().put("sum", &(sum + 1).to_string()).await?;
            tx.commit(ROUTINE).await
        })
    };
    let (a, b, c, d) = tokio::join!(add(), add(), add(), add());
    a.and(b).and(c).and(d)?;
    assert_eq!(store.read().await?.meta().value("sum").await?.as_deref(), Some("4"));
    Ok(())
}

pub async fn a_failed_change_leaves_the_rest_unkept(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    let mut tx = begin(store).await?;
    tx.meta().put("fact", "half").await?;
    assert_kind(tx.users().add(&user(1)).await, ErrorKind::Taken);
    drop(tx);
    assert_eq!(store.read().await?.meta().value("fact").await?, None);
    Ok(())
}
