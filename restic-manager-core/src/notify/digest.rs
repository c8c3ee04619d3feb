//! What a digest says besides alerts: what ran, what failed and what grew.

use core::fmt::Write as _;
use restic_manager_proto::{
    Timestamp,
    vocabulary::{Cause, JobKind, JobState},
};

use crate::anomaly::size;

/// Jobs that failed, and source groups that grew, which a digest names.
pub const MOST_NAMED: usize = 10;

/// What happened from one moment to another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "gathered by whoever composes a digest")]
pub struct Report {
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many jobs of a kind came to an end.
    pub ended: Vec<(JobKind, JobState, u64)>,
    /// The newest that failed or left something out: what they were about, what they were for, and why. At most
    /// [`MOST_NAMED`].
    pub failed: Vec<(String, JobKind, Cause)>,
    /// What added most to its repository, and how many bytes. At most [`MOST_NAMED`].
    pub grown: Vec<(String, u64)>,
}

impl Report {
    /// Jobs that ended.
    #[must_use]
    pub fn jobs(&self) -> u64 {
        self.ended.iter().map(|(_, _, jobs)| jobs).sum()
    }

    /// Those that failed or left something out.
    #[must_use]
    pub fn bad(&self) -> u64 {
        let is_bad = |state: &JobState| matches!(state, JobState::Failed | JobState::Incomplete);
        self.ended.iter().filter(|(_, state, _)| is_bad(state)).map(|(_, _, jobs)| jobs).sum()
    }

    /// The report as lines of plain text.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!("From {} to {}:\n", self.from, self.until);
        self.what_ran(&mut text);
        self.what_failed(&mut text);
        self.what_grew(&mut text);
        text.trim_end().to_owned()
    }

    fn what_ran(&self, text: &mut String) {
        if self.ended.is_empty() {
            text.push_str("No job ended.\n");
        }
        for kind in JobKind::ALL {
            let ends = self.ended.iter().filter(|(of, ..)| of == kind);
            let ends: Vec<_> = ends.map(|(_, state, jobs)| format!("{jobs} {state}")).collect();
            if !ends.is_empty() {
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{}: {}", spoken(kind.as_str()), ends.join(", "));
            }
        }
    }

    fn what_failed(&self, text: &mut String) {
        if !self.failed.is_empty() {
            text.push_str("Failed or incomplete:\n");
        }
        for (name, kind, cause) in self.failed.iter().take(MOST_NAMED) {
            let _ = writeln!(text, "- {name}: {}, {}", spoken(kind.as_str()), spoken(cause.as_str()));
        }
        let named = self.failed.len().min(MOST_NAMED) as u64;
        if self.bad() > named {
            let _ = writeln!(text, "… and {} more", self.bad() - named);
        }
    }

    fn what_grew(&self, text: &mut String) {
        if !self.grown.is_empty() {
            text.push_str("Most new data:\n");
        }
        for (name, bytes) in self.grown.iter().take(MOST_NAMED) {
            let _ = writeln!(text, "- {name}: {}", size(*bytes));
        }
    }
}

fn spoken(word: &str) -> String {
    word.replace('-', " ")
}
