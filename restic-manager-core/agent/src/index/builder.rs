//! Makes an index of entries that come in the order of restic's walk: parents before what is below them, and in each
//! folder by the bytes of the names.
//!
//! A folder is written when the walk has left it, so what waits is what is open: the folders above the present place, each
//! with the entries it has so far. A folder with many entries is written in pieces, so that what waits is bounded.

use restic_manager_crypto::{ContentDigest, ContentHasher};

use super::{
    block,
    catalogue::{Catalogue, Row, SnapshotKey, Totals},
    cut,
    entry::{Kind, Meta, Piece},
    error::{IndexError, ListingError},
    order,
};

/// Where blocks are kept.
pub trait Sink {
    /// Keeps the file of a block under its digest.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep(&mut self, file: &[u8]) -> Result<ContentDigest, IndexError>;
}

/// The index of one snapshot while it is made.
#[derive(Debug)]
pub struct Builder<S> {
    sink: S,
    /// From the top down to the folder whose entries come.
    open: Vec<Open>,
    open_weight: usize,
    /// Folders that are left, for the next block.
    left: Vec<Piece>,
    left_weight: usize,
    rows: Vec<Row>,
    totals: Totals,
}

/// A folder that the walk has not left.
#[derive(Debug)]
struct Open {
    /// What is known of it, its sum so far aside.
    meta: Meta,
    /// Its entries since it was split last.
    piece: Piece,
    weight: usize,
    is_split: bool,
    /// The name of the entry that came last.
    last: Vec<u8>,
    sum: ContentHasher,
}

impl Open {
    fn new(path: &[u8], meta: Meta) -> Self {
        let piece = Piece::new(path.to_vec(), 0);
        Self { meta, piece, weight: 0, is_split: false, last: Vec::new(), sum: ContentHasher::new() }
    }

    fn take(&mut self, name: &[u8], meta: Meta) {
        self.weight += cut::weight(name);
        self.meta.size = self.meta.size.saturating_add(meta.size);
        self.meta.below = self.meta.below.saturating_add(1).saturating_add(meta.below);
        self.sum.update(&summed(name, &meta));
        self.piece.push(name, meta);
    }

    /// What it has so far as a piece; what comes makes another.
    fn split(&mut self) -> Piece {
        (self.weight, self.is_split) = (0, true);
        let next = self.piece.first + self.piece.len() as u64;
        let empty = Piece::new(self.piece.folder.clone(), next);
        core::mem::replace(&mut self.piece, empty)
    }

    fn leave(self) -> (Meta, Piece) {
        let [a, b, c, d, e, f, g, h, ..] = *self.sum.finish().as_bytes();
        (Meta { sum: u64::from_le_bytes([a, b, c, d, e, f, g, h]), ..self.meta }, self.piece)
    }
}

/// What the sum of a folder is made of, for one entry. The time of a folder is not: it changes with every name in it.
fn summed(name: &[u8], meta: &Meta) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 48);
    out.extend_from_slice(&(name.len() as u64).to_le_bytes());
    out.extend_from_slice(name);
    out.push(meta.kind as u8);
    out.extend_from_slice(&meta.mode.to_le_bytes());
    out.extend_from_slice(&meta.uid.to_le_bytes());
    out.extend_from_slice(&meta.gid.to_le_bytes());
    if meta.is_dir() {
        out.extend_from_slice(&meta.sum.to_le_bytes());
    } else {
        out.extend_from_slice(&meta.size.to_le_bytes());
        out.extend_from_slice(&meta.mtime.seconds.to_le_bytes());
        out.extend_from_slice(&meta.mtime.nanoseconds.to_le_bytes());
    }
    out
}

impl<S: Sink> Builder<S> {
    /// An index without entries.
    pub fn new(sink: S) -> Self {
        let open = vec![Open::new(b"", Meta::new(Kind::Dir))];
        let (left, rows, totals) = Default::default();
        Self { sink, open, open_weight: 0, left, left_weight: 0, rows, totals }
    }

