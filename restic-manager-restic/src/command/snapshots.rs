use super::{
    connection::in_range,
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, GroupBy, SnapshotName},
    verb::Write,
};

/// `restic snapshots`: lists snapshots, oldest first. Unknown ids are no error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshots {
    /// Which ones.
    pub filter: Filter,
    /// Only these.
    pub ids: Vec<SnapshotName>,
    /// Only the newest ones of each host and set of sources.
    pub latest: Option<u32>,
    /// Grouped; the document is then a list of [`SnapshotGroup`](crate::document::SnapshotGroup)s.
    pub group_by: Option<GroupBy>,
}

impl Snapshots {
    /// All of them.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Write for Snapshots {
    fn verb(&self) -> &'static str {
        "snapshots"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Document);
        self.filter.write(draft);
        if let Some(count) = in_range(draft, "--latest", self.latest, 1, u32::MAX, "give at least 1") {
            draft.option("--latest", count.to_string());
        }
        if let Some(group_by) = self.group_by {
            if group_by == GroupBy::nothing() {
                draft.refuse(CommandError::Invalid {
                    what: "--group-by",
                    reason: "snapshots in one group are a plain list: leave it out",
                });
            }
            group_by.write(draft);
        }
        write_ids(&self.ids, draft);
    }
}

pub(super) fn write_ids(ids: &[SnapshotName], draft: &mut Draft) {
    for id in ids {
        let word = id.word(draft);
        draft.operand("a snapshot", word);
    }
}
