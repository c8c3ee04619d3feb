//! What a restore says while it runs becomes log lines, progress and counts; and what they make of its end.

use restic_manager_proto::{
    JobEnd, JobId, Restored,
    vocabulary::{Cause, JobState},
};
use restic_manager_restic::{
    Event,
    event::{Failure, RestoreSummary, Status},
};

use super::{end, log::JobLog, progress::NewestProgress, watcher};

/// Watches all runs of one restore.
pub(super) struct Restoring<'a> {
    job: JobId,
    log: &'a JobLog,
    progress: &'a NewestProgress,
    /// How many runs there are, and how many are over.
    runs: (usize, usize),
    restored: Restored,
    /// The first thing that went wrong.
    first: Option<String>,
    disk_full: bool,
    /// Whether restic counted; before 0.16 it does not.
    counted: bool,
    /// Files that failed, and of them those whose owner alone did, before the run that is watched.
    earlier: (u64, u64),
}

impl<'a> Restoring<'a> {
    pub(super) fn new(job: JobId, log: &'a JobLog, progress: &'a NewestProgress, runs: usize) -> Self {
        let (restored, first) = (Restored::default(), None);
        Self {
            job,
            log,
            progress,
            runs: (runs, 0),
            restored,
            first,
            disk_full: false,
            counted: false,
            earlier: (0, 0),
        }
    }

    /// Notes the snapshot of what was there.
    pub(super) fn before(&mut self, snapshot: Option<String>) {
        self.restored.before = snapshot;
    }

    /// Takes note of an event.
    pub(super) fn see(&mut self, event: Event) {
        match event {
            Event::Status(status) => self.show(&status),
            Event::Failure(failure) => self.fail(&words(&failure)),
            Event::RestoreSummary(summary) => self.count(&summary),
            // restic before 0.17 tells failures in its own words.
            Event::Text { text, .. } if text.starts_with("ignoring error for ") => self.fail(&text),
            event => self.log.event(&event),
        }
    }

    fn show(&self, status: &Status) {
        let mut progress = watcher::progress(status);
        let (runs, over) = self.runs;
        progress.fraction_done =
            progress.fraction_done.map(|share| (over as f64 + share) / (runs.max(1) as f64));
        progress.errors = self.restored.files_failed;
        // restic guesses for one run.
        progress.seconds_remaining = progress.seconds_remaining.filter(|_| runs == 1);
        self.progress.set(self.job, progress);
    }

    fn fail(&mut self, text: &str) {
        self.restored.files_failed += 1;
        let lower = text.to_ascii_lowercase();
        self.restored.owners_failed += u64::from(is_owner(&lower));
        self.disk_full |= lower.contains("no space left on device") || lower.contains("quota exceeded");
        self.log.stderr(&format!("error: {text}"));
        self.first.get_or_insert_with(|| end::bounded(text));
    }

    fn count(&mut self, summary: &RestoreSummary) {
        self.counted = true;
        let restored = &mut self.restored;
        restored.files_total += summary.total_files;
        restored.bytes_total += summary.total_bytes;
        restored.files_written += summary.files_restored;
        restored.bytes_written += summary.bytes_restored;
        for (sum, more) in [
            (&mut restored.files_left, summary.files_skipped),
            (&mut restored.files_removed, summary.files_deleted),
        ] {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or_default() + more);
            }
        }
    }

    /// What a run comes to, once its failures are counted.
    pub(super) fn judge(&mut self, mut end: JobEnd) -> JobEnd {
        let failed = self.restored.files_failed - self.earlier.0;
        let owners = self.restored.owners_failed - self.earlier.1;
        self.earlier = (self.restored.files_failed, self.restored.owners_failed);
        self.runs.1 += 1;
        let written = self.restored.files_written.saturating_sub(self.restored.files_failed);
        (end.state, end.cause) = verdict((end.state, end.cause), failed, owners, self.disk_full, written > 0);
        end
    }

    /// How the job ends, by how its last run did: a run that failed is the last one.
    pub(super) fn end(self, mut end: JobEnd) -> JobEnd {
        let mut restored = self.restored;
        let failed = restored.files_failed.saturating_sub(restored.owners_failed);
        restored.files_written = restored.files_written.saturating_sub(failed);
        if end.state == JobState::Succeeded && self.counted && is_nothing(&restored) {
            (end.state, end.cause) = (JobState::Failed, Cause::NotInSnapshot);
        }
        if end.state == JobState::Succeeded && restored.files_failed > 0 {
            let all_owners = restored.files_failed == restored.owners_failed;
            (end.state, end.cause) = (
                JobState::Incomplete,
                if all_owners { Cause::OwnersNotSet } else { Cause::RestoreIncomplete },
            );
        }
        if let Some(first) =
            self.first.filter(|_| end.state != JobState::Succeeded && end.state != JobState::Cancelled)
        {
            end.detail = first;
        }
        self.log.remark(&format!(
            "{} of {} files restored, {} failed",
            restored.files_written, restored.files_total, restored.files_failed
        ));
        end.statistics.errors = restored.files_failed;
        end.statistics.restored = Some(restored);
        end
    }
}

