use std::ffi::OsString;

use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    verb::Write,
};

/// `restic dump`: the content of a file, or a folder as an archive, on standard output.
///
/// An archive of which a file could not be read is simply cut off: judge by the outcome, never by the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dump {
    /// The snapshot.
    pub snapshot: SnapshotName,
    /// The file or folder inside it; absolute.
    pub path: OsString,
    /// The form of a folder.
    pub archive: Archive,
    /// Which snapshots count for `latest`.
    pub filter: Filter,
}

/// The form in which a folder is dumped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Archive {
    /// A tar archive.
    #[default]
    Tar,
    /// A zip archive.
    Zip,
}

impl Dump {
    /// The file or folder `path` of `snapshot`.
    pub fn new(snapshot: SnapshotName, path: impl Into<OsString>) -> Self {
        Self { snapshot, path: path.into(), archive: Archive::Tar, filter: Filter::default() }
    }
}

impl Write for Dump {
    fn verb(&self) -> &'static str {
        "dump"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Bytes);
        draft.option(
            "--archive",
            match self.archive {
                Archive::Tar => "tar",
                Archive::Zip => "zip",
            },
        );
        self.filter.write(draft);
        let snapshot = self.snapshot.word(draft);
        draft.operand("a snapshot", snapshot);
        if !self.path.as_encoded_bytes().starts_with(b"/") {
            draft.refuse(CommandError::Invalid {
                what: "a path inside a snapshot",
                reason: "it must start with a slash",
            });
        }
        draft.operand("a path inside a snapshot", &self.path);
    }
}
