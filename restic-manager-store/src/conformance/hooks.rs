use super::samples::*;
use crate::{
    Error, ErrorKind, SealedBlob, Store,
    hooks::{HookOwner, Hooks},
};

pub async fn each_owner_has_its_own(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    let (of_host, of_group) = (HookOwner::Host(host_id(1)), HookOwner::SourceGroup(group_id(1)));
    for (owner, number) in [(of_host, 1), (of_group, 2)] {
        assert_eq!(change!(store, |tx| tx.hooks().set(&hooks(owner, number), 0))?, 1);
    }
    let mut read = store.read().await?;
    assert_eq!(read.hooks().find(of_host).await?, Some(hooks(of_host, 1)));
    assert_eq!(read.hooks().find(of_group).await?, Some(hooks(of_group, 2)));
    assert_eq!(read.hooks().find(HookOwner::Host(host_id(2))).await?, None);
    drop(read);
    assert!(change!(store, |tx| tx.hooks().remove(of_host))?);
    assert!(!change!(store, |tx| tx.hooks().remove(of_host))?, "they are gone");
    assert_eq!(store.read().await?.hooks().find(of_group).await?, Some(hooks(of_group, 2)));
    Ok(())
}

pub async fn a_change_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let owner = HookOwner::Host(host_id(1));
    change!(store, |tx| tx.hooks().set(&Hooks { version: 9, ..hooks(owner, 1) }, 0))?;
    let changed = Hooks { sealed: SealedBlob::new([7; 30]), set_by: None, ..hooks(owner, 2) };
    assert_kind(change!(store, |tx| tx.hooks().set(&changed, 0)), ErrorKind::Conflict);
    assert_eq!(change!(store, |tx| tx.hooks().set(&changed, 1))?, 2);
    assert_eq!(store.read().await?.hooks().find(owner).await?, Some(Hooks { version: 2, ..changed }));
    Ok(())
}

pub async fn they_go_with_their_source_group(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let owner = HookOwner::SourceGroup(group_id(1));
    assert_kind(change!(store, |tx| tx.hooks().set(&hooks(owner, 1), 0)), ErrorKind::NotFound);
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    change!(store, |tx| tx.hooks().set(&hooks(owner, 1), 0))?;
    change!(store, |tx| tx.sources().delete(group_id(1)))?;
    assert_eq!(store.read().await?.hooks().find(owner).await?, None);
    change!(store, |tx| tx.hosts().delete(host_id(2), at(5)))?;
    let gone = HookOwner::Host(host_id(2));
    assert_kind(change!(store, |tx| tx.hooks().set(&hooks(gone, 1), 0)), ErrorKind::NotFound);
    Ok(())
}
