use serde::{Deserialize, Serialize};

use crate::event::NodeKind;
use crate::text::null_as_empty;
use crate::{Mode, Timestamp};

/// What `cat config` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Config {
    /// Repository format: 1, or 2 with compression.
    pub version: u32,
    /// Id of the repository: the same wherever it is reached, so two locations can be compared by it.
    pub id: String,
    /// Parameter of the chunker; equal in repositories that deduplicate alike.
    pub chunker_polynomial: String,
}

/// A key of the repository, as `key list` prints it in an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Key {
    /// Whether it is the one in use.
    pub current: bool,
    /// Eight characters before restic 0.17, whole since.
    pub id: String,
    /// User that added it.
    pub user_name: String,
    /// Machine on which it was added.
    pub host_name: String,
    /// When, such as `2026-11-22 02:32:05`: **local time of the reading machine**, without a zone.
    pub created: String,
}

/// A lock of the repository, as `cat lock` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lock {
    /// When it was last refreshed.
    pub time: Timestamp,
    /// Whether nobody else may use the repository meanwhile.
    pub exclusive: bool,
    /// Machine of the holder.
    pub hostname: String,
    /// User of the holder.
    #[serde(default)]
    pub username: String,
    /// Process of the holder.
    pub pid: u64,
    /// Numeric user; left out for root, which reads as 0.
    #[serde(default)]
    pub uid: u32,
    /// Numeric group; left out for root, which reads as 0.
    #[serde(default)]
    pub gid: u32,
}

/// A directory as `cat tree` prints it; restic 0.16 and later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tree {
    /// Its entries by name.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub nodes: Vec<TreeNode>,
}

/// An entry of a [`Tree`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TreeNode {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: NodeKind,
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
    /// Name of the owner.
    #[serde(default)]
    pub user: String,
    /// Name of the group.
    #[serde(default)]
    pub group: String,
    /// Number in its file system; left out when zero.
    #[serde(default)]
    pub inode: u64,
    /// Number of its file system; left out when zero.
    #[serde(default)]
    pub device_id: u64,
    /// Bytes; left out when zero.
    #[serde(default)]
    pub size: u64,
    /// Number of hard links; left out when zero.
    #[serde(default)]
    pub links: u64,
    /// Where a symbolic link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linktarget: Option<String>,
    /// Blobs of a file's content, in order; empty for anything else.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub content: Vec<String>,
    /// Id of the directory's own tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtree: Option<String>,
}

/// The ids that `list` prints, one on each line; whatever else is printed is passed over.
///
/// ```
/// use restic_manager_restic::document;
///
/// let output = b"reading repository password from stdin\nfe2133c178d07004216e83d53ba188d27482ced882ebdc5504e646d8e53a9f06\n";
/// assert_eq!(document::ids(output).count(), 1);
/// ```
pub fn ids(output: &[u8]) -> impl Iterator<Item = &str> {
    const ID_BYTES: usize = 64;
    let lines = output.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
    lines
        .map(str::trim)
        .filter(|line| line.len() == ID_BYTES && line.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
