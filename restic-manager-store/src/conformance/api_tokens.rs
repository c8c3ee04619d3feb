use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, Store, api_tokens::ApiToken};

async fn people(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.users().add(&user(2)))
}

pub async fn a_token_is_found_used_and_revoked(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    assert_kind(change!(store, |tx| tx.api_tokens().add(&api_token(1, 9))), ErrorKind::NotFound);
    change!(store, |tx| tx.api_tokens().add(&api_token(1, 1)))?;
    let twin = ApiToken { id: api_token_id(2), ..api_token(1, 1) };
    assert_kind(change!(store, |tx| tx.api_tokens().add(&twin)), ErrorKind::Taken);
    change!(store, |tx| tx.api_tokens().touch(api_token_id(1), at(50), Some("192.0.2.9")))?;
    assert_kind(change!(store, |tx| tx.api_tokens().touch(api_token_id(8), at(50), None)), ErrorKind::NotFound);
    assert!(change!(store, |tx| tx.api_tokens().revoke(api_token_id(1), at(60)))?);
    assert!(!change!(store, |tx| tx.api_tokens().revoke(api_token_id(1), at(70)))?);
    assert!(!change!(store, |tx| tx.api_tokens().revoke(api_token_id(8), at(70)))?);
    let revoked = ApiToken {
        last_used: Some(at(50)),
        last_address: Some("192.0.2.9".into()),
        revoked: Some(at(60)),
        ..api_token(1, 1)
    };
    let mut read = store.read().await?;
    assert_eq!(read.api_tokens().with_token(&token(1)).await?, Some(revoked.clone()));
    assert_eq!(read.api_tokens().find(api_token_id(1)).await?, Some(revoked));
    assert_eq!(read.api_tokens().with_token(&token(2)).await?, None);
    assert_eq!(read.api_tokens().page(None, PageRequest::first(9)).await?.items, []);
    Ok(())
}

pub async fn the_tokens_of_a_person_are_revoked_together(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for (number, person) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
        change!(store, |tx| tx.api_tokens().add(&api_token(number, person)))?;
    }
    change!(store, |tx| tx.api_tokens().revoke(api_token_id(4), at(50)))?;
    assert_eq!(change!(store, |tx| tx.api_tokens().revoke_all_of(user_id(1), at(60)))?, 2);
    assert_eq!(change!(store, |tx| tx.api_tokens().revoke_all_of(user_id(1), at(70)))?, 0);
    let mut read = store.read().await?;
    for (number, revoked) in [(1, Some(at(60))), (2, None), (3, Some(at(60))), (4, Some(at(50)))] {
        let token = read.api_tokens().find(api_token_id(number)).await?;
        assert_eq!(token.and_then(|token| token.revoked), revoked, "token {number}");
    }
    Ok(())
}

pub async fn purging_spares_good_ones(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for number in 1..=3 {
        let expires = if number == 1 { at(40) } else { at(9999) };
        change!(store, |tx| tx.api_tokens().add(&ApiToken { expires, ..api_token(number, 1) }))?;
    }
    change!(store, |tx| tx.api_tokens().revoke(api_token_id(2), at(50)))?;
    assert_eq!(change!(store, |tx| tx.api_tokens().purge(at(50), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.api_tokens().purge(at(51), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.api_tokens().purge(at(51), 9))?, 0);
    let left = store.read().await?.api_tokens().page(None, PageRequest::first(9)).await?;
    assert_eq!(left.items.iter().map(|token| token.id).collect::<Vec<_>>(), [api_token_id(3)]);
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for (number, person) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
        change!(store, |tx| tx.api_tokens().add(&api_token(number, person)))?;
    }
    let mut read = store.read().await?;
    let first = read.api_tokens().page(Some(user_id(1)), PageRequest::first(2)).await?;
    assert_eq!(first.items, [api_token(4, 1), api_token(3, 1)]);
    assert_eq!(first.next, Some(api_token_id(3)));
    let rest = read.api_tokens().page(Some(user_id(1)), PageRequest::after(api_token_id(3), 2)).await?;
    assert_eq!((rest.items, rest.next), (vec![api_token(1, 1)], None));
    assert_eq!(read.api_tokens().page(None, PageRequest::first(9)).await?.items.len(), 4);
    Ok(())
}

pub async fn those_that_end_soon_are_found(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for (number, person) in [(4, 1), (2, 2), (3, 1), (1, 1)] {
        change!(store, |tx| tx.api_tokens().add(&api_token(number, person)))?;
    }
    change!(store, |tx| tx.api_tokens().revoke(api_token_id(3), at(50)))?;
    let mut read = store.read().await?;
    let found = read.api_tokens().expiring(at(1001), at(1004), 9).await?;
    assert_eq!(found, [api_token(2, 2), api_token(4, 1)], "the one that ended, and the revoked one, are not");
    assert_eq!(read.api_tokens().expiring(at(0), at(1003), 1).await?, [api_token(1, 1)]);
    assert_eq!(read.api_tokens().expiring(at(1004), at(9000), 9).await?, []);
    Ok(())
}
