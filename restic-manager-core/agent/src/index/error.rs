//! Why an index does not answer.

use super::bytes::Damaged;
use crate::files::FileError;

/// An index could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file or folder of it cannot be used. What is damaged was removed: make the index anew.
    #[error(transparent)]
    File(#[from] FileError),
    /// The snapshot is not indexed, or is no longer: make the index, or list by restic meanwhile.
    #[error("find the index of this snapshot; index it first")]
    Missing,
    /// It alone is larger than all indexes of this host may be.
    #[error("keep an index of {bytes} bytes: index_limit_mib in the agent's configuration allows {budget}")]
    TooLarge {
        /// What it takes.
        bytes: u64,
        /// What may be taken.
        budget: u64,
    },
    /// What restic listed is not the listing of this snapshot.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// An order by size or time was asked of a folder that has too many entries for it.
    #[error("sort a folder of {entries} entries by anything but their names; {limit} is the most")]
    TooManyToSort {
        /// What it has.
        entries: u64,
        /// What can be sorted.
        limit: u64,
    },
    /// A block does not read. Not from a file: those are [`File`](Self::File).
    #[error("read a block: {0}")]
    Block(#[from] Damaged),
}

/// What was listed cannot be indexed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A name is not UTF-8, and its bytes are not known: list again, with the names.
    #[error("a name is not UTF-8, and this listing does not tell its bytes")]
    NamesNeeded,
    /// It is the listing of another snapshot, or begins with none.
    #[error("restic did not list this snapshot")]
    Snapshot,
    /// A path is not one inside a snapshot, or is too long.
    #[error("restic listed a path that is none, or that is too long")]
    Path,
    /// Entries do not come in the order of restic's walk.
    #[error("restic did not list in the order of its walk")]
    Order,
    /// A line is no entry.
    #[error("restic printed what is no entry: {0}")]
    Line(String),
    /// The names are not those of the entries.
    #[error("the names are not those of the entries: the snapshot was listed twice, and not alike")]
    Names,
    /// It stopped in the middle.
    #[error("the listing ended too early")]
    Ended,
}
