use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::words::words;
use crate::text::{self, FromJson, IntoOwned, Text, into_owned};
use crate::{Mode, Timestamp};

/// One entry of a snapshot as `ls` prints it; struct type `node`.
///
/// `ls` tells neither the target of a link nor the number of links: `find` does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Node<S: Text = String> {
    /// Last part of the path. Bytes that are no UTF-8 arrive as U+FFFD, so two entries may show the same name.
    #[serde(deserialize_with = "text::text")]
    pub name: S,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: NodeKind<S>,
    /// Absolute path inside the snapshot, with `/` on every platform.
    #[serde(deserialize_with = "text::text")]
    pub path: S,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Bytes; files only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Type and permission bits.
    pub mode: Mode,
    /// The mode as text, such as `-rw-r--r--`.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub permissions: Option<S>,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last access.
    pub atime: Timestamp,
    /// Last change of the metadata.
    pub ctime: Timestamp,
    /// Number in its file system; restic 0.16.1 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
}

/// A [`Node`] that borrows from its line.
pub type NodeRef<'a> = Node<Cow<'a, str>>;

into_owned!(Node { name, kind, path, uid, gid, size, mode, permissions, mtime, atime, ctime, inode });

words! {
    /// What an entry of a snapshot is.
    NodeKind {
        /// A regular file.
        File = "file",
        /// A directory.
        Dir = "dir",
        /// A symbolic link.
        Symlink = "symlink",
        /// A block device.
        Device = "dev",
        /// A character device.
        CharDevice = "chardev",
        /// A named pipe.
        Fifo = "fifo",
        /// A Unix domain socket.
        Socket = "socket",
        /// Something Go has no name for, such as some reparse points of Windows.
        Irregular = "irregular",
    }
}

/// A snapshot, as `snapshots`, `ls`, `forget` and `cat snapshot` print it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Snapshot<S: Text = String> {
    /// When the backup was made, in the zone of that machine.
    pub time: Timestamp,
    /// The snapshot this one was compared with.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub parent: Option<S>,
    /// Id of the root directory.
    #[serde(deserialize_with = "text::text")]
    pub tree: S,
    /// What was backed up: absolute paths as on that machine.
    #[serde(default, deserialize_with = "text::list")]
    pub paths: S::List,
    /// The machine.
    #[serde(default, deserialize_with = "text::text")]
    pub hostname: S,
    /// The user that ran restic.
    #[serde(default, deserialize_with = "text::text")]
    pub username: S,
    /// Its number; left out for root, which reads as 0.
    #[serde(default)]
    pub uid: u32,
    /// The number of its group; left out for root, which reads as 0.
    #[serde(default)]
    pub gid: u32,
    /// Patterns that were left out.
    #[serde(default, deserialize_with = "text::list")]
    pub excludes: S::List,
    /// Tags.
    #[serde(default, deserialize_with = "text::list")]
    pub tags: S::List,
    /// The id it had before `tag` or `rewrite` first changed it.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub original: Option<S>,
    /// The program that made it, such as `restic 0.19.1`; restic 0.16 and later.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub program_version: Option<S>,
    /// Counters of that backup; snapshots made by restic 0.17 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<SnapshotSummary>,
    /// Whole id; absent in `cat snapshot` and, before 0.17, in the reasons of `forget`.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub id: Option<S>,
    /// The first eight characters of the id.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub short_id: Option<S>,
}

/// A [`Snapshot`] that borrows from its line.
pub type SnapshotRef<'a> = Snapshot<Cow<'a, str>>;

into_owned!(Snapshot {
    time,
    parent,
    tree,
    paths,
    hostname,
    username,
    uid,
    gid,
    excludes,
    tags,
    original,
    program_version,
    summary,
    id,
    short_id,
});

/// What the backup that made a snapshot counted; see [`BackupSummary`](super::BackupSummary) for the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SnapshotSummary {
    /// When the backup began.
    pub backup_start: Timestamp,
    /// When the backup ended.
    pub backup_end: Timestamp,
    /// Files that were not in the parent snapshot.
    pub files_new: u64,
    /// Files that differ from the parent snapshot.
    pub files_changed: u64,
    /// Files taken over from the parent snapshot.
    pub files_unmodified: u64,
    /// Directories that were not in the parent snapshot.
    pub dirs_new: u64,
    /// Directories that differ from the parent snapshot.
    pub dirs_changed: u64,
    /// Directories taken over from the parent snapshot.
    pub dirs_unmodified: u64,
    /// New blobs of file content.
    pub data_blobs: u64,
    /// New blobs of directory trees.
    pub tree_blobs: u64,
    /// Bytes added before compression.
    pub data_added: u64,
    /// Bytes added as stored.
    pub data_added_packed: u64,
    /// Files looked at.
    pub total_files_processed: u64,
    /// Bytes of the files looked at.
    pub total_bytes_processed: u64,
}

impl IntoOwned for SnapshotSummary {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}
