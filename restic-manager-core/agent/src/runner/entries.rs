//! What a folder of a snapshot holds, by `restic ls`.

use restic_manager_proto::{RawPath, agent::SnapshotEntry, vocabulary::EntryKind};
use restic_manager_restic::{
    command::{Command, CommandError, Invocation, Ls, SnapshotName},
    event::{Node, NodeKind},
};

use super::{listing, run::Run};

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
pub(super) fn entry(node: Node) -> SnapshotEntry {
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
