//! Where one block ends and the next begins.
//!
//! Names say so, so that two snapshots with most of their names alike have most of their blocks alike, wherever something
//! was added or went away; and a length says so, so that a block is read quickly.

/// Where a block ends at the latest, by weight.
const BLOCK_WEIGHT: usize = 64 * 1024;
/// Where a block ends at the earliest when a name says so.
const LEAST_WEIGHT: usize = 12 * 1024;
/// One folder in so many ends a block.
const FOLDERS: u32 = 64;
/// One entry in so many splits its folder.
const ENTRIES: u32 = 1024;
/// What an entry weighs beside its name, and a folder beside its path.
const ENTRY_WEIGHT: usize = 12;

/// Longest path, in bytes.
pub const PATH_BYTES: usize = 32 * 1024;
/// What all open folders may hold before the largest of them is split, by weight.
pub(super) const OPEN_WEIGHT: usize = 4 * 1024 * 1024;
/// Longest block before it is packed, in bytes; its names, or its folders, one after the other are no longer either.
/// A block and the last piece that joins it each weigh less than [`BLOCK_WEIGHT`] and one path, 192 KiB in all, and what
/// weighs 13 is written in at most 65 bytes.
pub(super) const PLAIN_BYTES: usize = 1024 * 1024;

/// What a text adds to a block.
pub(super) const fn weight(text: &[u8]) -> usize {
    text.len() + ENTRY_WEIGHT
}

/// Whether a folder's piece ends behind this entry.
pub(super) fn splits(name: &[u8], weight: usize) -> bool {
    says(name, ENTRIES, weight)
}

/// Whether a block ends behind this folder.
pub(super) fn ends(folder: &[u8], weight: usize) -> bool {
    says(folder, FOLDERS, weight)
}

fn says(text: &[u8], one_in: u32, weight: usize) -> bool {
    weight >= BLOCK_WEIGHT || weight >= LEAST_WEIGHT && crc32fast::hash(text).is_multiple_of(one_in)
}
