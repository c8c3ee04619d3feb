//! What differs between two snapshots, from their indexes. Blocks that both have are passed over unread.

use core::cmp::Ordering;
use std::sync::Arc;

use restic_manager_crypto::ContentDigest;

use super::{
    entry::Meta,
    error::IndexError,
    order::{self, Place},
    reader::{Block, Index},
};

/// How an entry differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Only the later has it.
    Added,
    /// Only the earlier has it.
    Removed,
    /// Its kind, size or time of change differs.
    Content,
    /// Only mode, owner or group differs.
    Metadata,
}

/// How an entry differs, if it does. Of a folder only its own mode and owner count: what is below it has entries of
/// its own, and its time changes with every name in it.
#[must_use]
pub fn judge(before: Option<&Meta>, after: Option<&Meta>) -> Option<Change> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Change::Added),
        (Some(_), None) => Some(Change::Removed),
        (Some(before), Some(after)) if !is_alike(before, after) => Some(Change::Content),
        (Some(before), Some(after)) => {
            let owner = |meta: &Meta| (meta.mode, meta.uid, meta.gid);
            (owner(before) != owner(after)).then_some(Change::Metadata)
        }
    }
}

/// How an entry of a page differs from the one in the snapshot before: as [`judge`] says, and a folder also where
/// anything below it differs.
#[must_use]
pub fn mark(before: Option<&Meta>, after: &Meta) -> Option<Change> {
    let below = before.is_some_and(|before| before.is_dir() && after.is_dir() && before.sum != after.sum);
    if below { Some(Change::Content) } else { judge(before, Some(after)) }
}

fn is_alike(before: &Meta, after: &Meta) -> bool {
    let is_same = (before.size, before.mtime) == (after.size, after.mtime);
    before.kind == after.kind && (before.is_dir() || is_same)
}

/// One entry that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its path.
    pub path: Vec<u8>,
    /// How it differs.
    pub change: Change,
    /// What it was.
    pub before: Option<Meta>,
    /// What it is.
    pub after: Option<Meta>,
}

/// How many entries differ in one way, and the bytes of the files among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Entries.
    pub entries: u64,
    /// Bytes of files: what they are, or, of those that are gone, what they were.
    pub bytes: u64,
}

/// How many entries differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Only in the later.
    pub added: Count,
    /// Only in the earlier.
    pub removed: Count,
    /// With another content.
    pub content: Count,
    /// With another mode or owner alone.
    pub metadata: Count,
}

impl Tally {
    /// Counts one more.
    pub fn add(&mut self, difference: &Difference) {
        let count = match difference.change {
            Change::Added => &mut self.added,
            Change::Removed => &mut self.removed,
            Change::Content => &mut self.content,
            Change::Metadata => &mut self.metadata,
        };
        let of = difference.after.or(difference.before).filter(|meta| !meta.is_dir());
        count.entries += 1;
        count.bytes = count.bytes.saturating_add(of.map_or(0, |meta| meta.size));
    }
}

/// The entries that differ, in the order of the index: by folder, what is below a folder before its own entries.
///
/// Each step may read blocks; between two steps it can be left for good. It ends after an error.
#[derive(Debug)]
pub struct Differences<'a> {
    before: Cursor<'a>,
    after: Cursor<'a>,
    failed: bool,
}

impl<'a> Differences<'a> {
    /// Between two indexes, behind the entry with the path `start` where there is one.
    ///
    /// # Errors
    /// When a block does not read.
    pub fn new(before: &'a Index, after: &'a Index, start: Option<&[u8]>) -> Result<Self, IndexError> {
        let start = start.and_then(Place::of);
        let cursor = |index| Cursor::behind(index, start.as_ref());
        Ok(Self { before: cursor(before)?, after: cursor(after)?, failed: false })
    }

