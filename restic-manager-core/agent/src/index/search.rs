//! A search over the names of several snapshots: each block once, however many of them have it.

use std::collections::{BTreeMap, HashMap};

use restic_manager_crypto::ContentDigest;

use super::{
    catalogue::{Row, SnapshotId},
    entry::Piece,
    error::IndexError,
    history::{Version, note},
    order::{self, Place},
    pattern::Pattern,
    reader::Index,
};

/// Most paths of one answer.
pub const SEARCH_HITS: usize = 200;

/// A path that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its path.
    pub path: Vec<u8>,
    /// Its versions, each with the snapshots that hold it.
    pub versions: Vec<Version>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Paths in the order of the index: by folder, what is below a folder before its own entries.
    pub hits: Vec<Hit>,
    /// Behind which path to search for more; `None` when this is all.
    pub next: Option<Vec<u8>>,
}

/// One block of any of the snapshots.
struct Shared<'a> {
    row: &'a Row,
    /// An index that has it, and where.
    place: (usize, usize),
    /// Where the next block begins.
    end: Option<(&'a [u8], &'a [u8])>,
    snapshots: Vec<SnapshotId>,
}

/// Finds what a pattern matches, behind the path `after` where there is one. Between two blocks `goes_on` is
/// asked; when it says no, what was found is not complete and is given back without a `next`.
///
/// # Errors
/// When a block does not read.
pub fn search(
    indexes: &[&Index],
    pattern: &Pattern,
    after: Option<&[u8]>,
    limit: usize,
    mut goes_on: impl FnMut() -> bool,
) -> Result<Found, IndexError> {
    let after = after.and_then(Place::of);
    let mut hits = Hits { after, limit: limit.clamp(1, SEARCH_HITS), found: BTreeMap::new() };
    let mut scratch = Vec::new();
    for shared in union(indexes) {
        if hits.are_all_before((&shared.row.folder, &shared.row.name)) || !goes_on() {
            break;
        }
        if hits.is_behind(shared.end) {
            continue;
        }
        let (index, row) = shared.place;
        for piece in indexes[index].block(row)?.iter() {
            hits.look(piece, pattern, &shared.snapshots, &mut scratch);
        }
    }
    Ok(hits.answer())
}

/// The blocks of all indexes, each once, by where they begin.
fn union<'a>(indexes: &[&'a Index]) -> Vec<Shared<'a>> {
    let mut places: HashMap<ContentDigest, usize> = HashMap::new();
    let mut blocks: Vec<Shared<'a>> = Vec::new();
    for (number, index) in indexes.iter().enumerate() {
        let rows = index.rows();
        for (at, row) in rows.iter().enumerate() {
            let next = blocks.len();
            let place = *places.entry(row.hash).or_insert(next);
            if place == next {
                let end = rows.get(at + 1).map(|row| (row.folder.as_slice(), row.name.as_slice()));
                blocks.push(Shared { row, place: (number, at), end, snapshots: Vec::new() });
            }
            blocks[place].snapshots.push(index.key().snapshot);
        }
    }
    blocks.sort_by(|one, other| {
        order::entries((&one.row.folder, &one.row.name), (&other.row.folder, &other.row.name))
    });
    blocks
}

/// The first paths that were found, one more than are wanted.
struct Hits {
    after: Option<Place>,
    limit: usize,
    found: BTreeMap<Place, Vec<Version>>,
}

impl Hits {
    /// Whether nothing at or behind a place can be among the first.
    fn are_all_before(&self, place: (&[u8], &[u8])) -> bool {
        self.is_full() && self.found.last_key_value().is_some_and(|(last, _)| is_before(last, place))
    }

    /// Whether a block that ends before `end` has nothing behind where the search begins.
    fn is_behind(&self, end: Option<(&[u8], &[u8])>) -> bool {
        let start = self.after.as_ref().map(Place::parts);
        start.zip(end).is_some_and(|(start, end)| order::entries(end, start).is_le())
    }

    fn is_full(&self) -> bool {
        self.found.len() > self.limit
    }

    fn look(&mut self, piece: &Piece, pattern: &Pattern, snapshots: &[SnapshotId], scratch: &mut Vec<u8>) {
        for entry in piece.iter() {
            let place = (piece.folder.as_slice(), entry.name);
            if self.after.as_ref().is_some_and(|after| !is_before(after, place)) {
                continue;
            }
            if !pattern.finds(&piece.folder, entry.name, scratch) || self.are_all_before(place) {
                continue;
            }
            let versions = self.found.entry(Place::new(&piece.folder, entry.name)).or_default();
            note(versions, *entry.meta, snapshots.iter().copied());
            if self.found.len() > self.limit + 1 {
                self.found.pop_last();
            }
        }
    }

    fn answer(mut self) -> Found {
        let has_more = self.is_full();
        if has_more {
            self.found.pop_last();
        }
        let hits: Vec<_> =
            self.found.into_iter().map(|(place, versions)| Hit { path: place.path(), versions }).collect();
        let next = hits.last().filter(|_| has_more).map(|hit| hit.path.clone());
        Found { hits, next }
    }
}

fn is_before(one: &Place, other: (&[u8], &[u8])) -> bool {
    order::entries(one.parts(), other).is_lt()
}
