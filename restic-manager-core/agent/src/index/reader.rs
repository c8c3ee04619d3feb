//! The index of one snapshot, read: one entry, or a page of a folder. A look unpacks one or two blocks.

use core::{fmt, ops::Range};
use std::sync::Arc;

use restic_manager_crypto::ContentDigest;

use super::{
    catalogue::{Catalogue, Row, SnapshotKey, Totals},
    entry::{Entry, Kind, Meta, Piece},
    error::IndexError,
    order,
};

/// Most entries of one page.
pub const PAGE_ENTRIES: usize = 500;
/// Most entries of a folder that is sorted by anything but names.
pub const SORTED_ENTRIES: u64 = 100_000;

/// A block, unpacked.
pub type Block = Vec<Piece>;

/// Where blocks are found.
pub trait Blocks: fmt::Debug + Send + Sync {
    /// The block with this digest.
    ///
    /// # Errors
    /// When it is not there, or is damaged.
    fn block(&self, hash: &ContentDigest) -> Result<Arc<Block>, IndexError>;
}

/// The index of one snapshot. All functions block on the disk.
#[derive(Clone, Debug)]
pub struct Index {
    catalogue: Arc<Catalogue>,
    blocks: Arc<dyn Blocks>,
}

/// By what the entries of a page are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// By the bytes of their names.
    #[default]
    Name,
    /// By size; a folder counts with what is below it.
    Size,
    /// By the time of the last change.
    Time,
}

/// Which entries of a folder are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// By what they are sorted.
    pub by: By,
    /// The largest, or last, first.
    pub descending: bool,
    /// Only those of this kind.
    pub kind: Option<Kind>,
    /// From where on: zero, or the [`next`](Page::next) of the page before, with the same sorting and kind.
    pub after: u64,
    /// How many at most; never more than [`PAGE_ENTRIES`].
    pub limit: usize,
}

/// An entry that stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name, as the bytes it has on the disk.
    pub name: Vec<u8>,
    /// What is known of it.
    pub meta: Meta,
}

impl From<Entry<'_>> for Listed {
    fn from(entry: Entry<'_>) -> Self {
        Self { name: entry.name.to_vec(), meta: *entry.meta }
    }
}

/// Some entries of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The entries, sorted.
    pub entries: Vec<Listed>,
    /// How many the folder has, of every kind.
    pub total: u64,
    /// Where the next page begins, unless this is the last.
    pub next: Option<u64>,
}

impl Index {
    /// An index whose blocks are there.
    #[must_use]
    pub fn new(catalogue: Catalogue, blocks: Arc<dyn Blocks>) -> Self {
        Self { catalogue: Arc::new(catalogue), blocks }
    }

    /// Of which snapshot it is.
    #[must_use]
    pub fn key(&self) -> SnapshotKey {
        self.catalogue.key
    }