    fn step(&mut self) -> Result<Option<Difference>, IndexError> {
        loop {
            self.before.settle()?;
            self.after.settle()?;
            if self.before.unread().is_some() && self.before.unread() == self.after.unread() {
                self.before.pass();
                self.after.pass();
                continue;
            }
            let (before, after) = match self.order() {
                None => return Ok(None),
                Some(Ordering::Less) => (Some(self.before.take()?), None),
                Some(Ordering::Greater) => (None, Some(self.after.take()?)),
                Some(Ordering::Equal) => (Some(self.before.take()?), Some(self.after.take()?)),
            };
            let metas = [&before, &after].map(|found| found.as_ref().map(|(_, meta)| *meta));
            let Some(change) = judge(metas[0].as_ref(), metas[1].as_ref()) else { continue };
            let path = before.or(after).map(|(place, _)| place.path()).unwrap_or_default();
            return Ok(Some(Difference { path, change, before: metas[0], after: metas[1] }));
        }
    }

    /// Which of the two has the entry that comes next.
    fn order(&self) -> Option<Ordering> {
        match (self.before.peek(), self.after.peek()) {
            (None, None) => None,
            (Some(_), None) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(before), Some(after)) => Some(order::entries(before, after)),
        }
    }
}

impl Iterator for Differences<'_> {
    type Item = Result<Difference, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step().transpose();
        self.failed = matches!(step, Some(Err(_)));
        step
    }
}

/// All entries of an index in order.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    index: &'a Index,
    row: usize,
    /// The block of this row, once it was read.
    block: Option<Arc<Block>>,
    piece: usize,
    entry: usize,
}

impl<'a> Cursor<'a> {
    /// At the first entry behind a place.
    pub(super) fn behind(index: &'a Index, place: Option<&Place>) -> Result<Self, IndexError> {
        let mut cursor = Self { index, row: 0, block: None, piece: 0, entry: 0 };
        let Some(place) = place else { return Ok(cursor) };
        let is_before = |start: (&[u8], &[u8])| order::entries(start, place.parts()).is_le();
        let rows = index.rows().partition_point(|row| is_before((&row.folder, &row.name)));
        cursor.row = rows.saturating_sub(1);
        loop {
            cursor.settle()?;
            if !cursor.peek().is_some_and(is_before) {
                return Ok(cursor);
            }
            cursor.take()?;
        }
    }

    /// Goes to where an entry is: its block unread and its name known by the catalogue, or its block read.
    pub(super) fn settle(&mut self) -> Result<(), IndexError> {
        while let Some(row) = self.index.rows().get(self.row) {
            let Some(block) = &self.block else {
                if !row.name.is_empty() {
                    return Ok(());
                }
                self.read()?;
                continue;
            };
            match block.get(self.piece) {
                Some(piece) if self.entry < piece.len() => return Ok(()),
                Some(_) => (self.piece, self.entry) = (self.piece + 1, 0),
                None => self.pass(),
            }
        }
        Ok(())
    }

    /// Goes to the next block.
    fn pass(&mut self) {
        (self.row, self.piece, self.entry, self.block) = (self.row + 1, 0, 0, None);
    }

    /// The block that begins here, if it was not read.
    fn unread(&self) -> Option<ContentDigest> {
        self.index.rows().get(self.row).filter(|_| self.block.is_none()).map(|row| row.hash)
    }

    /// The folder and the name of the entry that comes next, once this is settled.
    pub(super) fn peek(&self) -> Option<(&[u8], &[u8])> {
        let row = self.index.rows().get(self.row)?;
        let Some(block) = &self.block else { return Some((&row.folder, &row.name)) };
        let piece = block.get(self.piece)?;
        Some((&piece.folder, piece.get(self.entry)?.name))
    }

    /// The entry that comes next, once this is settled.
    pub(super) fn take(&mut self) -> Result<(Place, Meta), IndexError> {
        let block = match &self.block {
            Some(block) => Arc::clone(block),
            None => self.read()?,
        };
        let piece = block.get(self.piece).ok_or(IndexError::Missing)?;
        let entry = piece.get(self.entry).ok_or(IndexError::Missing)?;
        self.entry += 1;
        Ok((Place::new(&piece.folder, entry.name), *entry.meta))
    }

    fn read(&mut self) -> Result<Arc<Block>, IndexError> {
        let block = self.index.block(self.row)?;
        self.block = Some(Arc::clone(&block));
        Ok(block)
    }
}
