use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};
use crate::Version;

/// `restic repair`: mends a damaged repository. Make a copy of it first.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Builds the index anew.
    Index {
        /// Read every pack instead of trusting the old index.
        read_all_packs: bool,
    },
    /// Saves what can be read of broken packs and drops the packs (restic 0.17 or newer).
    ///
    /// Copies of the packs are put into the working directory.
    Packs {
        /// The packs, by whole id.
        ids: Vec<String>,
    },
    /// Takes what is lost out of snapshots (restic 0.16 or newer).
    Snapshots {
        /// Remove the originals.
        forget: bool,
        /// Only say what would be done.
        dry_run: bool,
        /// Which snapshots.
        filter: Filter,
        /// Only these.
        snapshots: Vec<SnapshotName>,
    },
}

impl Write for Repair {
    fn verb(&self) -> &'static str {
        match self {
            Self::Index { .. } => "repair index",
            Self::Packs { .. } => "repair packs",
            Self::Snapshots { .. } => "repair snapshots",
        }
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        match self {
            Self::Index { read_all_packs } => {
                if *draft.version() < Version::new(0, 16, 0) {
                    draft.spell(&["rebuild-index"]);
                }
                draft.flag_if(*read_all_packs, "--read-all-packs");
            }
            Self::Packs { ids } => {
                if ids.is_empty() {
                    draft.refuse(CommandError::Missing { verb: "repair packs", what: "any pack id" });
                }
                for id in ids {
                    draft.hex("a pack id", id);
                    draft.operand("a pack id", id);
                }
            }
            Self::Snapshots { forget, dry_run, filter, snapshots } => {
                draft.flag_if(*forget, "--forget");
                draft.flag_if(*dry_run, "--dry-run");
                filter.write(draft);
                write_ids(snapshots, draft);
            }
        }
    }
}
