//! What a row of the table says.

use core::time::Duration;

use restic_manager_proto::vocabulary::{AlertKind, Severity};

/// A host that is always on may be silent for so long after it counts as absent: time for a restart.
pub const OFFLINE_GRACE: Duration = Duration::from_secs(5 * 60);

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Meaning {
    /// The kind.
    pub kind: AlertKind,
    /// What it is about: the noun of its subject.
    pub subject: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// So often in a row, and it is critical.
    pub graver_after: Option<u64>,
    /// When it is raised.
    pub raised: &'static str,
    /// How long that must last before it is raised, besides what the sentence says.
    pub grace: Duration,
    /// When it is over.
    pub resolved: Resolved,
    /// What to do about it.
    pub next_step: &'static str,
}

/// When an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: by itself or not")]
pub enum Resolved {
    /// When somebody says so: what happened cannot be undone.
    ByHand,
    /// When this is seen, or somebody says so.
    ByRule(&'static str),
}

impl Meaning {
    /// How much it matters when it was found so often in a row.
    #[must_use]
    pub fn severity_at(&self, count: u64) -> Severity {
        match self.graver_after {
            Some(limit) if count >= limit => Severity::Critical,
            _ => self.severity,
        }
    }
}
