use restic_manager_proto::{Scope, vocabulary::Role};

use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, PasswordHash, Store, retry, users::User};

pub async fn names_are_unique_when_folded(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&User { name: "Ada Ünal".into(), ..user(1) }))?;
    let same = User { name: " ada ünal ".into(), ..user(2) };
    assert_kind(change!(store, |tx| tx.users().add(&same)), ErrorKind::Taken);
    change!(store, |tx| tx.users().add(&user(3)))?;
    let renamed = User { name: "ADA ÜNAL".into(), ..user(3) };
    assert_kind(change!(store, |tx| tx.users().update(&renamed, 1)), ErrorKind::Taken);
    let found = store.read().await?.users().named("ADA ünal").await?;
    assert_eq!(found.map(|user| user.id), Some(user_id(1)));
    assert_eq!(store.read().await?.users().named("nobody").await?, None);
    Ok(())
}

pub async fn an_update_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&User { version: 9, ..user(1) }))?;
    let admin = User {
        role: Role::Admin,
        scope: Scope::tags(["berlin"]),
        name: "Boss".into(),
        disabled: true,
        ..user(1)
    };
    assert_eq!(change!(store, |tx| tx.users().update(&admin, 1))?, 2);
    assert_kind(change!(store, |tx| tx.users().update(&user(1), 1)), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.users().update(&user(7), 1)), ErrorKind::NotFound);
    let stored = store.read().await?.users().find(user_id(1)).await?;
    assert_eq!(stored, Some(User { version: 2, ..admin }));
    Ok(())
}

pub async fn passwords_change_and_strengthen(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    let (new, strong) = (PasswordHash::new("$new"), PasswordHash::new("$strong"));
    change!(store, |tx| tx.users().set_password(user_id(1), &new, at(7)))?;
    assert_kind(change!(store, |tx| tx.users().set_password(user_id(2), &new, at(7))), ErrorKind::NotFound);
    let stale = user(1).password;
    assert!(!change!(store, |tx| tx.users().strengthen_password(user_id(1), &stale, &strong))?);
    assert!(change!(store, |tx| tx.users().strengthen_password(user_id(1), &new, &strong))?);
    let stored = store.read().await?.users().find(user_id(1)).await?;
    assert_eq!(stored, Some(User { password: strong, password_set: Some(at(7)), version: 2, ..user(1) }));
    Ok(())
}

pub async fn enabled_admins_are_counted(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.users().add(&user(1)).await?;
    tx.users().add(&User { role: Role::Admin, ..user(2) }).await?;
    tx.users().add(&User { role: Role::Admin, disabled: true, ..user(3) }).await?;
    tx.users().add(&User { role: Role::Admin, password_set: None, ..user(4) }).await?;
    let part = User { role: Role::Admin, scope: Scope::tags(["berlin"]), ..user(5) };
    tx.users().add(&part).await?;
    assert_eq!(tx.users().enabled_admins().await?, 1);
    tx.commit(ROUTINE).await
}

/// Each of two admins is made a viewer by a transaction that counts first: one of the two must see that it is the last.
pub async fn one_admin_is_left_by_every_race(store: &dyn Store) -> Result<(), Error> {
    async fn demote(store: &dyn Store, number: u32) -> Result<(), Error> {
        retry(|| async {
            let mut tx = begin(store).await?;
            let Some(admin) = tx.users().find(user_id(number)).await? else { return Ok(()) };
            if tx.users().enabled_admins().await? < 2 {
                return Ok(());
            }
            tx.users().update(&User { role: Role::Viewer, ..admin.clone() }, admin.version).await?;
            tx.commit(ROUTINE).await
        })
        .await
    }
    for round in 0..8 {
        let pair = [10 + 2 * round, 11 + 2 * round];
        for number in pair {
            change!(store, |tx| tx.users().add(&User { role: Role::Admin, ..user(number) }))?;
        }
        let (one, other) = tokio::join!(demote(store, pair[0]), demote(store, pair[1]));
        one.and(other)?;
        let mut tx = begin(store).await?;
        let left = tx.users().enabled_admins().await?;
        assert_eq!(left, 1, "round {round}");
        for number in pair {
            if let Some(last) = tx.users().find(user_id(number)).await? {
                tx.users().update(&User { disabled: true, ..last.clone() }, last.version).await?;
            }
        }
        tx.commit(ROUTINE).await?;
    }
    Ok(())
}

pub async fn a_login_is_noted(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.users().add(&user(1)))?;
    change!(store, |tx| tx.users().note_login(user_id(1), at(9)))?;
    assert_kind(change!(store, |tx| tx.users().note_login(user_id(2), at(9))), ErrorKind::NotFound);
    let stored = store.read().await?.users().find(user_id(1)).await?;
    assert_eq!(stored, Some(User { last_login: Some(at(9)), ..user(1) }));
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    for number in [3, 1, 2] {
        change!(store, |tx| tx.users().add(&user(number)))?;
    }
    let mut read = store.read().await?;
    let first = read.users().page(PageRequest::first(2)).await?;
    assert_eq!(first.items, [user(1), user(2)]);
    assert_eq!(first.next, Some(user_id(2)));
    let second = read.users().page(PageRequest::after(user_id(2), 2)).await?;
    assert_eq!((second.items, second.next), (vec![user(3)], None));
    Ok(())
}
