use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    verb::Write,
};

/// `restic ls`: lists the files of a snapshot, one event each.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ls {
    /// The snapshot.
    pub snapshot: SnapshotName,
    /// Which snapshots count for `latest`.
    pub filter: Filter,
    /// Only what is in these folders; absolute, as in the snapshot. A missing one is no error.
    pub folders: Vec<String>,
    /// What is below the folders too. Without folders everything is listed anyway.
    pub recursive: bool,
    /// The order (restic 0.18 or newer); `None` for the order of the walk, which is the only one that streams.
    pub sort: Option<LsSort>,
    /// The other way round (restic 0.18 or newer).
    pub reverse: bool,
    /// The bare paths instead of events: each as the bytes it has, with a line feed behind it, in the same order. For names
    /// that are not UTF-8, whose bytes the events do not tell.
    pub bare: bool,
}

/// The order of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LsSort {
    /// By name.
    Name,
    /// By size.
    Size,
    /// By time of modification.
    Modified,
    /// By time of last access.
    Accessed,
    /// By time of last change.
    Changed,
    /// By the end of the name.
    Extension,
}

impl Ls {
    /// Everything in `snapshot`.
    pub fn new(snapshot: SnapshotName) -> Self {
        Self {
            snapshot,
            filter: Filter::default(),
            folders: Vec::new(),
            recursive: false,
            sort: None,
            reverse: false,
            bare: false,
        }
    }
}

impl Write for Ls {
    fn verb(&self) -> &'static str {
        "ls"
    }

    fn write(&self, draft: &mut Draft) {
        self.filter.write(draft);
        draft.flag_if(self.recursive, "--recursive");
        if let Some(sort) = self.sort {
            draft.option(
                "--sort",
                match sort {
                    LsSort::Name => "name",
                    LsSort::Size => "size",
                    LsSort::Modified => "mtime",
                    LsSort::Accessed => "atime",
                    LsSort::Changed => "ctime",
                    LsSort::Extension => "extension",
                },
            );
        }
        draft.flag_if(self.reverse, "--reverse");
        if self.bare {
            draft.stdout(Stdout::Bytes);
            // Else the first line tells of the snapshot.
            draft.flag("--quiet");
        }
        let snapshot = self.snapshot.word(draft);
        draft.operand("a snapshot", snapshot);
        for folder in &self.folders {
            if !folder.starts_with('/') {
                draft.refuse(CommandError::Invalid {
                    what: "a folder inside a snapshot",
                    reason: "it must start with a slash",
                });
            }
            draft.operand("a folder inside a snapshot", folder);
        }
    }
}