/// Whether restic found nothing of what it was to restore.
fn is_nothing(restored: &Restored) -> bool {
    restored.files_total == 0 && restored.files_written == 0 && restored.files_left.unwrap_or_default() == 0
}

/// What restic's end of a run means once the failures in it are known.
fn verdict(
    (state, cause): (JobState, Cause),
    failed: u64,
    owners: u64,
    disk_full: bool,
    any_written: bool,
) -> (JobState, Cause) {
    match state {
        JobState::Cancelled => (state, cause),
        // Stopped for another reason than what it met.
        JobState::Failed if !matches!(cause, Cause::Other | Cause::OutOfSpace | Cause::PermissionDenied) => {
            (state, cause)
        }
        _ if failed == 0 => (state, cause),
        _ if disk_full => (JobState::Failed, Cause::OutOfSpace),
        _ if owners == failed => (JobState::Incomplete, Cause::OwnersNotSet),
        _ if any_written => (JobState::Incomplete, Cause::RestoreIncomplete),
        _ => (JobState::Failed, if cause == Cause::Other { Cause::RestoreIncomplete } else { cause }),
    }
}

/// Whether a failure is that a file could not be given to its owner.
fn is_owner(text: &str) -> bool {
    text.contains("chown") && (text.contains("operation not permitted") || text.contains("not owner"))
}

fn words(failure: &Failure) -> String {
    match failure.item.as_deref() {
        Some(item) if !item.is_empty() => format!("{}: {}", item.escape_debug(), failure.text()),
        _ => failure.text().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_comes_to() {
        let (good, bad) = ((JobState::Succeeded, Cause::None), (JobState::Failed, Cause::Other));
        let locked = (JobState::Failed, Cause::RepositoryLocked);
        let cancelled = (JobState::Cancelled, Cause::Cancelled);
        for ((end, failed, owners, full, written), expected) in [
            ((good, 0, 0, false, true), good),
            ((bad, 0, 0, false, false), bad),
            ((bad, 3, 3, false, true), (JobState::Incomplete, Cause::OwnersNotSet)),
            ((bad, 3, 1, false, true), (JobState::Incomplete, Cause::RestoreIncomplete)),
            ((bad, 3, 0, false, false), (JobState::Failed, Cause::RestoreIncomplete)),
            ((bad, 3, 0, true, true), (JobState::Failed, Cause::OutOfSpace)),
            ((locked, 1, 0, false, true), locked),
            ((cancelled, 9, 0, false, true), cancelled),
        ] {
            assert_eq!(verdict(end, failed, owners, full, written), expected, "{end:?} {failed} {owners}");
        }
    }

    #[test]
    fn owners_are_told_apart() {
        assert!(is_owner("/srv/a: lchown /srv/a: operation not permitted"));
        assert!(!is_owner("/srv/a: open /srv/a: operation not permitted"));
    }
}
