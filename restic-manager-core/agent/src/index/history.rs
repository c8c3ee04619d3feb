//! The versions of one path over several snapshots.

use super::{catalogue::SnapshotId, entry::Meta, error::IndexError, reader::Index};

/// One version of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// What is known of it, as the first of its snapshots has it.
    pub meta: Meta,
    /// The snapshots that hold it, in the order they were given.
    pub snapshots: Vec<SnapshotId>,
}

/// Each distinct version of a path, in the order in which the snapshots show them first.
///
/// # Errors
/// When a block does not read.
pub fn history(indexes: &[&Index], path: &[u8]) -> Result<Vec<Version>, IndexError> {
    let mut versions = Vec::new();
    for index in indexes {
        if let Some(meta) = index.entry(path)? {
            note(&mut versions, meta, [index.key().snapshot]);
        }
    }
    Ok(versions)
}

/// Adds snapshots to the version that they hold.
pub(super) fn note(versions: &mut Vec<Version>, meta: Meta, snapshots: impl IntoIterator<Item = SnapshotId>) {
    match versions.iter_mut().find(|version| is_same(&version.meta, &meta)) {
        Some(version) => version.snapshots.extend(snapshots),
        None => versions.push(Version { meta, snapshots: snapshots.into_iter().collect() }),
    }
}

/// Whether two are one version: of a file its kind, size and time of change, of a folder all that is below it.
fn is_same(one: &Meta, other: &Meta) -> bool {
    let content = |meta: &Meta| (meta.kind, meta.size, meta.mtime);
    if one.is_dir() && other.is_dir() { one.sum == other.sum } else { content(one) == content(other) }
}
