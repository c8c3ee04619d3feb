use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, Store,
    snapshots::{ListingChange, Snapshot, SnapshotScope},
};

fn snapshot(number: u32, host: u32, repository: u32, first_seen: u32) -> Snapshot {
    Snapshot {
        host: host_id(host),
        repository: repository_id(repository),
        seen: listed(number),
        first_seen: at(first_seen),
    }
}

pub async fn a_listing_is_the_whole_truth(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let mut rich = listed(3);
    rich.parent = Some("ef".repeat(32));
    rich.tags = vec!["a".into(), "nul \0".into()];
    rich.bytes = Some(1 << 40);
    let first = [listed(1), listed(2)];
    let change = change!(store, |tx| tx.snapshots().record_listing(host, there, &first, at(50)))?;
    assert_eq!(change, ListingChange { added: 2, removed: 0 });
    let second = [listed(2), rich.clone(), listed(2)];
    let change = change!(store, |tx| tx.snapshots().record_listing(host, there, &second, at(60)))?;
    assert_eq!(change, ListingChange { added: 1, removed: 1 });
    let mut read = store.read().await?;
    let page = read.snapshots().page(SnapshotScope::Host(host), PageRequest::first(9)).await?;
    let newest = Snapshot { seen: rich, ..snapshot(3, 1, 1, 60) };
    assert_eq!(page.items, [newest, snapshot(2, 1, 1, 50)]);
    assert_eq!(read.snapshots().find(host, there, &listed(1).id).await?, None);
    let found = read.snapshots().find(host, there, &listed(2).id).await?;
    assert_eq!(found, Some(snapshot(2, 1, 1, 50)));
    drop(read);
    let strange = change!(store, |tx| tx.snapshots().record_listing(host_id(9), there, &first, at(50)));
    assert_kind(strange, ErrorKind::NotFound);
    Ok(())
}

pub async fn a_listing_may_come_in_pieces(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let all: Vec<_> = (1..=5).map(listed).collect();
    change!(store, |tx| tx.snapshots().record_listing(host, there, &all[..2], at(50)))?;
    let count = async || {
        let mut read = store.read().await?;
        let attached = read.attachments().find(host, there).await?.map(|one| (one.snapshots, one.listed));
        let known = read.snapshots().ids(host, there).await?.len() as u64;
        Ok::<_, Error>((read.hosts().find(host).await?.map(|host| host.snapshots), known, attached))
    };
    assert_eq!(change!(store, |tx| tx.snapshots().add_listed(host, there, &all[1..4], at(60)))?, 2);
    assert_eq!(count().await?, (Some(4), 4, Some((4, Some(at(50))))));
    let gone = [all[0].id.clone(), all[1].id.clone(), all[2].id.clone(), all[3].id.clone()];
    assert_eq!(change!(store, |tx| tx.snapshots().forget(host, there, &gone[..1]))?, 1);
    let change = change!(store, |tx| tx.snapshots().record_listing(host, there, &all[1..], at(60)))?;
    assert_eq!(change, ListingChange { added: 1, removed: 0 });
    assert_eq!(count().await?, (Some(4), 4, Some((4, Some(at(60))))));
    let mut ids = store.read().await?.snapshots().ids(host, there).await?;
    ids.sort_unstable();
    let mut expected: Vec<_> = all[1..].iter().map(|one| one.id.clone()).collect();
    expected.sort_unstable();
    assert_eq!(ids, expected);
    let strange = change!(store, |tx| tx.snapshots().add_listed(host_id(9), there, &all, at(50)));
    assert_kind(strange, ErrorKind::NotFound);
    Ok(())
}

pub async fn the_newest_of_a_tag_has_no_other(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let tagged = |number, tags: &[&str]| {
        let mut seen = listed(number);
        seen.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        seen
    };
    let listing =
        [tagged(1, &["home"]), tagged(2, &["home"]), tagged(3, &["home", "kept"]), tagged(4, &["etc"]), tagged(5, &[])];
    change!(store, |tx| tx.snapshots().record_listing(host, there, &listing, at(50)))?;
    let newest = async |tag| {
        let mut read = store.read().await?;
        read.snapshots().newest_tagged(host, there, tag).await
    };
    let found = |number, tags| Some(Snapshot { seen: tagged(number, tags), ..snapshot(number, 1, 1, 50) });
    assert_eq!(newest("home").await?, found(2, &["home"]));
    assert_eq!(newest("etc").await?, found(4, &["etc"]));
    assert_eq!(newest("kept").await?, None);
    let oldest = store.read().await?.snapshots().oldest_tagged(host, there, "home").await?;
    assert_eq!(oldest, found(1, &["home"]));
    let elsewhere = store.read().await?.snapshots().newest_tagged(host, repository_id(2), "home").await?;
    assert_eq!(elsewhere, None);
    Ok(())
}

