use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::text::{self, FromJson, Text, into_owned};

/// A path that differs between two snapshots; message type `change` of `diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Change<S: Text = String> {
    /// The path; directories end in `/`.
    #[serde(deserialize_with = "text::text")]
    pub path: S,
    /// Letters that say how: `+` added, `-` removed, `T` type, `M` content, `U` metadata (with `--metadata`),
    /// `?` same metadata but other content (bit rot; restic 0.17 and later). They combine, as in `MU`.
    #[serde(deserialize_with = "text::text")]
    pub modifier: S,
}

/// A [`Change`] that borrows from its line.
pub type ChangeRef<'a> = Change<Cow<'a, str>>;

into_owned!(Change { path, modifier });

/// The end of a `diff`; message type `statistics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct DiffStatistics<S: Text = String> {
    /// The older side as given on the command line, subfolder included.
    #[serde(deserialize_with = "text::text")]
    pub source_snapshot: S,
    /// The newer side as given on the command line, subfolder included.
    #[serde(deserialize_with = "text::text")]
    pub target_snapshot: S,
    /// Files that are in both and differ.
    pub changed_files: u64,
    /// What only the newer side has.
    pub added: DiffCounts,
    /// What only the older side has.
    pub removed: DiffCounts,
}

into_owned!(DiffStatistics { source_snapshot, target_snapshot, changed_files, added, removed });

/// One side of a [`DiffStatistics`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DiffCounts {
    /// Files.
    pub files: u64,
    /// Directories.
    pub dirs: u64,
    /// Everything else.
    pub others: u64,
    /// Blobs of file content.
    pub data_blobs: u64,
    /// Blobs of directory trees.
    pub tree_blobs: u64,
    /// Bytes of those blobs.
    pub bytes: u64,
}

impl text::IntoOwned for DiffCounts {
    type Owned = Self;

    fn into_owned(self) -> Self {
        self
    }
}

/// A snapshot that `tag` wrote anew; message type `changed`, restic 0.18 and later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct TagChange<S: Text = String> {
    /// The id that is gone.
    #[serde(deserialize_with = "text::text")]
    pub old_snapshot_id: S,
    /// The id in its place.
    #[serde(deserialize_with = "text::text")]
    pub new_snapshot_id: S,
}

into_owned!(TagChange { old_snapshot_id, new_snapshot_id });

/// A repository was created; message type `initialized` of `init`, restic 0.15 and later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct Initialized<S: Text = String> {
    /// Id of the repository.
    #[serde(deserialize_with = "text::text")]
    pub id: S,
    /// Where it is; restic masks a password in it.
    #[serde(deserialize_with = "text::text")]
    pub repository: S,
}

into_owned!(Initialized { id, repository });

/// Which restic this is; `version --json` of restic 0.17 and later. Without a message type in 0.17, where it arrives
/// as [`Event::Document`](super::Event::Document): [`Version::from_output`](crate::Version::from_output) reads every form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: FromJson<'de>"))]
#[non_exhaustive]
pub struct VersionInfo<S: Text = String> {
    /// Such as `0.19.1`, or `0.19.1-dev (compiled manually)`.
    #[serde(deserialize_with = "text::text")]
    pub version: S,
    /// Such as `go1.26.4`.
    #[serde(default, deserialize_with = "text::text")]
    pub go_version: S,
    /// Such as `linux`.
    #[serde(default, deserialize_with = "text::text")]
    pub go_os: S,
    /// Such as `amd64`.
    #[serde(default, deserialize_with = "text::text")]
    pub go_arch: S,
}

into_owned!(VersionInfo { version, go_version, go_os, go_arch });
