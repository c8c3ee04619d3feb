use core::time::Duration;
use restic_manager_proto::{Timestamp, vocabulary::JobKind};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Until when a job must have got how far. No job waits or runs for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until when it must have reached its host.
    pub dispatch_by: Timestamp,
    /// Until when it must have ended.
    pub end_by: Timestamp,
}

/// The deadlines of a job that is asked for at `created`.
///
/// A host may sleep over night, and a first backup of a large disk over a thin line takes days; looking at a
/// repository is only worth something soon.
#[must_use]
pub fn deadlines(kind: JobKind, created: Timestamp) -> Deadlines {
    let (dispatch, run) = match kind {
        JobKind::Backup => (DAY, 3 * DAY),
        JobKind::CheckRepository => (DAY, 15 * MINUTE),
        JobKind::ListSnapshots => (HOUR, HOUR),
        // What is late here is made again by its cadence, but a prune or a full read of a large repository takes days.
        JobKind::Forget => (DAY, 6 * HOUR),
        JobKind::Prune | JobKind::Check => (DAY, 3 * DAY),
        // Somebody waits for the start of it, and all of a large host over a thin line takes days.
        JobKind::Restore => (HOUR, 3 * DAY),
        // Both read the index, and one of them all trees.
        JobKind::Statistics => (DAY, 6 * HOUR),
        JobKind::DeletionTest => (DAY, HOUR),
        // Somebody waits for the answer.
        JobKind::PreviewForget => (15 * MINUTE, HOUR),
        JobKind::ConnectionTest => (5 * MINUTE, 5 * MINUTE),
        JobKind::Unlock => (HOUR, 15 * MINUTE),
        _ => (DAY, DAY),
    };
    Deadlines { dispatch_by: created.after(dispatch), end_by: created.after(dispatch).after(run) }
}