    /// What came so far.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Takes the next entry of the walk: its whole path, and what is known of it without what is below it.
    ///
    /// # Errors
    /// When it does not come next, or a block cannot be kept.
    pub fn add(&mut self, path: &[u8], meta: Meta) -> Result<(), IndexError> {
        let (folder, name) = order::split(path).ok_or(ListingError::Path)?;
        if path.len() > cut::PATH_BYTES {
            return Err(ListingError::Path.into());
        }
        while self.top().piece.folder != folder {
            self.close()?;
        }
        self.meet(name)?;
        self.count(&meta);
        if meta.is_dir() {
            self.open.push(Open::new(path, Meta { size: 0, below: 0, sum: 0, ..meta }));
            return Ok(());
        }
        self.take(name, meta)
    }

    /// Closes what is open.
    ///
    /// # Errors
    /// When a block cannot be kept.
    pub fn finish(mut self, key: SnapshotKey) -> Result<(Catalogue, S), IndexError> {
        while self.open.len() > 1 {
            self.close()?;
        }
        let top = self.open.remove(0);
        self.lay_down(top)?;
        self.flush()?;
        Ok((Catalogue::new(key, self.totals, self.rows), self.sink))
    }

    fn top(&mut self) -> &mut Open {
        self.open.last_mut().expect("the top folder stays open")
    }

    /// Names of a folder come in order and once.
    fn meet(&mut self, name: &[u8]) -> Result<(), ListingError> {
        let top = self.top();
        if name <= top.last.as_slice() {
            return Err(ListingError::Order);
        }
        name.clone_into(&mut top.last);
        Ok(())
    }

    fn count(&mut self, meta: &Meta) {
        self.totals.entries += 1;
        if meta.is_dir() {
            self.totals.folders += 1;
        } else {
            self.totals.bytes = self.totals.bytes.saturating_add(meta.size);
        }
    }

    fn take(&mut self, name: &[u8], meta: Meta) -> Result<(), IndexError> {
        self.open_weight += cut::weight(name);
        let top = self.top();
        top.take(name, meta);
        if cut::splits(name, top.weight) {
            self.split(self.open.len() - 1)?;
        }
        if self.open_weight > cut::OPEN_WEIGHT {
            let heaviest = (0..self.open.len()).max_by_key(|index| self.open[*index].weight);
            self.split(heaviest.unwrap_or_default())?;
        }
        Ok(())
    }

    /// Writes what an open folder has so far, as a block of its own.
    fn split(&mut self, index: usize) -> Result<(), IndexError> {
        self.open_weight -= self.open[index].weight;
        let piece = self.open[index].split();
        self.keep(&[piece])
    }

    /// Leaves the folder at the present place, if it is not the top.
    fn close(&mut self) -> Result<(), IndexError> {
        let closed = self.open.pop_if(|open| !open.piece.folder.is_empty()).ok_or(ListingError::Order)?;
        let path = closed.piece.folder.clone();
        let (_, name) = order::split(&path).ok_or(ListingError::Path)?;
        let meta = self.lay_down(closed)?;
        self.take(name, meta)
    }

    /// Puts the last piece of a folder into the next block. It begins one where pieces of it are blocks already, so that
    /// blocks follow each other in the order of the index.
    fn lay_down(&mut self, closed: Open) -> Result<Meta, IndexError> {
        if closed.is_split {
            self.flush()?;
        }
        let is_written = closed.is_split && closed.piece.is_empty();
        self.open_weight -= closed.weight;
        self.left_weight += closed.weight + cut::weight(&closed.piece.folder);
        let (meta, piece) = closed.leave();
        if is_written {
            self.left_weight = 0;
            return Ok(meta);
        }
        let ends = cut::ends(&piece.folder, self.left_weight);
        self.left.push(piece);
        if ends {
            self.flush()?;
        }
        Ok(meta)
    }

    fn flush(&mut self) -> Result<(), IndexError> {
        self.left_weight = 0;
        let left = core::mem::take(&mut self.left);
        if left.is_empty() { Ok(()) } else { self.keep(&left) }
    }

    fn keep(&mut self, pieces: &[Piece]) -> Result<(), IndexError> {
        let hash = self.sink.keep(&block::encode(pieces))?;
        let piece = &pieces[0];
        let name = piece.get(0).map(|entry| entry.name.to_vec()).unwrap_or_default();
        self.rows.push(Row { hash, folder: piece.folder.clone(), first: piece.first, name });
        Ok(())
    }
}
