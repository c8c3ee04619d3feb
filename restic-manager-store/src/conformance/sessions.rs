use super::samples::*;
use crate::{Error, ErrorKind, Store, sessions::Session};

async fn people(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.users().add(&user(2)))
}

pub async fn a_token_finds_its_session(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    let twin = Session { id: session_id(2), ..session(1, 1) };
    assert_kind(change!(store, |tx| tx.sessions().open(&twin)), ErrorKind::Taken);
    assert_kind(change!(store, |tx| tx.sessions().open(&session(3, 9))), ErrorKind::NotFound);
    change!(store, |tx| tx.sessions().touch(session_id(1), at(50), at(150)))?;
    assert_kind(change!(store, |tx| tx.sessions().touch(session_id(8), at(50), at(150))), ErrorKind::NotFound);
    let seen = Session { last_seen: at(50), idle_expires: at(150), ..session(1, 1) };
    let mut read = store.read().await?;
    assert_eq!(read.sessions().with_token(&token(1)).await?, Some(seen.clone()));
    assert_eq!(read.sessions().with_token(&token(2)).await?, None);
    assert_eq!(read.sessions().live_of(user_id(1), at(149)).await?, [seen]);
    assert_eq!(read.sessions().live_of(user_id(1), at(150)).await?, []);
    assert_eq!(read.sessions().live_of(user_id(2), at(60)).await?, []);
    Ok(())
}

pub async fn rotation_keeps_the_old_token_known(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    let next = Session { family: session_id(1), ..session(2, 1) };
    change!(store, |tx| tx.sessions().rotate(session_id(1), &next))?;
    let other = Session { family: session_id(1), ..session(3, 1) };
    assert_kind(change!(store, |tx| tx.sessions().rotate(session_id(1), &other)), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.sessions().rotate(session_id(9), &other)), ErrorKind::NotFound);
    let mut read = store.read().await?;
    let old = read.sessions().with_token(&token(1)).await?;
    assert_eq!(old.and_then(|old| old.replaced_by), Some(session_id(2)));
    assert_eq!(read.sessions().find(session_id(3)).await?, None);
    assert_eq!(read.sessions().live_of(user_id(1), at(10)).await?, [next]);
    Ok(())
}

pub async fn a_proof_is_of_the_present_token(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    change!(store, |tx| tx.sessions().prove(session_id(1), at(70)))?;
    let proved = Session { proved: at(70), ..session(1, 1) };
    assert_eq!(store.read().await?.sessions().find(session_id(1)).await?, Some(proved));
    let next = Session { family: session_id(1), proved: at(70), ..session(2, 1) };
    change!(store, |tx| tx.sessions().rotate(session_id(1), &next))?;
    assert_eq!(store.read().await?.sessions().find(session_id(2)).await?, Some(next));
    assert_kind(change!(store, |tx| tx.sessions().prove(session_id(1), at(80))), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.sessions().prove(session_id(9), at(80))), ErrorKind::NotFound);
    Ok(())
}

pub async fn a_token_that_never_arrived_is_superseded(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    let next =
        |number| Session { family: session_id(1), started: at(1), confirmed: None, ..session(number, 1) };
    change!(store, |tx| tx.sessions().rotate(session_id(1), &next(2)))?;
    change!(store, |tx| tx.sessions().supersede(session_id(1), session_id(2), &next(3)))?;
    let mut read = store.read().await?;
    assert_eq!(read.sessions().newest_of(session_id(1)).await?, Some(next(3)));
    for number in [1, 2] {
        let old = read.sessions().with_token(&token(number)).await?;
        assert_eq!(old.and_then(|old| old.replaced_by), Some(session_id(3)), "{number}");
    }
    drop(read);
    let again = change!(store, |tx| tx.sessions().supersede(session_id(1), session_id(2), &next(4)));
    assert_kind(again, ErrorKind::Conflict);
    let unknown = change!(store, |tx| tx.sessions().supersede(session_id(9), session_id(3), &next(4)));
    assert_kind(unknown, ErrorKind::NotFound);
    change!(store, |tx| tx.sessions().touch(session_id(3), at(20), at(120)))?;
    let shown = change!(store, |tx| tx.sessions().supersede(session_id(1), session_id(3), &next(4)));
    assert_kind(shown, ErrorKind::Conflict);
    let newest = store.read().await?.sessions().newest_of(session_id(1)).await?;
    assert_eq!(newest.and_then(|newest| newest.confirmed), Some(at(20)), "the first showing is kept");
    assert_eq!(store.read().await?.sessions().newest_of(session_id(7)).await?, None);
    Ok(())
}

pub async fn families_end_together(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    change!(store, |tx| tx.sessions().open(&session(5, 1)))?;
    let next = Session { family: session_id(1), ..session(2, 1) };
    change!(store, |tx| tx.sessions().rotate(session_id(1), &next))?;
    assert_eq!(change!(store, |tx| tx.sessions().end_family(session_id(1)))?, 2);
    assert_eq!(change!(store, |tx| tx.sessions().end_family(session_id(1)))?, 0);
    let mut read = store.read().await?;
    assert_eq!(read.sessions().with_token(&token(1)).await?, None);
    assert_eq!(read.sessions().live_of(user_id(1), at(10)).await?, [session(5, 1)]);
    Ok(())
}

pub async fn all_but_one_end(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    for number in 1..=3 {
        change!(store, |tx| tx.sessions().open(&session(number, 1)))?;
    }
    change!(store, |tx| tx.sessions().open(&session(4, 2)))?;
    assert_eq!(change!(store, |tx| tx.sessions().end_all_of(user_id(1), Some(session_id(2))))?, 2);
    assert_eq!(store.read().await?.sessions().live_of(user_id(1), at(10)).await?, [session(2, 1)]);
    assert_eq!(change!(store, |tx| tx.sessions().end_all_of(user_id(1), None))?, 1);
    assert_eq!(store.read().await?.sessions().live_of(user_id(2), at(10)).await?, [session(4, 2)]);
    Ok(())
}

pub async fn purging_forgets_the_expired(store: &dyn Store) -> Result<(), Error> {
    people(store).await?;
    change!(store, |tx| tx.sessions().open(&session(1, 1)))?;
    change!(store, |tx| tx.sessions().open(&session(2, 1)))?;
    assert_eq!(change!(store, |tx| tx.sessions().purge(at(1002)))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.sessions().find(session_id(1)).await?, None);
    assert_eq!(read.sessions().find(session_id(2)).await?, Some(session(2, 1)));
    Ok(())
}