    /// What the snapshot holds.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.catalogue.totals
    }

    /// What is known of the entry with this path; `None` when there is none.
    ///
    /// # Errors
    /// When a block does not read.
    pub fn entry(&self, path: &[u8]) -> Result<Option<Meta>, IndexError> {
        match order::split(order::tidy(path)) {
            Some((folder, name)) => self.find(folder, name),
            None if path.is_empty() || path == b"/" => Ok(Some(self.top())),
            None => Ok(None),
        }
    }

    /// Some entries of a folder; `None` when the snapshot has no such folder.
    ///
    /// # Errors
    /// When a block does not read, or the folder has too many entries to be sorted so.
    pub fn page(&self, folder: &[u8], view: &View) -> Result<Option<Page>, IndexError> {
        let folder = order::tidy(folder);
        let Some(total) = self.count(folder)? else { return Ok(None) };
        let view = View { limit: view.limit.clamp(1, PAGE_ENTRIES), ..*view };
        let page = match view.by {
            By::Name => self.page_by_name(folder, &view, total)?,
            By::Size | By::Time => self.page_by_rank(folder, &view, total)?,
        };
        Ok(Some(page))
    }

    fn page_by_name(&self, folder: &[u8], view: &View, total: u64) -> Result<Page, IndexError> {
        let (mut entries, mut next) = (Vec::new(), None);
        let from = if view.descending { total.checked_sub(view.after + 1) } else { Some(view.after) };
        let Some(from) = from.filter(|from| *from < total) else { return Ok(Page { entries, total, next }) };
        self.walk(folder, from, view.descending, |position, entry| {
            let is_wanted = view.kind.is_none_or(|kind| kind == entry.meta.kind);
            if is_wanted && entries.len() == view.limit {
                next = Some(if view.descending { total - 1 - position } else { position });
            } else if is_wanted {
                entries.push(entry.into());
            }
            next.is_none()
        })?;
        Ok(Page { entries, total, next })
    }

    fn page_by_rank(&self, folder: &[u8], view: &View, total: u64) -> Result<Page, IndexError> {
        if total > SORTED_ENTRIES {
            return Err(IndexError::TooManyToSort { entries: total, limit: SORTED_ENTRIES });
        }
        let mut ranked = Vec::new();
        self.walk(folder, 0, false, |position, entry| {
            if view.kind.is_none_or(|kind| kind == entry.meta.kind) {
                ranked.push((rank(view.by, entry.meta), position));
            }
            true
        })?;
        if view.descending {
            ranked.sort_unstable_by_key(|(rank, position)| (core::cmp::Reverse(*rank), *position));
        } else {
            ranked.sort_unstable();
        }
        let start = usize::try_from(view.after).unwrap_or(usize::MAX).min(ranked.len());
        let end = (start + view.limit).min(ranked.len());
        let entries = ranked[start..end].iter().map(|(_, position)| self.at(folder, *position));
        let entries = entries.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        Ok(Page { entries, total, next: (end < ranked.len()).then_some(end as u64) })
    }

    /// What is known of a name in a folder.
    pub(super) fn find(&self, folder: &[u8], name: &[u8]) -> Result<Option<Meta>, IndexError> {
        let rows = self.rows_of(folder);
        let begins_before = |row: &Row| row.folder != folder || row.name.as_slice() <= name;
        let after = self.rows()[rows.clone()].partition_point(begins_before);
        let Some(row) = after.checked_sub(1).map(|offset| rows.start + offset) else { return Ok(None) };
        let block = self.block(row)?;
        Ok(piece_of(&block, folder).and_then(|piece| piece.find(name)))
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.catalogue.rows
    }

    pub(super) fn block(&self, row: usize) -> Result<Arc<Block>, IndexError> {
        self.blocks.block(&self.rows()[row].hash)
    }

    /// The rows of blocks that hold pieces of a folder, if any do.
    fn rows_of(&self, folder: &[u8]) -> Range<usize> {
        let rows = self.rows();
        let start = rows.partition_point(|row| order::folders(&row.folder, folder).is_lt());
        let end = rows.partition_point(|row| order::folders(&row.folder, folder).is_le());
        if start < end { start..end } else { start.saturating_sub(1)..start }
    }

    /// How many entries a folder has.
    fn count(&self, folder: &[u8]) -> Result<Option<u64>, IndexError> {
        let Some(last) = self.rows_of(folder).next_back() else { return Ok(None) };
        let block = self.block(last)?;
        Ok(piece_of(&block, folder).map(|piece| piece.first + piece.len() as u64))
    }

    /// Shows the entries of a folder from a position on, or backwards, until `see` says no.
    fn walk(
        &self,
        folder: &[u8],
        from: u64,
        backwards: bool,
        mut see: impl FnMut(u64, Entry<'_>) -> bool,
    ) -> Result<(), IndexError> {
        let rows = self.rows_of(folder);
        let (mut up, mut down) = (rows.clone(), rows.clone().rev());
        let order: &mut dyn Iterator<Item = usize> = if backwards { &mut down } else { &mut up };
        for row in order {
            let starts_at = |row: usize| rows.contains(&row).then(|| self.rows()[row].first);
            let is_beyond = if backwards {
                rows.len() > 1 && self.rows()[row].first > from
            } else {
                starts_at(row + 1).is_some_and(|next| next <= from)
            };
            if is_beyond {
                continue;
            }
            let block = self.block(row)?;
            let Some(piece) = piece_of(&block, folder) else { continue };
            if !show(piece, from, backwards, &mut see) {
                break;
            }
        }
        Ok(())
    }

    /// The entry at a position of a folder.
    fn at(&self, folder: &[u8], position: u64) -> Result<Option<Listed>, IndexError> {
        let mut found = None;
        self.walk(folder, position, false, |_, entry| {
            found = Some(entry.into());
            false
        })?;
        Ok(found)
    }

    fn top(&self) -> Meta {
        let Totals { entries, bytes, .. } = self.totals();
        Meta { size: bytes, below: entries, ..Meta::new(Kind::Dir) }
    }
}

/// The piece of a folder in a block.
fn piece_of<'a>(block: &'a Block, folder: &[u8]) -> Option<&'a Piece> {
    let at = block.binary_search_by(|piece| order::folders(&piece.folder, folder)).ok()?;
    block.get(at)
}

/// Shows a piece's entries from a position of the folder on, until `see` says no. Says whether it wants more.
fn show(piece: &Piece, from: u64, backwards: bool, see: &mut impl FnMut(u64, Entry<'_>) -> bool) -> bool {
    let positioned = (piece.first..).zip(0..piece.len());
    let mut shown =
        |(position, index): (u64, usize)| piece.get(index).is_none_or(|entry| see(position, entry));
    if backwards {
        let before = usize::try_from(from.saturating_sub(piece.first) + 1).unwrap_or(usize::MAX);
        positioned.take(before).collect::<Vec<_>>().into_iter().rev().all(&mut shown)
    } else {
        let skipped = usize::try_from(from.saturating_sub(piece.first)).unwrap_or(usize::MAX);
        positioned.skip(skipped).all(&mut shown)
    }
}

/// What an order by size or time compares.
const fn rank(by: By, meta: &Meta) -> (u64, u32) {
    match by {
        By::Name => (0, 0),
        By::Size => (meta.size, 0),
        By::Time => ((meta.mtime.seconds as u64) ^ (1 << 63), meta.mtime.nanoseconds),
    }
}
