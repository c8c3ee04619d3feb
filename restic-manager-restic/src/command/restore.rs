use std::{ffi::OsString, path::PathBuf};

use super::{
    draft::Draft,
    error::CommandError,
    exclude::Exclude,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    verb::Write,
};
use crate::Version;

/// `restic restore`: writes the files of a snapshot.
///
/// The whole original path is made below the target, unless the snapshot has a
/// [`subfolder`](SnapshotName::subfolder). A summary is printed even when files failed: only exit code and error events
/// tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restore {
    /// The snapshot.
    pub snapshot: SnapshotName,
    /// Where to.
    pub target: PathBuf,
    /// Which snapshots count for `latest`.
    pub filter: Filter,
    /// Which files.
    pub selection: RestoreSelection,
    /// What happens to files that are there already (restic 0.17 or newer; older ones replace them).
    pub overwrite: Option<Overwrite>,
    /// Remove what is in the target but not in the snapshot (restic 0.17 or newer).
    pub delete: bool,
    /// Only say what would be done; the events look exactly like those of a real restore (restic 0.17 or newer).
    pub dry_run: bool,
    /// Leave holes where a file has long runs of zeros (restic 0.15 or newer).
    pub sparse: bool,
    /// Read everything again and compare.
    pub verify: bool,
    /// Give files to users and groups by name instead of number (restic 0.19 or newer).
    pub ownership_by_name: bool,
    /// Report every file.
    pub verbose: bool,
}

/// Which files are restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreSelection {
    /// All.
    #[default]
    All,
    /// Those that match.
    Include {
        /// Patterns; for given paths those of [`include_argument`](super::include_argument).
        patterns: Vec<OsString>,
        /// Patterns that ignore upper and lower case.
        insensitive_patterns: Vec<String>,
        /// Files with patterns (restic 0.17 or newer).
        files: Vec<PathBuf>,
    },
    /// Those that do not match.
    Exclude(Exclude),
}

/// What happens to files that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overwrite {
    /// They are replaced.
    Always,
    /// They are replaced where size or time of modification differ.
    IfChanged,
    /// They are replaced where the snapshot's is newer.
    IfNewer,
    /// They stay.
    Never,
}

impl Restore {
    /// Restores all of `snapshot` below `target`.
    pub fn new(snapshot: SnapshotName, target: impl Into<PathBuf>) -> Self {
        Self {
            snapshot,
            target: target.into(),
            filter: Filter::default(),
            selection: RestoreSelection::All,
            overwrite: None,
            delete: false,
            dry_run: false,
            sparse: false,
            verify: false,
            ownership_by_name: false,
            verbose: false,
        }
    }
}

impl Write for Restore {
    fn verb(&self) -> &'static str {
        "restore"
    }

    fn write(&self, draft: &mut Draft) {
        if *draft.version() < Version::new(0, 16, 0) {
            draft.stdout(Stdout::Text);
        }
        draft.option("--target", &self.target);
        self.filter.write(draft);
        self.selection.write(draft);
        if let Some(overwrite) = self.overwrite {
            draft.option(
                "--overwrite",
                match overwrite {
                    Overwrite::Always => "always",
                    Overwrite::IfChanged => "if-changed",
                    Overwrite::IfNewer => "if-newer",
                    Overwrite::Never => "never",
                },
            );
        }
        draft.flag_if(self.delete, "--delete");
        draft.flag_if(self.dry_run, "--dry-run");
        draft.flag_if(self.sparse, "--sparse");
        draft.flag_if(self.verify, "--verify");
        draft.flag_if(self.ownership_by_name, "--ownership-by-name");
        draft.flag_if(self.verbose, "--verbose=2");
        let snapshot = self.snapshot.word(draft);
        draft.operand("a snapshot", snapshot);
    }
}

impl RestoreSelection {
    fn write(&self, draft: &mut Draft) {
        match self {
            Self::All => {}
            Self::Include { patterns, insensitive_patterns, files } => {
                if patterns.is_empty() && insensitive_patterns.is_empty() && files.is_empty() {
                    draft.refuse(CommandError::Missing { verb: "restore", what: "any pattern to include" });
                }
                draft.options("--include", patterns);
                draft.options("--iinclude", insensitive_patterns);
                draft.options("--include-file", files);
            }
            Self::Exclude(exclude) => exclude.write(draft),
        }
    }
}
