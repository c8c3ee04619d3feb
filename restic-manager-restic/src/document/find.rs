use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::cursor::Cursor;
use crate::event::NodeKind;
use crate::text::{self, FromJson, Text, into_owned, null_as_empty};
use crate::{Mode, Timestamp};

/// What `find` found in one snapshot; it prints an array of these.
///
/// One of them may be many megabytes long: [`FindDecoder`](super::FindDecoder) reads match by match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FindMatches {
    /// The entries.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub matches: Vec<FoundNode>,
    /// How many there are.
    pub hits: u64,
    /// Whole id of the snapshot.
    pub snapshot: String,
}

/// An entry that `find` found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct FoundNode<S: Text = String> {
    /// Absolute path inside the snapshot. Bytes that are no UTF-8 arrive as U+FFFD.
    #[serde(deserialize_with = "text::text")]
    pub path: S,
    /// The mode as text, such as `-rw-r--r--`.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub permissions: Option<S>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: NodeKind<S>,
    /// Type and permission bits; left out when zero.
    #[serde(default)]
    pub mode: Mode,
    /// Last change of the content.
    pub mtime: Timestamp,
    /// Last access.
    pub atime: Timestamp,
    /// Last change of the metadata.
    pub ctime: Timestamp,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Name of the owner; left out where it has none.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub user: Option<S>,
    /// Name of the group; left out where it has none.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub group: Option<S>,
    /// Number in its file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inode: Option<u64>,
    /// Number of its file system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<u64>,
    /// Bytes; left out when zero.
    #[serde(default)]
    pub size: u64,
    /// Number of hard links; left out when zero.
    #[serde(default)]
    pub links: u64,
    /// Where a symbolic link points.
    #[serde(default, deserialize_with = "text::optional_text", skip_serializing_if = "Option::is_none")]
    pub linktarget: Option<S>,
}

/// A [`FoundNode`] that borrows from its document.
pub type FoundNodeRef<'a> = FoundNode<Cow<'a, str>>;

into_owned!(FoundNode {
    path,
    permissions,
    kind,
    mode,
    mtime,
    atime,
    ctime,
    uid,
    gid,
    user,
    group,
    inode,
    device_id,
    size,
    links,
    linktarget,
});

/// Reads a match in the order in which restic's encoder writes its fields.
pub(super) fn guided<'a>(cursor: &mut Cursor<'a>) -> Option<FoundNodeRef<'a>> {
    cursor.expect(b"{\"path\":\"")?;
    let path = Cow::Borrowed(cursor.text()?);
    let permissions = cursor.optional_text(b",\"permissions\":\"")?.map(Cow::Borrowed);
    cursor.expect(b",\"type\":\"")?;
    let kind = NodeKind::known(cursor.text()?.as_bytes())?;
    let mode =
        if cursor.eat(b",\"mode\":") { Mode::from_go(cursor.small_number()?) } else { Mode::default() };
    cursor.expect(b",\"mtime\":\"")?;
    let mtime = cursor.timestamp()?;
    cursor.expect(b",\"atime\":\"")?;
    let atime = cursor.timestamp()?;
    cursor.expect(b",\"ctime\":\"")?;
    let ctime = cursor.timestamp()?;
    cursor.expect(b",\"uid\":")?;
    let uid = cursor.small_number()?;
    cursor.expect(b",\"gid\":")?;
    let gid = cursor.small_number()?;
    let user = cursor.optional_text(b",\"user\":\"")?.map(Cow::Borrowed);
    let group = cursor.optional_text(b",\"group\":\"")?.map(Cow::Borrowed);
    let inode = cursor.optional_number(b",\"inode\":")?;
    let device_id = cursor.optional_number(b",\"device_id\":")?;
    let size = cursor.counter(b",\"size\":")?;
    let links = cursor.counter(b",\"links\":")?;
    let linktarget = cursor.optional_text(b",\"linktarget\":\"")?.map(Cow::Borrowed);
    cursor.expect(b"}")?;
    Some(FoundNode {
        path,
        permissions,
        kind,
        mode,
        mtime,
        atime,
        ctime,
        uid,
        gid,
        user,
        group,
        inode,
        device_id,
        size,
        links,
        linktarget,
    })
}

/// What `find --blob`, `--tree` or `--pack` found; it prints an array of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FoundObject {
    /// `blob` or `tree`.
    pub object_type: String,
    /// Its id.
    pub id: String,
    /// Path of the entry that uses it.
    #[serde(default)]
    pub path: String,
    /// Id of the directory that holds that entry.
    #[serde(default)]
    pub parent_tree: String,
    /// Whole id of the snapshot.
    pub snapshot: String,
    /// When that snapshot was made.
    pub time: Timestamp,
}
