//! A damaged file is an error that names it, never a panic and never a wrong answer.

use super::model::{Memory, Model, key, snapshot};
use crate::support::folder;
use restic_manager_agent::{
    files::{FileError, FileProblem},
    index::{
        Builder, Catalogue, Index, IndexError, Indexes, Kind, Meta, Moment, Sink as _, View, decode, encode,
    },
};
use restic_manager_proto::Timestamp;
use std::{fs, path::PathBuf, sync::Arc};

const NOW: Timestamp = Timestamp::from_milliseconds(1_795_316_400_000);

fn model() -> Model {
    let mut model = Model::default();
    let mtime = Moment { seconds: 1_795_316_400, nanoseconds: 123_456_789 };
    for name in ["alpha", "beta", "gamma"] {
        let meta = Meta { mode: 0o640, uid: 1000, gid: 100, size: 12_345, mtime, ..Meta::new(Kind::File) };
        model.add(&[b"srv".to_vec(), b"data".to_vec(), name.as_bytes().to_vec()], meta);
    }
    model
}

#[test]
fn no_changed_byte_makes_a_decoder_panic() {
    let memory = Memory::default();
    let (catalogue, _) = model().build(1, &memory);
    let blocks: Vec<_> = memory.0.lock().expect("nobody panicked").values().cloned().collect();
    for file in &blocks {
        for_each_damage(file, |damaged| drop(decode(damaged)));
    }
    for_each_damage(&catalogue.encode(), |damaged| {
        assert!(Catalogue::decode(damaged).is_err(), "a digest is over every byte");
    });
}

#[test]
fn what_unpacks_to_more_than_a_block_is_refused() {
    let mut pieces = decode(&one_block()).expect("it was written");
    for number in 0..200_000 {
        pieces[0].push(format!("{number:09}").as_bytes(), Meta::new(Kind::File));
    }
    assert!(decode(&encode(&pieces)).is_err());
}

fn one_block() -> Vec<u8> {
    let memory = Memory::default();
    model().build(1, &memory);
    let blocks = memory.0.lock().expect("nobody panicked");
    blocks.values().next().expect("there is a block").clone()
}

/// Every byte changed in some ways, and every length that is too short, and one that is too long.
fn for_each_damage(file: &[u8], mut see: impl FnMut(&[u8])) {
    for at in 0..file.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = file.to_vec();
            damaged[at] ^= flip;
            see(&damaged);
        }
        see(&file[..at]);
    }
    see(&[file, b"\0"].concat());
}

fn keep(indexes: &Arc<Indexes>) -> Index {
    let mut builder = Builder::new(indexes.keeper());
    for (path, meta) in model().walk() {
        builder.add(&path, *meta).expect("it comes next");
    }
    let (catalogue, keeper) = builder.finish(key(1)).expect("the disk takes it");
    indexes.commit(&catalogue, keeper, NOW).expect("the disk takes it");
    indexes.index(key(1), NOW).expect("it is there")
}

fn files_of(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).expect("the folder reads");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// Looks through everything that an index has.
fn read_all(indexes: &Arc<Indexes>) -> Result<u64, IndexError> {
    let index = indexes.index(key(1), NOW)?;
    for folder in [b"/".as_slice(), b"/srv", b"/srv/data"] {
        index.page(folder, &View { limit: 10, ..View::default() })?.expect("the folder is there");
    }
    Ok(index.totals().entries)
}

#[test]
fn each_damaged_file_is_named_removed_and_made_anew() {
    let folder = folder();
    keep(&Indexes::open(folder.path(), u64::MAX).expect("it opens"));
    let whole: Vec<_> = files_of(&folder)
        .into_iter()
        .map(|path| (path.clone(), fs::read(&path).expect("it reads")))
        .collect();
    assert_eq!(whole.len(), 2, "a block and a catalogue");
    for (path, file) in &whole {
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x10;
            fs::write(path, &damaged).expect("it writes");
            // Opened as by an agent that starts: what was read before is not remembered.
            let indexes = Indexes::open(folder.path(), u64::MAX).expect("it opens");
            let error = read_all(&indexes).expect_err("it is damaged");
            let is_named = matches!(&error, IndexError::File(FileError { path: named, problem: FileProblem::Damaged { .. } }) if named == path);
            let is_gone = matches!(error, IndexError::Missing);
            assert!(is_named || is_gone, "byte {at} of {}: {error}", path.display());
            assert!(matches!(read_all(&indexes), Err(IndexError::Missing)), "it is not there any more");
            keep(&indexes);
            assert_eq!(read_all(&indexes).expect("it was made anew"), 5);
        }
    }
    assert_eq!(files_of(&folder).len(), 2);
}

#[test]
fn a_block_that_a_crash_cut_short_is_written_again() {
    let folder = folder();
    let indexes = Indexes::open(folder.path(), u64::MAX).expect("it opens");
    let mut keeper = indexes.keeper();
    keeper.keep(&one_block()).expect("the disk takes it");
    let path = files_of(&folder).remove(0);
    fs::write(&path, b"").expect("it writes");
    keeper.keep(&one_block()).expect("the disk takes it");
    assert_eq!(fs::read(&path).expect("it reads"), one_block());
    assert_eq!(snapshot(1), key(1).snapshot);
}
