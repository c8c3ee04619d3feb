use std::{ffi::OsString, path::PathBuf};

use super::{draft::Draft, error::CommandError};

/// One snapshot, as commands take it: `latest` or an id, and perhaps a folder inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotName {
    /// The id, or the beginning of one; `None` for the newest snapshot that passes the filter.
    pub id: Option<String>,
    /// A folder inside the snapshot that is treated as its top (restic 0.16 or newer).
    pub subfolder: Option<OsString>,
}

impl SnapshotName {
    /// The newest snapshot of the whole repository, or of those a filter leaves.
    pub fn latest() -> Self {
        Self { id: None, subfolder: None }
    }

    /// The snapshot with this id.
    pub fn id(id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), subfolder: None }
    }

    /// Only the folder `path` of it.
    #[must_use]
    pub fn subfolder(mut self, path: impl Into<OsString>) -> Self {
        self.subfolder = Some(path.into());
        self
    }

    pub(super) fn word(&self, draft: &mut Draft) -> OsString {
        let id = match &self.id {
            Some(id) => {
                draft.hex("a snapshot id", id);
                id.as_str()
            }
            None => "latest",
        };
        match &self.subfolder {
            Some(path) => {
                draft.needs("ID:subfolder");
                if path.is_empty() {
                    draft.refuse(CommandError::Empty { what: "a folder inside a snapshot" });
                }
                let mut word = OsString::from(format!("{id}:"));
                word.push(path);
                word
            }
            None => id.into(),
        }
    }
}

/// Which snapshots a command is about. Empty means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Of one of these hosts.
    pub hosts: Vec<String>,
    /// With all tags of one of these lists; an empty list stands for snapshots without tags.
    pub tags: Vec<Vec<String>>,
    /// With all of these paths among their sources; as stored, so absolute.
    pub paths: Vec<PathBuf>,
}

impl Filter {
    /// All snapshots.
    pub fn all() -> Self {
        Self::default()
    }

    /// Whether every snapshot passes.
    pub fn is_all(&self) -> bool {
        self.hosts.is_empty() && self.tags.is_empty() && self.paths.is_empty()
    }

    pub(super) fn write(&self, draft: &mut Draft) {
        draft.options("--host", &self.hosts);
        for list in &self.tags {
            draft.tags("--tag", list);
        }
        draft.options("--path", &self.paths);
    }
}

/// What makes snapshots belong together, for retention and for finding a parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupBy {
    /// The host.
    pub host: bool,
    /// The set of sources.
    pub paths: bool,
    /// The tags.
    pub tags: bool,
}

impl GroupBy {
    /// Everything in one group.
    pub const fn nothing() -> Self {
        Self { host: false, paths: false, tags: false }
    }

    /// By host only: changed sources stay in the same group.
    pub const fn host() -> Self {
        Self { host: true, ..Self::nothing() }
    }

    /// By host and sources, restic's own default for `forget` and `backup`.
    pub const fn host_and_paths() -> Self {
        Self { paths: true, ..Self::host() }
    }

    pub(super) fn write(self, draft: &mut Draft) {
        let words = [(self.host, "host"), (self.paths, "paths"), (self.tags, "tags")];
        let words: Vec<_> = words.into_iter().filter_map(|(wanted, word)| wanted.then_some(word)).collect();
        draft.list_option("--group-by", &words.join(","));
    }
}
