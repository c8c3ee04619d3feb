//! How a job ends, from what restic said or from why it was not asked.

use core::time::Duration;

use restic_manager_proto::{
    JobEnd, Statistics,
    vocabulary::{Cause, JobState, RepositoryState},
};
use restic_manager_restic::{
    Cause as ResticCause,
    command::CommandError,
    event::BackupSummary,
    exit::{Outcome, Termination},
    process::{Finished, Resources, SpawnError},
    redact,
};

use super::{
    stage::{GIVEN_UP, Ran},
    stop::StopReason,
};

/// Longest detail.
const DETAIL_BYTES: usize = 2 * 1024;

/// How a job ends before it is done.
#[derive(Debug)]
pub(super) struct Ended(Box<JobEnd>);

impl Ended {
    pub(super) fn into_end(self) -> JobEnd {
        *self.0
    }
}

impl From<JobEnd> for Ended {
    fn from(end: JobEnd) -> Self {
        Self(Box::new(end))
    }
}

impl From<StopReason> for Ended {
    fn from(reason: StopReason) -> Self {
        stopped(reason).into()
    }
}

/// restic could not be started.
impl From<SpawnError> for Ended {
    fn from(error: SpawnError) -> Self {
        let cause = match error {
            SpawnError::NotFound | SpawnError::NotAbsolute | SpawnError::NotExecutable => {
                Cause::ResticMissing
            }
            _ => Cause::Other,
        };
        failed(cause, &format!("could not {error}"))
    }
}

/// restic was not even asked.
impl From<CommandError> for Ended {
    fn from(error: CommandError) -> Self {
        let cause = match error {
            CommandError::TooOld { .. } => Cause::ResticTooOld,
            _ => Cause::AgentRefused,
        };
        failed(cause, &format!("could not {error}"))
    }
}

/// A failure that no run of restic led to.
pub(super) fn failed(cause: Cause, detail: &str) -> Ended {
    without_run(JobState::Failed, cause, detail).into()
}

/// What restic printed is not what it prints.
pub(super) fn unreadable(what: &str, error: &dyn core::fmt::Display) -> Ended {
    failed(Cause::Other, &format!("could not read {what}: {error}"))
}

/// An end that no run of restic led to.
pub(super) fn without_run(state: JobState, cause: Cause, detail: &str) -> JobEnd {
    let mut end = JobEnd::new(state, cause);
    end.detail = bounded(detail);
    end
}

/// A job that was asked to stop.
pub(super) fn stopped(reason: StopReason) -> JobEnd {
    match reason {
        StopReason::Cancelled => JobEnd::new(JobState::Cancelled, Cause::Cancelled),
        StopReason::AgentStops => {
            without_run(JobState::Failed, Cause::AgentStopped, "the agent was stopped while the job ran")
        }
        StopReason::Deadline => {
            without_run(JobState::Failed, Cause::DeadlineExceeded, "the job took longer than it may")
        }
    }
}

/// How a run ended its job. What was asked to stop and was done all the same is done.
pub(super) fn of_run(ran: &Ran) -> JobEnd {
    let outcome = &ran.finished.outcome;
    let (state, cause) = judge(outcome);
    let mut end = match ran.stopped {
        Some(reason) if state == JobState::Failed => stopped(reason),
        _ if cause == Cause::RepositoryLocked => {
            without_run(state, cause, &format!("locked {}", holder(ran)))
        }
        _ => without_run(state, cause, &words(outcome)),
    };
    note_run(&mut end, &ran.finished);
    end
}

/// Who holds the lock that a run met.
pub(super) fn holder(ran: &Ran) -> String {
    match &ran.finished.outcome.lock {
        Some(lock) => {
            let how = if lock.is_exclusive { "exclusively by" } else { "by" };
            let created = lock.created.as_ref().map(|at| format!(", since {at}")).unwrap_or_default();
            format!("{how} process {} on {} by {}{created}", lock.pid, lock.host, lock.user)
        }
        None => "by another restic".to_owned(),
    }
}

/// The end of a backup of a command's output. A command that prints nothing leaves a snapshot without its file, which is
/// no backup.
pub(super) fn of_command(mut end: JobEnd) -> JobEnd {
    if (end.state, end.cause) == (JobState::Incomplete, Cause::SourceUnreadable) {
        (end.state, end.cause) = (JobState::Failed, Cause::CommandFailed);
        end.detail = "the command printed nothing".to_owned();
    }
    end
}

/// How a look at a repository that did not open it ends its job.
pub(super) fn of_repository(state: RepositoryState, ran: &Ran) -> JobEnd {
    let cause = match state {
        RepositoryState::Missing => Cause::RepositoryMissing,
        RepositoryState::Unfinished => Cause::RepositoryUnfinished,
        RepositoryState::WrongPassword => Cause::WrongPassword,
        RepositoryState::AccessDenied => judge(&ran.finished.outcome).1,
        RepositoryState::Unreachable => Cause::Unreachable,
        _ => match judge(&ran.finished.outcome).1 {
            Cause::None => Cause::Other,
            cause => cause,
        },
    };
    let mut end = without_run(JobState::Failed, cause, &detail(ran));
    note_run(&mut end, &ran.finished);
    end
}

/// The words that prove an outcome.
pub(super) fn detail(ran: &Ran) -> String {
    // What restic says to our own interrupt proves nothing.
    let is_answer = |line: &str| line.contains("signal ") && line.contains("received");
    let lines = ran.finished.stderr.lines().rev().map(str::trim);
    let last = lines.filter(|line| !line.is_empty()).find(|line| !is_answer(line));
    match (&ran.finished.outcome.message, last) {
        (None, Some(line)) if !ran.succeeded() => bounded(line),
        _ => bounded(&words(&ran.finished.outcome)),
    }
}

