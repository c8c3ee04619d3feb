//! What a folder of a snapshot holds, as it is told: by `restic ls`, or by an index.

use restic_manager_proto::{RawPath, SnapshotEntry, Timestamp, vocabulary::EntryKind};
use restic_manager_restic::{
    command::{Command, CommandError, Invocation, Ls, SnapshotName},
    event::{Node, NodeKind},
};

use super::{listing, run::Run};
use crate::index::{Kind, Listed, Meta, Moment};

/// The listing of one folder, without what lies deeper.
pub(super) fn listing_of(snapshot: &str, folder: &RawPath) -> Result<impl Command + use<>, CommandError> {
    let folder = folder.as_text().ok_or(CommandError::Invalid {
        what: "a folder with a name that is no text",
        reason: "restic lists none such",
    })?;
    let mut ls = Ls::new(SnapshotName::id(snapshot));
    ls.folders.push(folder.to_owned());
    Ok(ls)
}

/// The same for a job.
pub(super) fn command(run: &Run<'_>, snapshot: &str, folder: &RawPath) -> Result<Invocation, CommandError> {
    run.looking(&listing_of(snapshot, folder)?)
}

/// What restic tells of an entry.
pub(super) fn of_node(node: Node) -> SnapshotEntry {
    let kind = match node.kind {
        NodeKind::File => EntryKind::File,
        NodeKind::Dir => EntryKind::Folder,
        NodeKind::Symlink => EntryKind::Symlink,
        _ => EntryKind::Special,
    };
    let mut entry = SnapshotEntry::new(RawPath::new(node.name.as_str()), kind);
    entry.inexact = node.name.contains('\u{fffd}');
    entry.size = node.size.unwrap_or_default();
    entry.modified_at = Some(listing::moment(&node.mtime));
    entry.mode = node.mode.permissions();
    (entry.uid, entry.gid) = (node.uid, node.gid);
    entry
}

/// What an index tells of an entry.
pub(super) fn of_index(listed: Listed) -> SnapshotEntry {
    of_meta(RawPath::new(listed.name), &listed.meta)
}

/// The same, by its name.
pub(super) fn of_meta(name: RawPath, meta: &Meta) -> SnapshotEntry {
    let kind = match meta.kind {
        Kind::File => EntryKind::File,
        Kind::Dir => EntryKind::Folder,
        Kind::Symlink => EntryKind::Symlink,
        _ => EntryKind::Special,
    };
    let mut entry = SnapshotEntry::new(name, kind);
    entry.size = meta.size;
    entry.below = meta.is_dir().then_some(meta.below);
    entry.modified_at = Some(moment(meta.mtime));
    entry.mode = meta.mode.into();
    (entry.uid, entry.gid) = (meta.uid, meta.gid);
    entry
}

fn moment(moment: Moment) -> Timestamp {
    let milliseconds = i64::from(moment.nanoseconds / 1_000_000);
    Timestamp::from_milliseconds(moment.seconds.saturating_mul(1000).saturating_add(milliseconds))
}
