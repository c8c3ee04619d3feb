use super::samples::*;
use restic_manager_proto::{Retention, SourceOptions, vocabulary::Shell};

use crate::{Error, ErrorKind, Store, sources::SourceGroup};

pub async fn names_are_unique_on_their_host(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.sources().add(&SourceGroup { version: 5, ..group(2, 1, 1) }))?;
    change!(store, |tx| tx.sources().add(&group(1, 1, 2)))?;
    let same = SourceGroup { name: "GROUP 2".into(), ..group(3, 1, 1) };
    assert_kind(change!(store, |tx| tx.sources().add(&same)), ErrorKind::Taken);
    change!(store, |tx| tx.sources().add(&SourceGroup { host: host_id(2), ..same.clone() }))?;
    let mut read = store.read().await?;
    assert_eq!(read.sources().of_host(host_id(1)).await?, [group(1, 1, 2), group(2, 1, 1)]);
    assert_eq!(read.sources().find(group_id(2)).await?, Some(group(2, 1, 1)));
    assert_eq!(read.sources().find(group_id(9)).await?, None);
    Ok(())
}

pub async fn the_repository_must_be_attached(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.attachments().detach(host_id(1), repository_id(2)))?;
    assert_kind(change!(store, |tx| tx.sources().add(&group(1, 1, 2))), ErrorKind::NotFound);
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    assert_kind(change!(store, |tx| tx.sources().update(&group(1, 1, 2), 1)), ErrorKind::NotFound);
    Ok(())
}

pub async fn an_update_wants_the_version(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    change!(store, |tx| tx.sources().add(&group(2, 1, 1)))?;
    let changed = SourceGroup {
        name: "Everything".into(),
        includes: vec!["/".into()],
        options: SourceOptions { exclude_caches: true, ..SourceOptions::default() },
        command: Some(restic_manager_proto::CommandSource {
            shell: Some(Shell::Bash),
            words: vec!["pg_dump 'ä' | gzip".into()],
            file_name: "shop.sql".into(),
        }),
        host: host_id(2),
        created: at(99),
        ..group(1, 1, 2)
    };
    assert_eq!(change!(store, |tx| tx.sources().update(&changed, 1))?, 2);
    assert_kind(change!(store, |tx| tx.sources().update(&changed, 1)), ErrorKind::Conflict);
    assert_kind(change!(store, |tx| tx.sources().update(&group(9, 1, 1), 1)), ErrorKind::NotFound);
    let clash = SourceGroup { name: "everything".into(), ..group(2, 1, 1) };
    assert_kind(change!(store, |tx| tx.sources().update(&clash, 1)), ErrorKind::Taken);
    let stored = store.read().await?.sources().find(group_id(1)).await?;
    assert_eq!(stored, Some(SourceGroup { host: host_id(1), created: at(1), version: 2, ..changed }));
    assert_kind(change!(store, |tx| tx.sources().delete(group_id(9))), ErrorKind::NotFound);
    Ok(())
}

pub async fn policies_of_a_repository_are_found(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let everything = SourceGroup { retention: Retention::default(), ..group(3, 2, 1) };
    for group in [group(2, 2, 1), group(1, 1, 1), everything, group(4, 1, 2)] {
        change!(store, |tx| tx.sources().add(&group))?;
    }
    let found = store.read().await?.sources().with_retention_in(repository_id(1)).await?;
    assert_eq!(found.iter().map(|group| group.id).collect::<Vec<_>>(), [group_id(1), group_id(2)]);
    assert_eq!(found[0].retention.daily, Some(1));
    Ok(())
}

pub async fn what_changes_is_noted(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    let since = async |number| store.read().await?.sources().reads_since(group_id(number)).await;
    assert_eq!(since(1).await?.as_milliseconds(), 0);
    change!(store, |tx| tx.sources().note_reads(group_id(1), at(7)))?;
    change!(store, |tx| tx.sources().note_reads(group_id(9), at(7)))?;
    assert_eq!((since(1).await?, since(9).await?.as_milliseconds()), (at(7), 0));
    change!(store, |tx| tx.sources().delete(group_id(1)))?;
    change!(store, |tx| tx.sources().add(&group(1, 1, 1)))?;
    assert_eq!(since(1).await?.as_milliseconds(), 0, "another group");
    Ok(())
}
