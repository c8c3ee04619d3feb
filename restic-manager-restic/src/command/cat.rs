use super::{draft::Draft, invocation::Stdout, snapshot::SnapshotName, verb::Write};

/// `restic cat`: prints one object of the repository.
///
/// `Cat::Config` is the cheapest question whether a repository can be reached and opened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cat {
    /// The configuration: id, format and chunker.
    Config,
    /// The key in use.
    MasterKey,
    /// A snapshot, by id.
    Snapshot(String),
    /// An index file, by id.
    Index(String),
    /// A key file, by id.
    Key(String),
    /// A lock, by id.
    Lock(String),
    /// A blob, by id: bytes of a file.
    Blob(String),
    /// A pack file, by id: bytes.
    Pack(String),
    /// The top folder of a snapshot (restic 0.15 or newer).
    Tree(SnapshotName),
}

impl Write for Cat {
    fn verb(&self) -> &'static str {
        "cat"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(match self {
            Self::Blob(_) | Self::Pack(_) => Stdout::Bytes,
            _ => Stdout::Document,
        });
        let (word, id) = match self {
            Self::Config => ("config", None),
            Self::MasterKey => ("masterkey", None),
            Self::Snapshot(id) => ("snapshot", Some(id)),
            Self::Index(id) => ("index", Some(id)),
            Self::Key(id) => ("key", Some(id)),
            Self::Lock(id) => ("lock", Some(id)),
            Self::Blob(id) => ("blob", Some(id)),
            Self::Pack(id) => ("pack", Some(id)),
            Self::Tree(snapshot) => {
                draft.needs("tree of a snapshot");
                draft.operand("an object", "tree");
                let word = snapshot.word(draft);
                return draft.operand("a snapshot", word);
            }
        };
        draft.operand("an object", word);
        if let Some(id) = id {
            draft.hex("the id of an object", id);
            draft.operand("the id of an object", id);
        }
    }
}
