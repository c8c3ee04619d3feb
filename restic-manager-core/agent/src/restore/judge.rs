//! What restic does with one entry of a snapshot at a place, told by what is there: the rules of restic 0.17 and newer.

use restic_manager_restic::command::Overwrite;

use super::disk::Found;
use crate::index::{Kind, Meta};

/// What a restore does with one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nothing is there; it is written.
    New,
    /// Something else is there; it is overwritten.
    Replaced,
    /// What is there was changed later than the one in the snapshot; it is overwritten.
    NewerReplaced,
    /// The file that is there has other names. It is replaced, and they keep what it holds now.
    BreaksHardLink,
    /// It is there as it is in the snapshot, as far as size and time tell.
    Unchanged,
    /// Something else is there, and stays.
    LeftAlone,
    /// Its content is there; mode, owner or time are set.
    AttributesReset,
    /// The snapshot does not have it; it is removed.
    Removed,
    /// Something is in the way that a restore would have to take away: where the snapshot has a folder anything
    /// that is none, a link to a folder among it, and where it has something else a folder that is not empty.
    Blocked,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 9] = [
        Self::New,
        Self::Replaced,
        Self::NewerReplaced,
        Self::BreaksHardLink,
        Self::Unchanged,
        Self::LeftAlone,
        Self::AttributesReset,
        Self::Removed,
        Self::Blocked,
    ];

    /// Whether content is written.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::New | Self::Replaced | Self::NewerReplaced | Self::BreaksHardLink)
    }
}

/// What happens to an entry where `found` is. `owners` says whether the restoring user can give files away; `is_empty` is
/// asked only where a folder is in the way.
#[must_use]
pub fn classify(
    meta: &Meta,
    found: Option<&Found>,
    overwrite: Overwrite,
    owners: bool,
    is_empty: impl FnOnce() -> bool,
) -> Class {
    let Some(found) = found else { return Class::New };
    if meta.is_dir() {
        return folder(meta, found, owners);
    }
    let is_equal = is_same_content(meta, found) && has_same_attributes(meta, found, owners);
    if stays(meta, found, overwrite) {
        return if is_equal { Class::Unchanged } else { Class::LeftAlone };
    }
    match found.kind {
        Kind::Dir if !is_empty() => Class::Blocked,
        _ if is_equal => Class::Unchanged,
        _ if is_same_content(meta, found) => Class::AttributesReset,
        Kind::File if meta.kind == Kind::File && found.links > 1 => Class::BreaksHardLink,
        _ if found.kind != Kind::Dir && found.mtime > meta.mtime => Class::NewerReplaced,
        _ => Class::Replaced,
    }
}

/// Folders are made or set whatever the overwrite mode says.
fn folder(meta: &Meta, found: &Found, owners: bool) -> Class {
    if found.kind != Kind::Dir {
        Class::Blocked
    } else if found.mtime == meta.mtime && has_same_attributes(meta, found, owners) {
        Class::Unchanged
    } else {
        Class::AttributesReset
    }
}

/// Whether the overwrite mode keeps what is there.
fn stays(meta: &Meta, found: &Found, overwrite: Overwrite) -> bool {
    match overwrite {
        Overwrite::Never => true,
        Overwrite::IfNewer => meta.mtime <= found.mtime,
        _ => false,
    }
}

fn is_same_content(meta: &Meta, found: &Found) -> bool {
    let is_file = meta.kind == Kind::File;
    meta.kind == found.kind && meta.mtime == found.mtime && (!is_file || meta.size == found.size)
}

/// The mode of a link means nothing.
fn has_same_attributes(meta: &Meta, found: &Found, owners: bool) -> bool {
    let is_same_mode = meta.kind == Kind::Symlink || meta.mode == found.mode;
    is_same_mode && (!owners || (meta.uid, meta.gid) == (found.uid, found.gid))
}
