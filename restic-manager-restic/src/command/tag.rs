use super::{
    draft::Draft,
    error::CommandError,
    invocation::Stdout,
    snapshot::{Filter, SnapshotName},
    snapshots::write_ids,
    verb::Write,
};
use crate::Version;

/// `restic tag`: changes the tags of snapshots. Each changed snapshot gets a new id.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tag {
    /// What is done.
    pub change: TagEdit,
    /// To which snapshots.
    pub filter: Filter,
    /// Only to these.
    pub snapshots: Vec<SnapshotName>,
}

/// A change of tags.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagEdit {
    /// These become all tags.
    Set(Vec<String>),
    /// Some are added, some are removed.
    Adjust {
        /// Added.
        add: Vec<String>,
        /// Removed.
        remove: Vec<String>,
    },
}

impl Tag {
    /// Changes the tags of these snapshots.
    pub fn new(change: TagEdit, snapshots: Vec<SnapshotName>) -> Self {
        Self { change, filter: Filter::default(), snapshots }
    }
}

impl Write for Tag {
    fn verb(&self) -> &'static str {
        "tag"
    }

    fn write(&self, draft: &mut Draft) {
        if *draft.version() < Version::new(0, 18, 0) {
            draft.stdout(Stdout::Text);
        }
        match &self.change {
            TagEdit::Set(tags) => draft.tags("--set", tags),
            TagEdit::Adjust { add, remove } => {
                if add.is_empty() && remove.is_empty() {
                    draft.refuse(CommandError::Missing { verb: "tag", what: "any tag to add or remove" });
                }
                for (name, tags) in [("--add", add), ("--remove", remove)] {
                    if !tags.is_empty() {
                        draft.tags(name, tags);
                    }
                }
            }
        }
        self.filter.write(draft);
        if self.snapshots.is_empty() && self.filter.is_all() {
            draft.refuse(CommandError::Missing { verb: "tag", what: "snapshots or a filter" });
        }
        write_ids(&self.snapshots, draft);
    }
}
