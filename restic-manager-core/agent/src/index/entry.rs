//! What is known of one entry of a snapshot, and entries of one folder in the order of their names.

use core::cmp::Ordering;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A block device.
    Device,
    /// A character device.
    CharDevice,
    /// A named pipe.
    Fifo,
    /// A Unix domain socket.
    Socket,
    /// Something else.
    Other,
}

impl Kind {
    /// Every kind, each at the place of its number.
    pub const ALL: [Self; 8] = [
        Self::File,
        Self::Dir,
        Self::Symlink,
        Self::Device,
        Self::CharDevice,
        Self::Fifo,
        Self::Socket,
        Self::Other,
    ];
}

/// A moment to the nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z, negative before.
    pub seconds: i64,
    /// Nanoseconds since the last whole second.
    pub nanoseconds: u32,
}

/// What is known of an entry beside its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// What it is.
    pub kind: Kind,
    /// Permission, set-id and sticky bits, as `chmod` takes them.
    pub mode: u16,
    /// Number of its owner.
    pub uid: u32,
    /// Number of its group.
    pub gid: u32,
    /// Bytes of a file; of a folder those of all files below it, each name of a hard-linked file counted.
    pub size: u64,
    /// Last change of the content.
    pub mtime: Moment,
    /// Entries below a folder, at any depth.
    pub below: u64,
    /// Sums up what is below a folder. Two folders with the same sum hold the same names with the same
    /// [`Meta`], but for the times of folders.
    pub sum: u64,
}

impl Meta {
    /// Something without size, owner or time.
    #[must_use]
    pub const fn new(kind: Kind) -> Self {
        let mtime = Moment { seconds: 0, nanoseconds: 0 };
        Self { kind, mode: 0, uid: 0, gid: 0, size: 0, mtime, below: 0, sum: 0 }
    }

    /// Whether it is a folder.
    #[must_use]
    pub const fn is_dir(&self) -> bool {
        matches!(self.kind, Kind::Dir)
    }
}

/// An entry of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name, as the bytes it has on the disk.
    pub name: &'a [u8],
    /// What is known of it.
    pub meta: &'a Meta,
}

/// Some entries of one folder that follow each other, in the order of the bytes of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// The folder: empty for the top, else with a slash before each name.
    pub folder: Vec<u8>,
    /// How many entries of the folder come before these.
    pub first: u64,
    names: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// Where its name ends in the names; it begins where the one before ends.
    end: u32,
    meta: Meta,
}

impl Piece {
    /// A piece without entries.
    #[must_use]
    pub const fn new(folder: Vec<u8>, first: u64) -> Self {
        Self { folder, first, names: Vec::new(), rows: Vec::new() }
    }

    /// Adds the entry that comes next.
    pub fn push(&mut self, name: &[u8], meta: Meta) {
        self.names.extend_from_slice(name);
        self.rows.push(Row { end: self.names.len() as u32, meta });
    }

    /// Adds an entry whose name begins with `shared` bytes of the name before it.
    pub(super) fn push_after(&mut self, shared: usize, rest: &[u8]) {
        let start = self.rows.len().checked_sub(1).map_or(0, |last| self.name_start(last));
        self.names.extend_from_within(start..start + shared);
        self.names.extend_from_slice(rest);
        self.rows.push(Row { end: self.names.len() as u32, meta: Meta::new(Kind::Other) });
    }

    /// What is known of each entry, to be filled in.
    pub(super) fn metas_mut(&mut self) -> impl Iterator<Item = &mut Meta> {
        self.rows.iter_mut().map(|row| &mut row.meta)
    }

    /// How many entries it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The entry at a place.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Entry<'_>> {
        let row = self.rows.get(index)?;
        Some(Entry { name: &self.names[self.name_start(index)..row.end as usize], meta: &row.meta })
    }

    /// Its entries, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Entry<'_>> + ExactSizeIterator {
        (0..self.rows.len()).map(|index| self.get(index).expect("it is in the range"))
    }

    /// Where the first entry stands whose name is not before `name`.
    #[must_use]
    pub fn position(&self, name: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.rows.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.get(middle).map(|entry| entry.name.cmp(name)) {
                Some(Ordering::Less) => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// What is known of the entry with this name.
    #[must_use]
    pub fn find(&self, name: &[u8]) -> Option<Meta> {
        self.get(self.position(name)).filter(|entry| entry.name == name).map(|entry| *entry.meta)
    }

    fn name_start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.rows[before].end as usize)
    }
}
