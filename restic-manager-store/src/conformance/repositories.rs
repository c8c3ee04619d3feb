use restic_manager_proto::{Scope, vocabulary::CredentialSlot};

use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, SealedBlob, Store,
    repositories::{Credential, Repository, RepositorySettings},
};

fn credential(slot: CredentialSlot, byte: u8) -> Credential {
    let sealed = SealedBlob::new([byte; 40]);
    Credential { repository: repository_id(1), slot, sealed, set: at(u32::from(byte)), set_by: Some(user_id(1)) }
}

pub async fn names_are_unique_when_folded(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.repositories().add(&repository(1)))?;
    let same = Repository { name: "REPOSITORY 1".into(), ..repository(2) };
    assert_kind(change!(store, |tx| tx.repositories().add(&same)), ErrorKind::Taken);
    change!(store, |tx| tx.repositories().add(&repository(2)))?;
    let settings =
        RepositorySettings { name: "repository 1".into(), location: "s3:x".into(), backend: "s3".into() };
    let id = repository_id(2);
    assert_kind(change!(store, |tx| tx.repositories().configure(id, &settings, 1)), ErrorKind::Taken);
    let settings = RepositorySettings { name: "Other".into(), ..settings };
    assert_eq!(change!(store, |tx| tx.repositories().configure(id, &settings, 1))?, 2);
    assert_kind(change!(store, |tx| tx.repositories().configure(id, &settings, 1)), ErrorKind::Conflict);
    change!(store, |tx| tx.repositories().delete(repository_id(1), at(5)))?;
    change!(store, |tx| tx.repositories().add(&Repository { name: "Repository 1".into(), ..repository(3) }))?;
    let named = store.read().await?.repositories().named("OTHER").await?;
    let RepositorySettings { name, location, backend } = settings;
    assert_eq!(named, Some(Repository { name, location, backend, version: 2, ..repository(2) }));
    Ok(())
}

pub async fn secrets_are_set_and_wiped(store: &dyn Store) -> Result<(), Error> {
    use CredentialSlot::{Everyday, Maintenance};
    let id = repository_id(1);
    change!(store, |tx| tx.repositories().add(&Repository { password: None, password_set: None, ..repository(1) }))?;
    let password = SealedBlob::new(vec![1, 2, 3]);
    change!(store, |tx| tx.repositories().set_password(id, &password, at(7)))?;
    for new in [credential(Maintenance, 1), credential(Everyday, 2), credential(Everyday, 3)] {
        change!(store, |tx| tx.repositories().set_credential(&new))?;
    }
    let mut read = store.read().await?;
    let expected = [credential(Everyday, 3), credential(Maintenance, 1)];
    assert_eq!(read.repositories().credentials(id).await?, expected);
    assert_eq!(read.repositories().credential(id, Everyday).await?, Some(credential(Everyday, 3)));
    let stored = read.repositories().find(id).await?;
    let stored = stored.map(|stored| (stored.password, stored.password_set, stored.version));
    assert_eq!(stored, Some((Some(password), Some(at(7)), 5)));
    drop(read);
    assert!(change!(store, |tx| tx.repositories().clear_credential(id, Maintenance))?);
    assert!(!change!(store, |tx| tx.repositories().clear_credential(id, Maintenance))?);
    change!(store, |tx| tx.repositories().delete(id, at(8)))?;
    let mut read = store.read().await?;
    assert_eq!(read.repositories().credentials(id).await?, []);
    let stored = read.repositories().find(id).await?;
    assert_eq!(stored.map(|stored| (stored.password, stored.deleted)), Some((None, Some(at(8)))));
    drop(read);
    let gone = change!(store, |tx| tx.repositories().set_credential(&credential(Everyday, 1)));
    assert_kind(gone, ErrorKind::NotFound);
    Ok(())
}

pub async fn an_attached_one_cannot_go(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let id = repository_id(1);
    assert_kind(change!(store, |tx| tx.repositories().delete(id, at(5))), ErrorKind::InUse);
    for number in 1..=2 {
        change!(store, |tx| tx.attachments().detach(host_id(number), id))?;
    }
    change!(store, |tx| tx.repositories().delete(id, at(5)))?;
    assert_kind(change!(store, |tx| tx.repositories().delete(id, at(5))), ErrorKind::NotFound);
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    for (number, name) in [(1, "beta"), (2, "Alpha"), (3, "éclair"), (4, "gone"), (5, "zeta")] {
        change!(store, |tx| tx.repositories().add(&Repository { name: name.into(), ..repository(number) }))?;
    }
    change!(store, |tx| tx.repositories().delete(repository_id(4), at(9)))?;
    let mut read = store.read().await?;
    let mut names = Vec::new();
    let mut request = PageRequest::first(3);
    loop {
        let page = read.repositories().page(&Scope::All, request).await?;
        names.extend(page.items.into_iter().map(|repository| repository.name));
        let Some(next) = page.next else { break };
        request = PageRequest::after(next, 3);
    }
    assert_eq!(names, ["Alpha", "beta", "zeta", "éclair"]);
    Ok(())
}

pub async fn a_place_where_it_was_ready_is_remembered(store: &dyn Store) -> Result<(), Error> {
    let id = repository_id(1);
    assert_kind(change!(store, |tx| tx.repositories().note_ready(id, "a")), ErrorKind::NotFound);
    for number in [1, 2] {
        change!(store, |tx| tx.repositories().add(&repository(number)))?;
    }
    assert!(!store.read().await?.repositories().was_ready(id, "a").await?);
    assert!(change!(store, |tx| tx.repositories().note_ready(id, "a"))?);
    assert!(!change!(store, |tx| tx.repositories().note_ready(id, "a"))?, "it is no news");
    let mut read = store.read().await?;
    assert!(read.repositories().was_ready(id, "a").await?);
    assert!(!read.repositories().was_ready(id, "b").await?, "another place");
    assert!(!read.repositories().was_ready(repository_id(2), "a").await?, "another repository");
    drop(read);
    change!(store, |tx| tx.repositories().delete(id, at(5)))?;
    assert!(!store.read().await?.repositories().was_ready(id, "a").await?);
    Ok(())
}
