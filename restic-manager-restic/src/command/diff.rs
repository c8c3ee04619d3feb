use super::{draft::Draft, snapshot::SnapshotName, verb::Write};

/// `restic diff`: what changed between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// The earlier one.
    pub from: SnapshotName,
    /// The later one.
    pub to: SnapshotName,
    /// Changes of metadata too.
    pub metadata: bool,
}

impl Diff {
    /// Compares contents.
    pub fn new(from: SnapshotName, to: SnapshotName) -> Self {
        Self { from, to, metadata: false }
    }
}

impl Write for Diff {
    fn verb(&self) -> &'static str {
        "diff"
    }

    fn write(&self, draft: &mut Draft) {
        draft.flag_if(self.metadata, "--metadata");
        for snapshot in [&self.from, &self.to] {
            let word = snapshot.word(draft);
            draft.operand("a snapshot", word);
        }
    }
}
