use super::{
    draft::Draft,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};

/// `restic stats`: counts what snapshots hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// What is counted.
    pub mode: CountingMode,
    /// In which snapshots.
    pub filter: Filter,
    /// Only in these.
    pub snapshots: Vec<SnapshotName>,
}

/// What `stats` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountingMode {
    /// What a restore of each snapshot would write, added up.
    RestoreSize,
    /// Files, the same content only once.
    FilesByContents,
    /// Blobs, counted for each file.
    BlobsPerFile,
    /// What the repository stores.
    RawData,
}

impl Stats {
    /// Counts over all snapshots.
    pub fn new(mode: CountingMode) -> Self {
        Self { mode, filter: Filter::default(), snapshots: Vec::new() }
    }
}

impl Write for Stats {
    fn verb(&self) -> &'static str {
        "stats"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Document);
        draft.option(
            "--mode",
            match self.mode {
                CountingMode::RestoreSize => "restore-size",
                CountingMode::FilesByContents => "files-by-contents",
                CountingMode::BlobsPerFile => "blobs-per-file",
                CountingMode::RawData => "raw-data",
            },
        );
        self.filter.write(draft);
        write_ids(&self.snapshots, draft);
    }
}
