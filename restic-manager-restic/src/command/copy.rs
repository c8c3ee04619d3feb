use super::{
    draft::{Draft, Side},
    invocation::Stdout,
    repository::Repository,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};

/// `restic copy`: copies snapshots from another repository into the connected one. They get new ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copy {
    /// Where they come from.
    pub from: Repository,
    /// Which snapshots.
    pub filter: Filter,
    /// Only these.
    pub snapshots: Vec<SnapshotName>,
}

impl Copy {
    /// Copies all snapshots that are not there yet.
    pub fn new(from: Repository) -> Self {
        Self { from, filter: Filter::default(), snapshots: Vec::new() }
    }
}

impl Write for Copy {
    fn verb(&self) -> &'static str {
        "copy"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        draft.two_sided();
        self.from.write(Side::From, draft);
        self.filter.write(draft);
        write_ids(&self.snapshots, draft);
    }
}
