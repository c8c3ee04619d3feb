use super::{
    backup::write_time,
    draft::Draft,
    error::CommandError,
    invocation::{Locking, Stdout},
    snapshot::{Filter, SnapshotName},
    verb::Write,
};

/// `restic find`: looks for files or objects in snapshots.
///
/// The answer is one array on one line, however large: read it with a streaming reader.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Find {
    /// What is looked for.
    pub search: Search,
    /// In which snapshots.
    pub filter: Filter,
    /// Only in these.
    pub snapshots: Vec<SnapshotName>,
    /// Not modified before this local time, `YYYY-MM-DD hh:mm:ss`.
    pub oldest: Option<String>,
    /// Not modified after this local time, `YYYY-MM-DD hh:mm:ss`.
    pub newest: Option<String>,
    /// Oldest snapshot first (restic 0.18 or newer; older ones always do so).
    pub reverse: bool,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Search {
    /// Files by name or path; `*` and `?` stand for other characters.
    Names(Vec<String>),
    /// The same, ignoring upper and lower case.
    NamesIgnoringCase(Vec<String>),
    /// Files that hold these blobs.
    Blobs(Vec<String>),
    /// Folders that are these trees.
    Trees(Vec<String>),
    /// Files with blobs in these packs.
    Packs(Vec<String>),
}

impl Find {
    /// Looks in all snapshots.
    pub fn new(search: Search) -> Self {
        Self {
            search,
            filter: Filter::default(),
            snapshots: Vec::new(),
            oldest: None,
            newest: None,
            reverse: false,
        }
    }
}

impl Write for Find {
    fn verb(&self) -> &'static str {
        "find"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Document);
        self.filter.write(draft);
        for snapshot in &self.snapshots {
            let word = snapshot.word(draft);
            draft.option("--snapshot", word);
        }
        for (name, time) in [("--oldest", &self.oldest), ("--newest", &self.newest)] {
            if let Some(time) = time {
                write_time(name, time, draft);
            }
        }
        draft.flag_if(self.reverse, "--reverse");
        let words = match &self.search {
            Search::Names(words) => words,
            Search::NamesIgnoringCase(words) => {
                draft.flag("--ignore-case");
                words
            }
            Search::Blobs(ids) => write_objects("--blob", ids, draft),
            Search::Trees(ids) => write_objects("--tree", ids, draft),
            Search::Packs(ids) => write_objects("--pack", ids, draft),
        };
        if words.is_empty() {
            draft.refuse(CommandError::Missing { verb: "find", what: "anything to look for" });
        }
        for word in words {
            if word.is_empty() {
                draft.refuse(CommandError::Empty { what: "a search pattern" });
            }
            draft.literal_operand("a search pattern", word);
        }
    }
}

fn write_objects<'a>(flag: &'static str, ids: &'a Vec<String>, draft: &mut Draft) -> &'a Vec<String> {
    draft.flag(flag);
    // restic stops itself once it has found everything, and then loses the race with its own lock about every other time.
    draft.locking(Locking::Leaky);
    for id in ids {
        draft.hex("the id of an object", id);
    }
    ids
}
