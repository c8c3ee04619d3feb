//! Indexes on the disk: what they take, what gives way, and what is left of one that was not ended.

use super::model::{key, snapshot};
use crate::support::folder;
use restic_manager_agent::index::{Builder, IndexError, Indexes, Kind, Meta, SnapshotKey, View};
use restic_manager_proto::{RepositoryId, Timestamp};
use std::{collections::HashSet, fs, path::Path, sync::Arc};

const fn at(number: u8) -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000 + number as i64 * 1000)
}

/// Blocks of an index whose names are its own but for those that all have.
fn builder(indexes: &Arc<Indexes>, number: u8) -> Builder<restic_manager_agent::index::Keeper> {
    let mut builder = Builder::new(indexes.keeper());
    for folder in ["common".to_owned(), format!("own-{number:02}")] {
        builder.add(format!("/{folder}").as_bytes(), Meta::new(Kind::Dir)).expect("it comes next");
        for name in 0..4000_u32 {
            let path = format!("/{folder}/{name:06}");
            let size = u64::from(name) * 7919 + u64::from(number) * u64::from(folder != "common");
            builder.add(path.as_bytes(), Meta { size, ..Meta::new(Kind::File) }).expect("it comes next");
        }
    }
    builder
}

fn keep(indexes: &Arc<Indexes>, key: SnapshotKey, number: u8) -> Result<(), IndexError> {
    let (catalogue, keeper) = builder(indexes, number).finish(key)?;
    indexes.commit(&catalogue, keeper, at(number))
}

fn count(folder: &Path, ending: &str) -> usize {
    let entries = fs::read_dir(folder).expect("the folder reads");
    entries
        .filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(ending))
        })
        .count()
}

fn is_whole(indexes: &Arc<Indexes>, number: u8) -> bool {
    let view = View { limit: 500, after: 3000, ..View::default() };
    let read = indexes.index(key(number), at(number)).and_then(|index| index.page(b"/common", &view));
    match read {
        Ok(page) => page.is_some_and(|page| page.entries.len() == 500),
        Err(IndexError::Missing) => false,
        Err(error) => unreachable!("{error}"),
    }
}

#[test]
fn the_least_recently_used_gives_way_and_shared_blocks_stay() {
    let folder = folder();
    let measured = Indexes::open(folder.path(), u64::MAX).expect("it opens");
    keep(&measured, key(0), 0).expect("it fits");
    let one = measured.bytes().expect("it reads");
    keep(&measured, key(1), 1).expect("it fits");
    let two = measured.bytes().expect("it reads");
    assert!(two < one * 2, "{two} is less than twice {one}: what is common is there once");
    let own = two - one;

    let indexes = Indexes::open(folder.path(), two + own / 2).expect("it opens");
    assert!(is_whole(&indexes, 1) && indexes.index(key(0), at(9)).is_ok(), "the older is used");
    keep(&indexes, key(2), 10).expect("it fits");
    let left = indexes.indexed(key(0).repository).expect("it reads");
    assert_eq!(left, HashSet::from([snapshot(0), snapshot(2)]));
    assert!(is_whole(&indexes, 0) && is_whole(&indexes, 2) && !is_whole(&indexes, 1));
    assert!(indexes.bytes().expect("it reads") <= two + own / 2);
}

#[test]
fn one_that_is_larger_than_all_may_be_is_refused_and_leaves_nothing() {
    let folder = folder();
    let indexes = Indexes::open(folder.path(), 1000).expect("it opens");
    let error = keep(&indexes, key(0), 0).expect_err("it does not fit");
    assert!(matches!(error, IndexError::TooLarge { budget: 1000, .. }), "{error}");
    assert_eq!(indexes.bytes().expect("it reads"), 0);
}

#[test]
fn what_was_not_ended_is_no_index_and_is_removed() {
    let folder = folder();
    let indexes = Indexes::open(folder.path(), u64::MAX).expect("it opens");
    let begun = builder(&indexes, 1);
    assert!(count(folder.path(), ".block") > 0, "blocks are written meanwhile");
    keep(&indexes, key(2), 2).expect("it fits");
    let (catalogue, keeper) = begun.finish(key(1)).expect("the disk takes it");
    assert!(matches!(indexes.index(key(1), at(3)), Err(IndexError::Missing)));
    indexes.commit(&catalogue, keeper, at(3)).expect("what it wrote is still there");
    assert!(is_whole(&indexes, 1));

    let before = count(folder.path(), ".block");
    drop(builder(&indexes, 5));
    assert!(count(folder.path(), ".block") > before);
    fs::write(folder.path().join("abc.block.tmp"), b"half").expect("it writes");
    drop(indexes);
    let indexes = Indexes::open(folder.path(), u64::MAX).expect("it opens");
    assert_eq!((count(folder.path(), ".block"), count(folder.path(), ".tmp")), (before, 0));
    assert!(is_whole(&indexes, 1) && is_whole(&indexes, 2));
}

#[test]
fn an_index_goes_with_its_snapshot() {
    let folder = folder();
    let indexes = Indexes::open(folder.path(), u64::MAX).expect("it opens");
    let elsewhere = SnapshotKey { repository: RepositoryId::from_bytes([2; 16]), ..key(1) };
    for (key, number) in [(key(1), 1), (key(2), 2), (elsewhere, 3)] {
        keep(&indexes, key, number).expect("it fits");
    }
    let blocks = count(folder.path(), ".block");
    indexes.retain(key(1).repository, &HashSet::from([snapshot(2)])).expect("the disk takes it");
    assert_eq!(indexes.indexed(key(1).repository).expect("it reads"), HashSet::from([snapshot(2)]));
    assert_eq!(indexes.indexed(elsewhere.repository).expect("it reads"), HashSet::from([snapshot(1)]));
    assert!(count(folder.path(), ".block") < blocks, "what only it had is gone");
    assert!(is_whole(&indexes, 2));
    for repository in [key(1).repository, elsewhere.repository] {
        indexes.retain(repository, &HashSet::new()).expect("the disk takes it");
    }
    assert_eq!(indexes.bytes().expect("it reads"), 0);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let place = folder.path().join("index");
    let indexes = Indexes::open(&place, u64::MAX).expect("it opens");
    keep(&indexes, key(1), 1).expect("it fits");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o700);
    for entry in fs::read_dir(&place).expect("the folder reads") {
        assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
    }
}
