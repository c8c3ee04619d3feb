use restic_manager_proto::{Scope, vocabulary::RepositoryState};

use super::samples::*;
use crate::{Error, ErrorKind, Store, attachments::Attachment};

async fn stored(store: &dyn Store, host: u32, repository: u32) -> Result<Attachment, Error> {
    let found = store.read().await?.attachments().find(host_id(host), repository_id(repository)).await?;
    found.ok_or(Error::new(ErrorKind::NotFound, "attachment"))
}

pub async fn both_ends_must_exist(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    assert_kind(change!(store, |tx| tx.attachments().attach(host, there, None)), ErrorKind::Taken);
    assert_kind(change!(store, |tx| tx.attachments().attach(host_id(9), there, None)), ErrorKind::NotFound);
    assert_kind(change!(store, |tx| tx.attachments().attach(host, repository_id(9), None)), ErrorKind::NotFound);
    let fresh = Attachment {
        host,
        repository: repository_id(2),
        location: Some("rest:there".into()),
        state: RepositoryState::Unverified,
        detail: None,
        checked: None,
        needs_check: true,
        listed: None,
        snapshots: 0,
        newest: None,
        version: 1,
    };
    assert_eq!(stored(store, 1, 2).await?, fresh);
    let mut read = store.read().await?;
    let of_host = read.attachments().of_host(host).await?;
    let of_host: Vec<_> = of_host.iter().map(|attachment| attachment.repository).collect();
    assert_eq!(of_host, [repository_id(1), repository_id(2)]);
    let of_repository = read.attachments().of_repository(there, &Scope::All).await?;
    let of_repository: Vec<_> = of_repository.iter().map(|attachment| attachment.host).collect();
    assert_eq!(of_repository, [host_id(1), host_id(2)]);
    Ok(())
}

pub async fn a_check_is_recorded_and_asked_for(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let state = RepositoryState::WrongPassword;
    change!(store, |tx| tx.attachments().record_check(host, there, state, Some("no\0key"), at(5)))?;
    let checked = stored(store, 1, 1).await?;
    assert_eq!((checked.state, checked.checked, checked.needs_check), (state, Some(at(5)), false));
    assert_eq!(checked.detail.as_deref(), Some("no\u{fffd}key"));
    let unknown = change!(store, |tx| tx.attachments().record_check(host_id(9), there, state, None, at(5)));
    assert_kind(unknown, ErrorKind::NotFound);
    assert_eq!(change!(store, |tx| tx.attachments().request_checks(there))?, 2);
    assert!(stored(store, 1, 1).await?.needs_check);
    Ok(())
}

pub async fn a_location_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let state = RepositoryState::Ready;
    change!(store, |tx| tx.attachments().record_check(host, there, state, None, at(5)))?;
    assert_eq!(change!(store, |tx| tx.attachments().relocate(host, there, Some("rest:new"), 1))?, 2);
    assert_kind(change!(store, |tx| tx.attachments().relocate(host, there, None, 1)), ErrorKind::Conflict);
    let unknown = change!(store, |tx| tx.attachments().relocate(host_id(9), there, None, 1));
    assert_kind(unknown, ErrorKind::NotFound);
    let moved = stored(store, 1, 1).await?;
    assert_eq!((moved.location.as_deref(), moved.needs_check, moved.version), (Some("rest:new"), true, 2));
    Ok(())
}

pub async fn a_used_one_cannot_go(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    assert_kind(change!(store, |tx| tx.attachments().detach(host, there)), ErrorKind::InUse);
    change!(store, |tx| tx.sources().delete(group_id(1)))?;
    change!(store, |tx| tx.attachments().detach(host, there))?;
    assert_kind(change!(store, |tx| tx.attachments().detach(host, there)), ErrorKind::NotFound);
    Ok(())
}

pub async fn what_a_job_met_is_noted(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there, state) = (host_id(1), repository_id(1), RepositoryState::Unreachable);
    let any = async || store.read().await?.attachments().any_in_state(there, state).await;
    assert!(!any().await?);
    change!(store, |tx| tx.attachments().note_state(host, there, state, Some("no route")))?;
    assert!(any().await?);
    let found = store.read().await?.attachments().find(host, there).await?.expect("it is attached");
    assert_eq!((found.state, found.detail.as_deref()), (state, Some("no route")));
    assert!(found.needs_check && found.checked.is_none(), "that was no look");
    assert!(!store.read().await?.attachments().any_in_state(repository_id(2), state).await?);
    change!(store, |tx| tx.hosts().delete(host, at(9)))?;
    assert!(!any().await?, "a host that is gone sees nothing");
    let nowhere = change!(store, |tx| tx.attachments().note_state(host_id(9), there, state, None));
    assert_kind(nowhere, ErrorKind::NotFound);
    Ok(())
}
