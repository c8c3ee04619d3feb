//! What a server asks an agent and is told at once: neither kept on a disk nor told again.
//!
//! A question is answered in parts, and no part is sent before the server has room for it: the question grants some, and
//! [`Message::AnswerMore`](super::Message::AnswerMore) more as they are taken. The last part is
//! [`AnswerPart::End`] or [`AnswerPart::Failed`]. A server that wants no more says so and is sent no more; with the
//! connection the question is gone.

use serde::{Deserialize, Serialize};

use super::{ErrorCode, RepositoryOrder};
use crate::{
    PlanRow, PlanSummary, QuestionId, RawPath, RestoreOptions, SearchHit, SnapshotEntry,
    limits::{ANSWER_BYTES, ANSWER_PARTS},
    vocabulary::{EntrySort, PlanClass},
};

/// A question. It is answered with a reply once it is accepted, and then in parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ask {
    /// Which question; its parts name it.
    pub id: QuestionId,
    /// The repository that it is about. Its secrets are sealed with the keys of this connection for this question.
    pub repository: RepositoryOrder,
    /// What is asked.
    pub question: Question,
    /// So many parts may be sent at once.
    pub room: u32,
}

impl Ask {
    /// Joins the parts, with room for as many as one question has.
    #[must_use]
    pub fn new(id: QuestionId, repository: RepositoryOrder, question: Question) -> Self {
        Self { id, repository, question, room: ANSWER_PARTS as u32 }
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Question {
    /// What a folder of a snapshot holds.
    Folder {
        /// The full id of the snapshot.
        snapshot: String,
        /// The absolute path of the folder inside it.
        folder: RawPath,
        /// By what the entries are sorted. An agent that has no index of the snapshot sorts by name alone.
        #[serde(default)]
        sort: EntrySort,
        /// The last first.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        descending: bool,
        /// Behind so many entries; a snapshot never changes.
        #[serde(default)]
        after: u64,
        /// So many entries at most, 1 to 500.
        limit: u16,
    },
    /// Which paths of a snapshot have a name like this.
    Search {
        /// The full id of the snapshot.
        snapshot: String,
        /// A part of the name, whatever its case; a pattern where it has `*`, `?` or `[`.
        text: String,
        /// Behind this path.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<RawPath>,
        /// So many paths at most, 1 to 200.
        limit: u16,
    },
    /// What a restore would do.
    Plan {
        /// The restore.
        restore: Box<RestoreOptions>,
        /// Only rows of this class; of all but `unchanged` when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<PlanClass>,
        /// So many rows at most, up to 500.
        limit: u16,
    },
}

impl Question {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "folder",
            Self::Search { .. } => "search",
            Self::Plan { .. } => "plan",
        }
    }
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "complete: a question and a part of its answer")]
pub struct Answer {
    /// Which question.
    pub question: QuestionId,
    /// The part.
    pub part: AnswerPart,
}

/// What a part of an answer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AnswerPart {
    /// Nothing yet: so many entries of the snapshot have been looked at.
    Working {
        /// How many.
        entries: u64,
    },
    /// Entries of a folder, in their order.
    Entries {
        /// Some of them.
        entries: Vec<SnapshotEntry>,
    },
    /// Paths that were searched for, in the order of the snapshot.
    Hits {
        /// Some of them.
        hits: Vec<SearchHit>,
    },
    /// What a restore would do, in sum.
    Plan {
        /// The sums.
        plan: PlanSummary,
    },
    /// What a restore would do with single paths.
    PlanRows {
        /// Some of them.
        rows: Vec<PlanRow>,
    },
    /// All was said.
    End {
        /// Whether there is more behind the last one that was told.
        more: bool,
    },
    /// It cannot be answered.
    Failed {
        /// Why, for programs.
        code: ErrorCode,
        /// Why, for people; no secrets.
        message: String,
    },
}

impl AnswerPart {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::End { .. } | Self::Failed { .. })
    }
}

/// Entries, hits or rows in parts that a frame holds. What is longer than a part by itself is left out; no name of a file
/// system is.
#[must_use]
pub fn parts<T: Serialize>(items: Vec<T>, part: impl Fn(Vec<T>) -> AnswerPart) -> Vec<AnswerPart> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes = ANSWER_BYTES;
    for item in items {
        let size = serde_json::to_vec(&item).map_or(usize::MAX, |text| text.len() + 1);
        if size > ANSWER_BYTES {
            continue;
        }
        if bytes + size > ANSWER_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().expect("one was begun").push(item);
    }
    parts.into_iter().map(part).collect()
}

/// Room for parts, at the end that sends them. See [`Gate`] for the other.
#[derive(Debug)]
pub struct Room(u32);

impl Room {
    /// As much as the question granted; no more than one question has.
    #[must_use]
    pub fn new(granted: u32) -> Self {
        Self(granted.min(ANSWER_PARTS as u32))
    }

    /// Whether a part may be sent, which takes a place.
    #[must_use = "a part without a place must wait"]
    pub const fn take(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    /// The other end has taken so many.
    pub fn grant(&mut self, parts: u32) {
        self.0 = self.0.saturating_add(parts).min(ANSWER_PARTS as u32);
    }
}

/// What is owed at the end that asked: it notices an end that sends without room.
#[derive(Debug)]
pub struct Gate(u32);

impl Gate {
    /// For a question that was asked with all its room.
    #[must_use]
    pub const fn new() -> Self {
        Self(ANSWER_PARTS as u32)
    }

    /// A part came; `false` when there was no room for it.
    #[must_use = "a part without room breaks the protocol"]
    pub const fn enter(&mut self) -> bool {
        match self.0.checked_sub(1) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }

    /// So many parts were taken, and room for as many was granted.
    pub fn grant(&mut self, parts: u32) {
        self.0 = self.0.saturating_add(parts).min(ANSWER_PARTS as u32);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However the two ends take turns, what one sends the other has room for, and in the end everything has come.
        #[test]
        fn who_keeps_to_the_room_is_never_refused(turns in prop::collection::vec(any::<bool>(), 0..200)) {
            let (mut room, mut gate) = (Room::new(u32::MAX), Gate::new());
            let mut held = 0;
            for sends in turns {
                match sends {
                    true if room.take() => {
                        prop_assert!(gate.enter());
                        held += 1;
                    }
                    true => prop_assert_eq!(held, ANSWER_PARTS),
                    false if held > 0 => {
                        held -= 1;
                        gate.grant(1);
                        room.grant(1);
                    }
                    false => {}
                }
                prop_assert!(held <= ANSWER_PARTS);
            }
        }
    }

    #[test]
    fn each_kind_of_question_is_stated() {
        let (snapshot, text, folder) = (String::new(), String::new(), RawPath::root());
        let restore = RestoreOptions::new("", crate::RestoreTarget::Original {});
        let questions = [
            Question::Folder {
                snapshot: snapshot.clone(),
                folder,
                sort: EntrySort::Name,
                descending: false,
                after: 0,
                limit: 1,
            },
            Question::Plan { restore: Box::new(restore), class: None, limit: 1 },
            Question::Search { snapshot, text, after: None, limit: 1 },
        ];
        assert_eq!(questions.each_ref().map(Question::kind), crate::capability::QUESTIONS);
    }

    #[test]
    fn a_part_without_room_is_noticed() {
        let mut gate = Gate::default();
        assert!((0..ANSWER_PARTS).all(|_| gate.enter()));
        assert!(!gate.enter());
        gate.grant(1);
        assert!(gate.enter() && !gate.enter());
    }
}
