//! What an index is held against: a plain list of entries, asked in the plainest way.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
    sync::{Arc, Mutex},
};

use proptest::{collection::vec, prelude::*};
use restic_manager_agent::index::{
    Block, Blocks, Builder, Catalogue, Change, Index, IndexError, Kind, Meta, Moment, Sink, SnapshotId,
    SnapshotKey, decode, judge,
};
use restic_manager_crypto::ContentDigest;
use restic_manager_proto::RepositoryId;

/// Names of a path.
pub(crate) type Names = Vec<Vec<u8>>;

/// A snapshot as a list of entries, by their names. Parents are there, and are folders.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model(pub(crate) BTreeMap<Names, Meta>);

/// Blocks in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory(pub(crate) Arc<Mutex<HashMap<ContentDigest, Vec<u8>>>>);

impl Sink for Memory {
    fn keep(&mut self, file: &[u8]) -> Result<ContentDigest, IndexError> {
        let hash = ContentDigest::of(file);
        self.0.lock().expect("nobody panicked").insert(hash, file.to_vec());
        Ok(hash)
    }
}

impl Blocks for Memory {
    fn block(&self, hash: &ContentDigest) -> Result<Arc<Block>, IndexError> {
        let files = self.0.lock().expect("nobody panicked");
        Ok(Arc::new(decode(files.get(hash).ok_or(IndexError::Missing)?)?))
    }
}

pub(crate) fn key(number: u8) -> SnapshotKey {
    SnapshotKey { repository: RepositoryId::from_bytes([1; 16]), snapshot: snapshot(number) }
}

pub(crate) fn snapshot(number: u8) -> SnapshotId {
    format!("{number:02x}").repeat(32).parse().expect("an id")
}

impl Model {
    /// Adds an entry and the folders above it.
    pub(crate) fn add(&mut self, names: &[Vec<u8>], meta: Meta) {
        for depth in 1..names.len() {
            let above = self.0.entry(names[..depth].to_vec()).or_insert(Meta::new(Kind::Dir));
            if !above.is_dir() {
                return;
            }
        }
        let next = self.0.range((Bound::Excluded(names.to_vec()), Bound::Unbounded)).next();
        let is_below = next.is_some_and(|(other, _)| other.starts_with(names));
        if !is_below || meta.is_dir() {
            self.0.insert(names.to_vec(), meta);
        }
    }

    /// The entries in the order of restic's walk: a parent, what is below it, its next sibling.
    pub(crate) fn walk(&self) -> impl Iterator<Item = (Vec<u8>, &Meta)> {
        self.0.iter().map(|(names, meta)| (path(names), meta))
    }

    pub(crate) fn build(&self, number: u8, memory: &Memory) -> (Catalogue, Index) {
        let mut builder = Builder::new(memory.clone());
        for (path, meta) in self.walk() {
            builder.add(&path, *meta).expect("it comes next");
        }
        let (catalogue, _) = builder.finish(key(number)).expect("memory takes everything");
        (catalogue.clone(), Index::new(catalogue, Arc::new(memory.clone())))
    }

    pub(crate) fn folders(&self) -> BTreeSet<Names> {
        let folders = self.0.iter().filter(|(_, meta)| meta.is_dir()).map(|(names, _)| names.clone());
        folders.chain([Names::new()]).collect()
    }

    /// The entries of a folder, with what is below them counted.
    pub(crate) fn children(&self, folder: &[Vec<u8>]) -> Vec<(Vec<u8>, Meta)> {
        let is_child = |names: &Names| names.len() == folder.len() + 1 && names.starts_with(folder);
        let children = self.0.keys().filter(|names| is_child(names));
        children.map(|names| (names[folder.len()].clone(), self.counted(names))).collect()
    }

    /// What an index should know of an entry, its sum aside.
    pub(crate) fn counted(&self, names: &Names) -> Meta {
        let meta = self.0[names];
        if !meta.is_dir() {
            return meta;
        }
        let below =
            || self.0.iter().filter(|(other, _)| other.len() > names.len() && other.starts_with(names));
        let size = below().filter(|(_, meta)| !meta.is_dir()).map(|(_, meta)| meta.size).sum();
        Meta { size, below: below().count() as u64, ..meta }
    }

    /// What differs, by path.
    pub(crate) fn differences(&self, after: &Self) -> BTreeMap<Vec<u8>, Change> {
        let all: BTreeSet<_> = self.0.keys().chain(after.0.keys()).collect();
        let changes = all.into_iter().filter_map(|names| {
            let change = judge(self.0.get(names), after.0.get(names))?;
            Some((path(names), change))
        });
        changes.collect()
    }
}

pub(crate) fn path(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().flat_map(|name| [b"/".as_slice(), name].concat()).collect()
}

/// Without the sum, which a model does not have.
pub(crate) fn plain(meta: Meta) -> Meta {
    Meta { sum: 0, ..meta }
}

/// Names that are alike, of odd bytes, and some so long that few make a block.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let start = vec(prop::sample::select(vec![b'a', b'b', b'-', b'.', b'0', b'\n', 0x80, 0xff]), 1..3);
    (start, prop_oneof![4 => Just(0), 3 => 500..3000_usize]).prop_map(|(mut name, more)| {
        name.resize(name.len() + more, b'x');
        name
    })
}

fn meta() -> impl Strategy<Value = Meta> {
    let kind = prop_oneof![6 => Just(Kind::File), 2 => Just(Kind::Dir), 1 => Just(Kind::Symlink)];
    let owner = prop::sample::select(vec![(0o644, 0, 0), (0o755, 1000, 1000), (0o4755, 0, u32::MAX)]);
    (kind, owner, 0..4_u64, -2..3_i64, prop::sample::select(vec![0, 1, 999_999_999])).prop_map(
        |(kind, (mode, uid, gid), size, seconds, nanoseconds)| {
            let size = if kind == Kind::File { size } else { 0 };
            Meta { mode, uid, gid, size, mtime: Moment { seconds, nanoseconds }, ..Meta::new(kind) }
        },
    )
}

pub(crate) fn models() -> impl Strategy<Value = Model> {
    vec((vec(name(), 1..4), meta()), 0..120).prop_map(|entries| {
        let mut model = Model::default();
        for (names, meta) in entries {
            model.add(&names, meta);
        }
        model
    })
}

/// Some snapshots of the same files as time goes on.
pub(crate) fn series() -> impl Strategy<Value = Vec<Model>> {
    let step = vec((any::<prop::sample::Index>(), prop::option::weighted(0.7, meta())), 0..4);
    let more = vec((vec(name(), 1..3), meta()), 0..3);
    (models(), vec((step, more), 1..4)).prop_map(|(first, steps)| {
        let mut series = vec![first];
        for (changed, added) in steps {
            let mut model = series[series.len() - 1].clone();
            for (at, change) in changed {
                let Some(names) = (!model.0.is_empty()).then(|| at.index(model.0.len())) else { continue };
                let names = model.0.keys().nth(names).expect("it is in the range").clone();
                match change {
                    Some(meta) => model.add(&names, meta),
                    None => model.0.retain(|other, _| !other.starts_with(&names)),
                }
            }
            added.into_iter().for_each(|(names, meta)| model.add(&names, meta));
            series.push(model);
        }
        series
    })
}
