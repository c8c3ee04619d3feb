use super::{
    draft::Draft,
    invocation::{Locking, Stdout},
    verb::Write,
};

/// `restic list`: the ids of objects, one on each line of plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct List {
    /// Which objects.
    pub kind: ObjectKind,
}

/// A kind of object in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectKind {
    /// Pieces of files and folders, `type id` on each line.
    Blobs,
    /// Pack files.
    Packs,
    /// Index files.
    Index,
    /// Snapshots.
    Snapshots,
    /// Keys.
    Keys,
    /// Locks. Takes no lock itself.
    Locks,
}

impl List {
    /// The ids of all objects of `kind`.
    pub fn new(kind: ObjectKind) -> Self {
        Self { kind }
    }
}

impl Write for List {
    fn verb(&self) -> &'static str {
        "list"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        let word = match self.kind {
            ObjectKind::Blobs => "blobs",
            ObjectKind::Packs => "packs",
            ObjectKind::Index => "index",
            ObjectKind::Snapshots => "snapshots",
            ObjectKind::Keys => "keys",
            ObjectKind::Locks => "locks",
        };
        if self.kind == ObjectKind::Locks {
            draft.locking(Locking::None);
        }
        draft.operand("a kind of objects", word);
    }
}
