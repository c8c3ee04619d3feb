//! What one end can do beyond what its protocol version says, by name: so that a newer end asks an older one for nothing that
//! it cannot do, and says so.
//!
//! An end that states nothing is from before there were names. What it cannot do it answers with `unsupported`, as ever.

use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeSet;

use crate::vocabulary::JobKind;

/// Most names that are read; the rest is passed over.
pub const MOST_NAMES: usize = 128;
/// Longest name that is read, in bytes; a longer one is passed over.
pub const LONGEST_NAME: usize = 64;

/// The items of a report that a server of this build understands.
pub const REPORT_ITEMS: &[&str] = &[
    "job-ended",
    "job-log",
    "job-started",
    "outbox-began",
    "repository-checked",
    "retention-previewed",
    "slot-due",
    "slot-skipped",
    "snapshots",
    "snapshots-forgotten",
];

/// The kinds of question that an agent of this build answers.
pub const QUESTIONS: &[&str] = &["folder", "plan", "search"];

/// Names of what an end can do. Names of a newer peer are kept and mean nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Of an agent of this build: the jobs that it does, and the questions that it answers.
    #[must_use]
    pub fn of_agent() -> Self {
        let jobs = JobKind::ALL.iter().map(|kind| job(*kind));
        Self(jobs.chain(QUESTIONS.iter().map(|kind| question(kind))).collect())
    }

    /// Of a server of this build: the items of a report that it understands.
    #[must_use]
    pub fn of_server() -> Self {
        Self(REPORT_ITEMS.iter().map(|item| report(item)).collect())
    }

    /// Those of these names that are read.
    #[must_use]
    pub fn of_names(names: impl IntoIterator<Item = String>) -> Self {
        let fits = |name: &String| !name.is_empty() && name.len() <= LONGEST_NAME;
        Self(names.into_iter().filter(fits).take(MOST_NAMES).collect())
    }

    /// Whether nothing is stated, as by an end from before there were names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the other end may be asked for something: it says that it can, or says nothing at all.
    #[must_use]
    pub fn may(&self, name: &str) -> bool {
        self.is_empty() || self.0.contains(name)
    }

    /// What this end would ask for that the other says not to know.
    #[must_use]
    pub fn lacking(&self, wanted: &Self) -> Vec<String> {
        wanted.0.iter().filter(|name| !self.may(name)).cloned().collect()
    }
}

/// The name of a kind of job, to do.
#[must_use]
pub fn job(kind: JobKind) -> String {
    format!("job-{kind}")
}

/// The name of a kind of question, to answer.
#[must_use]
pub fn question(kind: &str) -> String {
    format!("question-{kind}")
}

/// The name of an item of a report, to understand.
#[must_use]
pub fn report(item: &str) -> String {
    format!("report-{item}")
}

impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(Self::of_names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_states_nothing_is_asked_and_who_states_something_is_believed() {
        let unstated = Capabilities::default();
        assert!(unstated.may("job-backup") && unstated.may("anything"));
        let stated: Capabilities = serde_json::from_str(r#"["job-backup","of-a-newer-peer"]"#).unwrap();
        assert!(stated.may("job-backup") && !stated.may("job-prune"));
        assert!(stated.lacking(&Capabilities::of_agent()).contains(&"job-prune".to_owned()));
        assert!(Capabilities::of_agent().lacking(&Capabilities::of_agent()).is_empty());
        assert_eq!(serde_json::to_string(&stated).unwrap(), r#"["job-backup","of-a-newer-peer"]"#);
    }

    #[test]
    fn names_without_end_are_passed_over() {
        let names = (0..10_000).map(|number| format!("name-{number}")).chain(["x".repeat(65)]);
        let read = Capabilities::of_names(["y".repeat(65), String::new()].into_iter().chain(names));
        assert_eq!(read.0.len(), MOST_NAMES);
        assert!(read.0.iter().all(|name| name.starts_with("name-")));
        assert!(Capabilities::of_agent().0.len().max(REPORT_ITEMS.len()) < MOST_NAMES);
    }
}
