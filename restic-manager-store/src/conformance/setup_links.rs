use super::samples::*;
use crate::{Error, ErrorKind, Store, setup_links::SetupLink};

pub async fn a_person_has_one_at_most(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.users().add(&user(2)))?;
    change!(store, |tx| tx.setup_links().issue(&setup_link(1, 1)))?;
    change!(store, |tx| tx.setup_links().issue(&SetupLink { created_by: None, ..setup_link(2, 1) }))?;
    assert_kind(change!(store, |tx| tx.setup_links().issue(&setup_link(2, 2))), ErrorKind::Taken);
    assert_kind(change!(store, |tx| tx.setup_links().issue(&setup_link(3, 9))), ErrorKind::NotFound);
    let mut read = store.read().await?;
    let newer = SetupLink { created_by: None, ..setup_link(2, 1) };
    assert_eq!(read.setup_links().of_user(user_id(1)).await?, Some(newer.clone()));
    assert_eq!(read.setup_links().of_user(user_id(2)).await?, None);
    assert_eq!(read.setup_links().with_token(&token(1)).await?, None, "the earlier one is worth nothing");
    assert_eq!(read.setup_links().with_token(&token(2)).await?, Some(newer));
    Ok(())
}

pub async fn one_is_removed_once(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.setup_links().issue(&setup_link(1, 1)))?;
    assert!(change!(store, |tx| tx.setup_links().remove(user_id(1)))?);
    assert!(!change!(store, |tx| tx.setup_links().remove(user_id(1)))?);
    assert_eq!(store.read().await?.setup_links().with_token(&token(1)).await?, None);
    Ok(())
}

pub async fn purging_forgets_the_expired(store: &dyn Store) -> Result<(), Error> {
    for number in [1, 2] {
        change!(store, |tx| tx.users().add(&user(number)))?;
        change!(store, |tx| tx.setup_links().issue(&setup_link(number, number)))?;
    }
    assert_eq!(change!(store, |tx| tx.setup_links().purge(at(3602)))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.setup_links().of_user(user_id(1)).await?, None);
    assert_eq!(read.setup_links().of_user(user_id(2)).await?, Some(setup_link(2, 2)));
    Ok(())
}
