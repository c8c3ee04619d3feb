use super::samples::*;
use crate::{
    Error, ErrorKind, Store,
    factors::{Passkey, Totp},
};

async fn people(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.users().add(&user(2)))
}

pub async fn an_app_is_replaced_and_removed(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    assert_kind(change!(store, |tx| tx.factors().set_totp(&totp(9, 1))), ErrorKind::NotFound);
    change!(store, |tx| tx.factors().set_totp(&totp(1, 1)))?;
    change!(store, |tx| tx.factors().set_totp(&totp(1, 2)))?;
    let mut read = store.read().await?;
    assert_eq!(read.factors().totp(user_id(1)).await?, Some(totp(1, 2)));
    assert_eq!(read.factors().totp(user_id(2)).await?, None);
    assert!(read.factors().has_second(user_id(1)).await? && !read.factors().has_second(user_id(2)).await?);
    assert!(change!(store, |tx| tx.factors().remove_totp(user_id(1)))?);
    assert!(!change!(store, |tx| tx.factors().remove_totp(user_id(1)))?);
    assert!(!store.read().await?.factors().has_second(user_id(1)).await?);
    Ok(())
}

pub async fn a_code_is_spent_once(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.factors().set_totp(&totp(1, 1)))?;
    assert!(change!(store, |tx| tx.factors().spend_totp(user_id(1), 101, at(5)))?);
    for spent in [101, 100, 99] {
        assert!(!change!(store, |tx| tx.factors().spend_totp(user_id(1), spent, at(6)))?);
    }
    assert!(!change!(store, |tx| tx.factors().spend_totp(user_id(2), 200, at(6)))?);
    let kept = store.read().await?.factors().totp(user_id(1)).await?;
    assert_eq!(kept, Some(Totp { last_step: 101, last_used: Some(at(5)), ..totp(1, 1) }));
    Ok(())
}

pub async fn recovery_codes_are_spent_and_replaced(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    let codes = [token(1), token(2), token(3)];
    let unknown = change!(store, |tx| tx.factors().replace_recovery_codes(user_id(9), &codes));
    assert_kind(unknown, ErrorKind::NotFound);
    change!(store, |tx| tx.factors().replace_recovery_codes(user_id(1), &codes))?;
    change!(store, |tx| tx.factors().replace_recovery_codes(user_id(2), &codes[..1]))?;
    assert!(change!(store, |tx| tx.factors().spend_recovery_code(user_id(1), &token(1)))?);
    assert!(!change!(store, |tx| tx.factors().spend_recovery_code(user_id(1), &token(1)))?);
    assert!(!change!(store, |tx| tx.factors().spend_recovery_code(user_id(2), &token(2)))?);
    let mut read = store.read().await?;
    assert_eq!(read.factors().recovery_codes_left(user_id(1)).await?, 2);
    assert_eq!(read.factors().recovery_codes_left(user_id(2)).await?, 1);
    assert!(!read.factors().has_second(user_id(1)).await?, "codes alone are no factor");
    change!(store, |tx| tx.factors().replace_recovery_codes(user_id(1), &[token(4)]))?;
    assert!(!change!(store, |tx| tx.factors().spend_recovery_code(user_id(1), &token(2)))?);
    assert_eq!(store.read().await?.factors().recovery_codes_left(user_id(1)).await?, 1);
    Ok(())
}

pub async fn passkeys_are_found_and_count(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    assert_kind(change!(store, |tx| tx.factors().add_passkey(&passkey(1, 9))), ErrorKind::NotFound);
    change!(store, |tx| tx.factors().add_passkey(&passkey(1, 1)))?;
    change!(store, |tx| tx.factors().add_passkey(&passkey(2, 1)))?;
    let twin = Passkey { credential: passkey(1, 1).credential, ..passkey(3, 2) };
    assert_kind(change!(store, |tx| tx.factors().add_passkey(&twin)), ErrorKind::Taken);
    assert!(change!(store, |tx| tx.factors().use_passkey(passkey_id(1), 7, at(50)))?);
    for counter in [0, 6, 7] {
        assert!(!change!(store, |tx| tx.factors().use_passkey(passkey_id(1), counter, at(60)))?, "{counter}");
    }
    assert!(!change!(store, |tx| tx.factors().use_passkey(passkey_id(9), 7, at(50)))?, "nobody's");
    let used = Passkey { counter: 7, last_used: Some(at(50)), ..passkey(1, 1) };
    let mut read = store.read().await?;
    assert_eq!(read.factors().passkeys(user_id(1)).await?, [used.clone(), passkey(2, 1)]);
    assert_eq!(read.factors().passkeys(user_id(2)).await?, []);
    assert_eq!(read.factors().passkey_of(&used.credential).await?, Some(used));
    assert_eq!(read.factors().passkey_of(b"").await?, None);
    assert!(read.factors().has_second(user_id(1)).await?);
    assert!(!change!(store, |tx| tx.factors().remove_passkey(user_id(2), passkey_id(1)))?, "not theirs");
    assert!(change!(store, |tx| tx.factors().remove_passkey(user_id(1), passkey_id(1)))?);
    assert_eq!(store.read().await?.factors().passkeys(user_id(1)).await?, [passkey(2, 1)]);
    Ok(())
}

pub async fn clearing_leaves_the_others(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for person in [1, 2] {
        change!(store, |tx| tx.factors().set_totp(&totp(person, 1)))?;
        change!(store, |tx| tx.factors().add_passkey(&passkey(person, person)))?;
        change!(store, |tx| tx.factors().replace_recovery_codes(user_id(person), &[token(1)]))?;
    }
    assert!(change!(store, |tx| tx.factors().clear(user_id(1)))?);
    assert!(!change!(store, |tx| tx.factors().clear(user_id(1)))?);
    let mut read = store.read().await?;
    assert_eq!(read.factors().recovery_codes_left(user_id(1)).await?, 0);
    assert!(!read.factors().has_second(user_id(1)).await? && read.factors().has_second(user_id(2)).await?);
    assert_eq!(read.factors().recovery_codes_left(user_id(2)).await?, 1);
    Ok(())
}

pub async fn what_is_good_once_is_spent_once(store: &dyn Store) -> Result<(), Error> {
    assert!(change!(store, |tx| tx.factors().spend_once(&token(1), at(10), at(1)))?);
    assert!(!change!(store, |tx| tx.factors().spend_once(&token(1), at(10), at(10)))?);
    assert!(change!(store, |tx| tx.factors().spend_once(&token(2), at(20), at(11)))?);
    assert!(change!(store, |tx| tx.factors().spend_once(&token(1), at(20), at(11)))?, "it was forgotten");
    Ok(())
}