pub async fn what_is_empty_or_of_the_future_does_not_count(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let tagged = |number, time| {
        let mut seen = listed(number);
        (seen.tags, seen.time) = (vec!["home".to_owned()], at(time));
        seen
    };
    let mut empty = tagged(4, 40);
    empty.empty = true;
    // Clocks may differ by five minutes.
    let (real, near, far) = (tagged(1, 10), tagged(2, 50 + 300), tagged(3, 50 + 301));
    let listing = [real.clone(), empty.clone(), far.clone()];
    change!(store, |tx| tx.snapshots().record_listing(host, there, &listing, at(50)))?;
    let newest = async || {
        let mut read = store.read().await?;
        let tagged = read.snapshots().newest_tagged(host, there, "home").await?;
        let newest = read.snapshots().newest(host, there).await?;
        assert_eq!(tagged, newest);
        let row = read.hosts().find(host).await?.expect("enrolled");
        assert_eq!(row.last_snapshot, newest.as_ref().map(|newest| newest.seen.time));
        Ok::<_, Error>(newest.map(|newest| newest.seen))
    };
    assert_eq!(newest().await?, Some(real.clone()));
    let uncounted = store.read().await?.snapshots().uncounted(host, 9).await?;
    let ids = |rows: Vec<Snapshot>| rows.into_iter().map(|row| row.seen.id).collect::<Vec<_>>();
    assert_eq!(ids(uncounted), [far.id.clone(), empty.id]);
    // What was ahead of its first listing stays so, however late it is by now.
    change!(store, |tx| tx.snapshots().record_listing(host, there, &[real.clone(), far.clone()], at(900)))?;
    assert_eq!(newest().await?, Some(real));
    assert_eq!(store.read().await?.snapshots().uncounted(host, 1).await?.len(), 1);
    change!(store, |tx| tx.snapshots().record_listing(host, repository_id(2), std::slice::from_ref(&near), at(50)))?;
    let counted = store.read().await?.snapshots().newest(host, repository_id(2)).await?;
    assert_eq!(counted.map(|counted| counted.seen), Some(near));
    change!(store, |tx| tx.snapshots().forget(host, repository_id(2), &[listed(2).id]))?;
    change!(store, |tx| tx.snapshots().record_listing(host, there, &[far], at(950)))?;
    assert_eq!(newest().await?, None, "a host of which nothing counts has no snapshot");
    Ok(())
}

pub async fn host_and_attachment_follow(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let host = host_id(1);
    for (repository, listing, second) in [(1, vec![listed(1), listed(9)], 50), (2, vec![listed(4)], 51)] {
        let there = repository_id(repository);
        change!(store, |tx| tx.snapshots().record_listing(host, there, &listing, at(second)))?;
    }
    let mut read = store.read().await?;
    let row = read.hosts().find(host).await?;
    assert_eq!(row.map(|row| (row.snapshots, row.last_snapshot)), Some((3, Some(at(9)))));
    let row = read.attachments().find(host, repository_id(1)).await?;
    assert_eq!(row.map(|row| (row.snapshots, row.listed)), Some((2, Some(at(50)))));
    drop(read);
    change!(store, |tx| tx.snapshots().record_listing(host, repository_id(1), &[], at(60)))?;
    let row = store.read().await?.hosts().find(host).await?;
    assert_eq!(row.map(|row| (row.snapshots, row.last_snapshot)), Some((1, Some(at(4)))));
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let host = host_id(1);
    let mut same_time = listed(6);
    same_time.time = at(5);
    let here = [listed(5), same_time, listed(1)];
    change!(store, |tx| tx.snapshots().record_listing(host, repository_id(1), &here, at(50)))?;
    let there = [listed(5), listed(3)];
    change!(store, |tx| tx.snapshots().record_listing(host, repository_id(2), &there, at(50)))?;
    change!(store, |tx| tx.snapshots().record_listing(host_id(2), repository_id(2), &there, at(50)))?;
    let mut read = store.read().await?;
    let cases = [
        (SnapshotScope::Host(host), vec![(6, 1), (5, 2), (5, 1), (3, 2), (1, 1)]),
        (SnapshotScope::HostRepository(host, repository_id(1)), vec![(6, 1), (5, 1), (1, 1)]),
    ];
    for (scope, expected) in cases {
        let mut found = Vec::new();
        let mut request = PageRequest::first(1);
        loop {
            let page = read.snapshots().page(scope, request).await?;
            found.extend(page.items.into_iter().map(|row| (row.seen.id, row.repository)));
            let Some(next) = page.next else { break };
            request = PageRequest::after(next, 1);
        }
        let expected: Vec<_> =
            expected.into_iter().map(|(id, there)| (listed(id).id, repository_id(there))).collect();
        assert_eq!(found, expected, "{scope:?}");
    }
    Ok(())
}

pub async fn detaching_forgets(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    change!(store, |tx| tx.snapshots().record_listing(host, there, &[listed(1)], at(50)))?;
    change!(store, |tx| tx.attachments().detach(host, there))?;
    let mut read = store.read().await?;
    assert_eq!(read.snapshots().find(host, there, &listed(1).id).await?, None);
    let row = read.hosts().find(host).await?;
    assert_eq!(row.map(|row| (row.snapshots, row.last_snapshot)), Some((0, None)));
    Ok(())
}

pub async fn forgotten_ones_are_gone(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let (host, there) = (host_id(1), repository_id(1));
    let listing: Vec<_> = (1..=4).map(listed).collect();
    change!(store, |tx| tx.snapshots().record_listing(host, there, &listing, at(9)))?;
    let ids = [listed(1).id, listed(4).id, listed(7).id];
    assert_eq!(change!(store, |tx| tx.snapshots().forget(host_id(2), there, &ids))?, 0);
    assert_eq!(change!(store, |tx| tx.snapshots().forget(host, there, &ids))?, 2);
    let mut read = store.read().await?;
    let known = read.hosts().find(host).await?.expect("enrolled");
    assert_eq!((known.snapshots, known.last_snapshot), (2, Some(at(3))));
    let attachment = read.attachments().find(host, there).await?.expect("attached");
    assert_eq!((attachment.snapshots, attachment.listed), (2, Some(at(9))));
    Ok(())
}
