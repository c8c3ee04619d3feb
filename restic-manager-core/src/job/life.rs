use restic_manager_proto::vocabulary::{
    Cause,
    JobState::{self, Cancelled, Dispatched, Failed, Incomplete, Queued, Running, Skipped, Succeeded},
};

/// Who moves a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The server, by its own rules.
    Server,
    /// The agent, by what it reports.
    Agent,
    /// A person, by cancelling.
    Person,
}

/// All steps that there are. What is not here does not happen.
const STEPS: &[(By, JobState, &[JobState])] = &[
    (By::Server, Queued, &[Dispatched, Skipped, Failed, Cancelled]),
    // Back to the queue when the order did not arrive.
    (By::Server, Dispatched, &[Queued, Skipped, Failed, Cancelled]),
    (By::Server, Running, &[Failed, Cancelled]),
    // An order that was taken back may have arrived all the same, so its reports count.
    (By::Agent, Queued, &[Running, Skipped, Failed, Cancelled]),
    (By::Agent, Dispatched, &[Running, Skipped, Failed, Cancelled]),
    (By::Agent, Running, &[Succeeded, Incomplete, Failed, Cancelled]),
    (By::Person, Queued, &[Cancelled]),
    (By::Person, Dispatched, &[Cancelled]),
    (By::Person, Running, &[Cancelled]),
];

/// Whether somebody may move a job from one state to another.
#[must_use]
pub fn may(by: By, from: JobState, to: JobState) -> bool {
    STEPS.iter().any(|(who, start, ends)| (*who, *start) == (by, from) && ends.contains(&to))
}

/// What becomes of an agent's report that a job is in a state now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// It moves the job.
    Applies,
    /// It says nothing new, or the job has ended: acknowledge it and change nothing.
    Stale,
    /// No agent that follows the rules says so: acknowledge it, change nothing, and note it.
    Contradicts,
}

/// Judges an agent's report on one of its own jobs.
///
/// ```
/// use restic_manager_core::job::{Received, receive};
/// use restic_manager_proto::vocabulary::JobState;
/// assert_eq!(receive(JobState::Dispatched, JobState::Running), Received::Applies);
/// assert_eq!(receive(JobState::Cancelled, JobState::Succeeded), Received::Stale);
/// assert_eq!(receive(JobState::Running, JobState::Queued), Received::Contradicts);
/// ```
pub fn receive(now_in: JobState, reported: JobState) -> Received {
    if may(By::Agent, now_in, reported) {
        Received::Applies
    } else if now_in.is_end() || now_in == reported {
        Received::Stale
    } else {
        Received::Contradicts
    }
}

/// Whether a job may end in a state for a cause. A success with a reproach, or a failure without one, tells
/// nobody anything.
#[must_use]
pub const fn is_end_for(state: JobState, cause: Cause) -> bool {
    match state {
        Succeeded => matches!(cause, Cause::None),
        Incomplete => {
            matches!(cause, Cause::SourceUnreadable | Cause::HookFailed | Cause::RepositoryDamaged)
        }
        Cancelled => matches!(cause, Cause::Cancelled),
        Failed | Skipped => !matches!(cause, Cause::None | Cause::Cancelled),
        _ => false,
    }
}
