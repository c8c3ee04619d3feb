use super::samples::*;
use crate::{Error, ErrorKind, Store, bootstrap::Bootstrap};

pub async fn a_token_is_replaced_until_spent(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(store.read().await?.bootstrap().current().await?, None);
    change!(store, |tx| tx.bootstrap().offer(&token(1), at(1)))?;
    change!(store, |tx| tx.bootstrap().offer(&token(2), at(2)))?;
    let current = Bootstrap { token: token(2), created: at(2), spent: None };
    assert_eq!(store.read().await?.bootstrap().current().await?, Some(current));
    change!(store, |tx| tx.bootstrap().spend(&token(2), at(3)))?;
    assert_kind(change!(store, |tx| tx.bootstrap().offer(&token(4), at(4))), ErrorKind::Conflict);
    Ok(())
}

pub async fn a_token_is_spent_once(store: &dyn Store) -> Result<(), Error> {
    assert_kind(change!(store, |tx| tx.bootstrap().spend(&token(1), at(1))), ErrorKind::NotFound);
    change!(store, |tx| tx.bootstrap().offer(&token(1), at(1)))?;
    assert_kind(change!(store, |tx| tx.bootstrap().spend(&token(2), at(2))), ErrorKind::NotFound);
    change!(store, |tx| tx.bootstrap().spend(&token(1), at(2)))?;
    assert_kind(change!(store, |tx| tx.bootstrap().spend(&token(1), at(3))), ErrorKind::Conflict);
    let current = store.read().await?.bootstrap().current().await?;
    assert_eq!(current.and_then(|current| current.spent), Some(at(2)));
    Ok(())
}
