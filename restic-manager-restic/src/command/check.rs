use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};
use crate::Version;

/// `restic check`: looks for damage. Needs an exclusive lock.
///
/// Exit code 1 stands for damage and for not having been able to look.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// How much of the data is read; without it only the structure is checked.
    pub read_data: Option<ReadData>,
    /// Use the local cache: faster, but damage behind it is not seen.
    pub with_cache: bool,
    /// Only what these snapshots need (restic 0.19 or newer).
    pub filter: Filter,
    /// Only what these snapshots need (restic 0.19 or newer).
    pub snapshots: Vec<SnapshotName>,
}

/// How much data `check` reads.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ReadData {
    /// Everything.
    All,
    /// Part `part` of `parts`, so that `parts` runs see everything; at most 256 parts.
    Part {
        /// The part, from 1.
        part: u16,
        /// The number of parts.
        parts: u16,
    },
    /// So many percent, chosen at random; above 0, at most 100.
    Percent(f64),
    /// So many bytes, chosen at random.
    Bytes(u64),
}

impl Check {
    /// Only the structure.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Write for Check {
    fn verb(&self) -> &'static str {
        "check"
    }

    fn write(&self, draft: &mut Draft) {
        if *draft.version() < Version::new(0, 18, 0) {
            draft.stdout(Stdout::Text);
        }
        if let Some(read_data) = self.read_data {
            read_data.write(draft);
        }
        draft.flag_if(self.with_cache, "--with-cache");
        self.filter.write(draft);
        if !self.snapshots.is_empty() {
            draft.needs("snapshot ids");
        }
        write_ids(&self.snapshots, draft);
    }
}

impl ReadData {
    fn write(self, draft: &mut Draft) {
        const SUBSET: &str = "--read-data-subset";
        match self {
            Self::All => draft.flag("--read-data"),
            Self::Part { part, parts } if part == 0 || part > parts || parts > 256 => {
                draft.refuse(CommandError::Invalid {
                    what: SUBSET,
                    reason: "give part 1 to n of at most 256 parts",
                });
            }
            Self::Part { part, parts } => draft.option(SUBSET, format!("{part}/{parts}")),
            Self::Percent(percent) if !(percent > 0.0 && percent <= 100.0) => {
                draft.refuse(CommandError::Invalid {
                    what: SUBSET,
                    reason: "give more than 0 and at most 100 percent",
                });
            }
            Self::Percent(percent) => draft.option(SUBSET, format!("{percent:.4}%")),
            Self::Bytes(0) => {
                draft.refuse(CommandError::Invalid { what: SUBSET, reason: "give at least one byte" })
            }
            // A bare number is no size here: the unit has to be there, and K is the smallest.
            Self::Bytes(bytes) => draft.option(SUBSET, format!("{}K", bytes.div_ceil(1024))),
        }
    }
}
