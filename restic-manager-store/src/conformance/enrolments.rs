use restic_manager_proto::{Scope, vocabulary::EnrolmentState};

use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, Store, enrolments::Enrolment};

pub async fn a_token_is_spent_once(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.enrolments().issue(&enrolment(1)))?;
    assert_kind(change!(store, |tx| tx.enrolments().issue(&enrolment(1))), ErrorKind::Taken);
    let found = store.read().await?.enrolments().with_token(&token(1)).await?;
    assert_eq!(found, Some(enrolment(1)));
    change!(store, |tx| tx.enrolments().spend(enrolment_id(1), host_id(4)))?;
    assert_kind(change!(store, |tx| tx.enrolments().spend(enrolment_id(1), host_id(5))), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.enrolments().revoke(enrolment_id(1))), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.enrolments().spend(enrolment_id(9), host_id(5))), ErrorKind::NotFound);
    let spent = Enrolment { state: EnrolmentState::Spent, spent_by: Some(host_id(4)), ..enrolment(1) };
    assert_eq!(store.read().await?.enrolments().find(enrolment_id(1)).await?, Some(spent));
    Ok(())
}

pub async fn a_reissue_kills_the_old_one(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.enrolments().issue(&enrolment(1)))?;
    change!(store, |tx| tx.enrolments().reissue(enrolment_id(1), &enrolment(2)))?;
    assert_kind(change!(store, |tx| tx.enrolments().spend(enrolment_id(1), host_id(5))), ErrorKind::Conflict);
    let again = change!(store, |tx| tx.enrolments().reissue(enrolment_id(1), &enrolment(3)));
    assert_kind(again, ErrorKind::Conflict);
    let dead =
        Enrolment { state: EnrolmentState::Revoked, replaced_by: Some(enrolment_id(2)), ..enrolment(1) };
    let mut read = store.read().await?;
    assert_eq!(read.enrolments().with_token(&token(1)).await?, Some(dead.clone()));
    let page = read.enrolments().page(&Scope::All, PageRequest::first(1)).await?;
    assert_eq!((page.items, page.next), (vec![enrolment(2)], Some(enrolment_id(2))));
    let page = read.enrolments().page(&Scope::All, PageRequest::after(enrolment_id(2), 1)).await?;
    assert_eq!((page.items, page.next), (vec![dead], None));
    Ok(())
}

pub async fn time_expires_open_ones(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=3 {
        change!(store, |tx| tx.enrolments().issue(&enrolment(number)))?;
    }
    change!(store, |tx| tx.enrolments().revoke(enrolment_id(1)))?;
    assert_eq!(change!(store, |tx| tx.enrolments().expire(at(3602)))?, 1);
    let mut states = Vec::new();
    for number in 1..=3 {
        let found = store.read().await?.enrolments().find(enrolment_id(number)).await?;
        states.extend(found.map(|enrolment| enrolment.state));
    }
    assert_eq!(states, [EnrolmentState::Revoked, EnrolmentState::Expired, EnrolmentState::Open]);
    change!(store, |tx| tx.enrolments().reissue(enrolment_id(2), &enrolment(4)))?;
    Ok(())
}

pub async fn purging_spares_open_ones(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=5 {
        change!(store, |tx| tx.enrolments().issue(&enrolment(number)))?;
    }
    change!(store, |tx| tx.enrolments().revoke(enrolment_id(1)))?;
    change!(store, |tx| tx.enrolments().spend(enrolment_id(2), host_id(4)))?;
    change!(store, |tx| tx.enrolments().spend(enrolment_id(5), host_id(5)))?;
    change!(store, |tx| tx.enrolments().expire(at(3603)))?;
    let before = at(3604);
    assert_eq!(change!(store, |tx| tx.enrolments().purge(before, 2))?, 2);
    assert_eq!(change!(store, |tx| tx.enrolments().purge(before, 9))?, 1);
    let mut left = Vec::new();
    for number in 1..=5 {
        left.extend(store.read().await?.enrolments().find(enrolment_id(number)).await?.map(|one| one.state));
    }
    assert_eq!(left, [EnrolmentState::Open, EnrolmentState::Spent], "one is open, one was spent lately");
    Ok(())
}
