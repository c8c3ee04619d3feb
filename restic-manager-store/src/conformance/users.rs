use restic_manager_proto::{Scope, vocabulary::Role};

use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, PasswordHash, Store, users::User};

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
    change!(store, |tx| tx.users().set_password(user_id(1), &new))?;
    assert_kind(change!(store, |tx| tx.users().set_password(user_id(2), &new)), ErrorKind::NotFound);
    let stale = user(1).password;
    assert!(!change!(store, |tx| tx.users().strengthen_password(user_id(1), &stale, &strong))?);
    assert!(change!(store, |tx| tx.users().strengthen_password(user_id(1), &new, &strong))?);
    let stored = store.read().await?.users().find(user_id(1)).await?;
    assert_eq!(stored, Some(User { password: strong, version: 2, ..user(1) }));
    Ok(())
}

pub async fn enabled_admins_are_counted(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.users().add(&user(1)).await?;
    tx.users().add(&User { role: Role::Admin, ..user(2) }).await?;
    tx.users().add(&User { role: Role::Admin, disabled: true, ..user(3) }).await?;
    assert_eq!(tx.users().enabled_admins().await?, 1);
    tx.commit(ROUTINE).await
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