/// Notes what a backup counted.
pub(super) fn note_summary(statistics: &mut Statistics, summary: &BackupSummary) {
    statistics.snapshot.clone_from(&summary.snapshot_id);
    statistics.files_new = summary.files_new;
    statistics.files_changed = summary.files_changed;
    statistics.files_unmodified = summary.files_unmodified;
    statistics.folders_new = summary.dirs_new;
    statistics.folders_changed = summary.dirs_changed;
    statistics.folders_unmodified = summary.dirs_unmodified;
    statistics.files_processed = summary.total_files_processed;
    statistics.bytes_processed = summary.total_bytes_processed;
    statistics.bytes_added = summary.data_added;
    statistics.bytes_stored = summary.data_added_packed;
}

pub(super) fn note_resources(statistics: &mut Statistics, resources: &Resources) {
    let used =
        resources.user_time.into_iter().chain(resources.system_time).reduce(|user, system| user + system);
    statistics.duration_milliseconds = milliseconds(resources.elapsed);
    statistics.peak_memory_bytes = resources.peak_memory_bytes;
    statistics.cpu_milliseconds = used.map(milliseconds);
}

fn milliseconds(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

fn note_run(end: &mut JobEnd, finished: &Finished) {
    end.lock_left = finished.lock_may_remain;
    if finished.was_given_up {
        end.detail = GIVEN_UP.to_owned();
    }
    note_resources(&mut end.statistics, &finished.resources);
    end.exit_code = match finished.outcome.termination {
        Termination::Code(code) if code >= 0 => Some(code),
        _ => None,
    };
}

fn judge(outcome: &Outcome) -> (JobState, Cause) {
    let cause = match outcome.cause {
        ResticCause::Success => return (JobState::Succeeded, Cause::None),
        ResticCause::Incomplete => return (JobState::Incomplete, Cause::SourceUnreadable),
        ResticCause::RepositoryMissing => Cause::RepositoryMissing,
        ResticCause::RepositoryUnfinished => Cause::RepositoryUnfinished,
        ResticCause::Locked => Cause::RepositoryLocked,
        ResticCause::WrongPassword => Cause::WrongPassword,
        // Nobody here asked for it.
        ResticCause::Interrupted | ResticCause::Killed => Cause::Killed,
        ResticCause::OutOfSpace => Cause::OutOfSpace,
        ResticCause::Unreachable | ResticCause::BadAnswer => Cause::Unreachable,
        ResticCause::Permission if is_local(outcome) => Cause::PermissionDenied,
        ResticCause::Permission | ResticCause::Refused => Cause::AccessDenied,
        // The snapshot was made all the same.
        ResticCause::Damaged if outcome.termination == Termination::Code(3) => {
            return (JobState::Incomplete, Cause::RepositoryDamaged);
        }
        ResticCause::Damaged => Cause::RepositoryDamaged,
        ResticCause::CommandFailed => Cause::CommandFailed,
        ResticCause::SnapshotMissing => Cause::SnapshotMissing,
        ResticCause::SourceMissing => Cause::SourceMissing,
        ResticCause::TooOld => Cause::ResticTooOld,
        _ => Cause::Other,
    };
    (JobState::Failed, cause)
}

/// Whether it was the operating system that refused, in its own words, and not the storage.
fn is_local(outcome: &Outcome) -> bool {
    outcome
        .message
        .as_ref()
        .is_some_and(|message| message.to_ascii_lowercase().ends_with("permission denied"))
}

fn words(outcome: &Outcome) -> String {
    match (&outcome.message, outcome.cause) {
        (_, ResticCause::Success) => String::new(),
        (Some(message), _) => message.clone(),
        (None, cause) => cause.to_string(),
    }
}

pub(super) fn bounded(text: &str) -> String {
    redact::bounded(text, DETAIL_BYTES)
}

#[cfg(test)]
mod tests {
    use restic_manager_restic::exit::Evidence;

    use super::*;

    fn judged(code: i32, lines: &[&str]) -> (JobState, Cause) {
        let mut evidence = Evidence::new();
        for line in lines {
            evidence.note_text(line);
        }
        judge(&evidence.conclude(Termination::Code(code)))
    }

    #[test]
    fn a_run_ends_its_job_as_restic_meant_it() {
        let damage = "error: /: tree 01ab is not known; the repository could be damaged, run `repair index` to try to repair it";
        let lock = "Remove(<lock/01ab>) failed: unexpected HTTP response (403): 403 Forbidden";
        let proxy = "Fatal: unable to open config file: unexpected HTTP response (502): 502 Bad Gateway";
        let command =
            "Fatal: unable to save snapshot: failed to save /stdin: Fatal: command failed: exit status 3";
        for (code, lines, expected) in [
            (0, &[lock][..], (JobState::Succeeded, Cause::None)),
            (3, &[lock], (JobState::Incomplete, Cause::SourceUnreadable)),
            (3, &[damage], (JobState::Incomplete, Cause::RepositoryDamaged)),
            (1, &["Fatal: repository contains errors"], (JobState::Failed, Cause::RepositoryDamaged)),
            (1, &[proxy], (JobState::Failed, Cause::Unreachable)),
            (1, &["subprocess sh: connection refused", command], (JobState::Failed, Cause::CommandFailed)),
        ] {
            assert_eq!(judged(code, lines), expected, "{lines:?}");
        }
    }
}
