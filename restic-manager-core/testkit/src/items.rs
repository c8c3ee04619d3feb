//! What agents report of a job that runs and ends well.

use core::ops::RangeInclusive;
use restic_manager_proto::{
    JobEnd, JobId, LogLine, Timestamp,
    agent::ReportItem,
    vocabulary::{Cause, JobState, LogStream},
};

/// It runs.
#[must_use]
pub fn started(at: Timestamp, job: JobId) -> ReportItem {
    ReportItem::JobStarted { job, at, command: "restic backup --json -- /srv".into() }
}

/// It said these lines.
#[must_use]
pub fn lines(at: Timestamp, job: JobId, numbers: RangeInclusive<u64>) -> ReportItem {
    let line =
        |sequence| LogLine { sequence, at, stream: LogStream::Stderr, text: format!("line {sequence}") };
    ReportItem::JobLog { job, lines: numbers.map(line).collect(), dropped: 0 }
}

/// It succeeded.
#[must_use]
pub fn ended(at: Timestamp, job: JobId) -> ReportItem {
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.exit_code = Some(0);
    end.statistics.bytes_processed = 4096;
    ReportItem::JobEnded { job, at, end }
}
