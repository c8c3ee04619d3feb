//! The catalogue of a snapshot: which blocks its index consists of, and where each begins.

use core::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use restic_manager_crypto::ContentDigest;
use restic_manager_proto::RepositoryId;

use super::{
    bytes::{Bytes, Damaged, put, put_after, put_text},
    cut::PATH_BYTES,
    order,
};

/// What a file begins with: that it is a catalogue, and in which form.
const MAGIC: &[u8; 4] = b"RMC\x01";
const HASH_BYTES: usize = 32;
/// Least bytes that a row takes.
const ROW_BYTES: usize = HASH_BYTES + 4;

/// The whole id of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId([u8; 32]);

/// A text is not the whole id of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a snapshot: that has 64 hexadecimal digits")]
pub struct ParseSnapshotIdError;

impl FromStr for SnapshotId {
    type Err = ParseSnapshotIdError;

    fn from_str(text: &str) -> Result<Self, ParseSnapshotIdError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| ParseSnapshotIdError)?;
        bytes.try_into().map(Self).map_err(|_| ParseSnapshotIdError)
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

/// Which snapshot of which repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotKey {
    /// The repository.
    pub repository: RepositoryId,
    /// The snapshot.
    pub snapshot: SnapshotId,
}

/// What a snapshot holds in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Entries of every kind.
    pub entries: u64,
    /// Folders among them.
    pub folders: u64,
    /// Bytes of all files, each name of a hard-linked file counted.
    pub bytes: u64,
}

/// One block of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The digest of its file.
    pub hash: ContentDigest,
    /// The folder of its first piece.
    pub folder: Vec<u8>,
    /// How many entries of that folder come before it.
    pub first: u64,
    /// The name of its first entry; empty when its first piece has none.
    pub name: Vec<u8>,
}

/// Which blocks the index of a snapshot consists of, in the order of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Of which snapshot.
    pub key: SnapshotKey,
    /// What it holds.
    pub totals: Totals,
    /// Its blocks. What is before the first name of one is in those before it.
    pub rows: Vec<Row>,
}

impl Catalogue {
    /// A catalogue of blocks that come in any order.
    #[must_use]
    pub fn new(key: SnapshotKey, totals: Totals, mut rows: Vec<Row>) -> Self {
        rows.sort_by(|one, other| {
            order::folders(&one.folder, &other.folder).then(one.first.cmp(&other.first))
        });
        Self { key, totals, rows }
    }

    /// Its file: everything, and the digest of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(self.key.repository.as_bytes());
        out.extend_from_slice(&self.key.snapshot.0);
        for number in [self.totals.entries, self.totals.folders, self.totals.bytes] {
            put(&mut out, number);
        }
        put(&mut out, self.rows.len() as u64);
        let mut before: &[u8] = &[];
        for row in &self.rows {
            out.extend_from_slice(row.hash.as_bytes());
            put_after(&mut out, before, &row.folder);
            put(&mut out, row.first);
            put_text(&mut out, &row.name);
            before = &row.folder;
        }
        let digest = ContentDigest::of(&out);
        out.extend_from_slice(digest.as_bytes());
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is not what [`encode`](Self::encode) makes.
    pub fn decode(file: &[u8]) -> Result<Self, Damaged> {
        let (content, digest) = file.split_last_chunk::<HASH_BYTES>().ok_or(Damaged("it is too short"))?;
        if ContentDigest::of(content).as_bytes() != digest {
            return Err(Damaged("it is not what its digest says"));
        }
        let mut bytes = Bytes(content.strip_prefix(MAGIC).ok_or(Damaged("it is no catalogue"))?);
        let repository = RepositoryId::from_bytes(bytes.array()?);
        let key = SnapshotKey { repository, snapshot: SnapshotId(bytes.array()?) };
        let [entries, folders, bytes_below] = [bytes.number()?, bytes.number()?, bytes.number()?];
        let totals = Totals { entries, folders, bytes: bytes_below };
        let rows = rows(&mut bytes)?;
        bytes.end()?;
        Ok(Self { key, totals, rows })
    }
}

fn rows(bytes: &mut Bytes<'_>) -> Result<Vec<Row>, Damaged> {
    let count = bytes.count(ROW_BYTES)?;
    let mut rows = Vec::<Row>::with_capacity(count);
    for _ in 0..count {
        let hash = ContentDigest::from_bytes(bytes.array()?);
        let before = rows.last().map_or(&[][..], |row| &row.folder);
        let (shared, rest) = bytes.after(before.len())?;
        let folder = [&before[..shared], rest].concat();
        if folder.len() > PATH_BYTES {
            return Err(Damaged("a path is longer than there are"));
        }
        let row = Row { hash, folder, first: bytes.number()?, name: bytes.text()?.to_vec() };
        rows.push(row);
    }
    Ok(rows)
}
