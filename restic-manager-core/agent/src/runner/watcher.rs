//! What a backup says while it runs becomes log lines, progress and counts.

use restic_manager_proto::{JobId, Progress, limits::PROGRESS_FILES};
use restic_manager_restic::{
    Event,
    event::{BackupSummary, Failure, Phase, Status},
};

use super::{log::JobLog, progress::NewestProgress};

/// A backup that has read nothing for so long is said not to move.
const STALL_SECONDS: u64 = 60;

/// Watches a backup's events: logs, progress, counts.
pub(super) struct Watcher<'a> {
    job: JobId,
    log: &'a JobLog,
    progress: &'a NewestProgress,
    /// What restic counted, once it has.
    pub(super) summary: Option<BackupSummary>,
    scan_errors: u64,
    archive_errors: u64,
    /// What restic said of a source that does not exist.
    pub(super) missing: Option<String>,
    missing_count: u64,
    stall: Stall,
}

/// Notices when a backup does not move.
#[derive(Default)]
struct Stall {
    done: (u64, u64),
    /// By restic's own clock.
    since_seconds: u64,
    was_said: bool,
}

impl Stall {
    /// What there is to say, once for each time.
    fn note(&mut self, status: &Status) -> Option<String> {
        let (done, now) = ((status.files_done, status.bytes_done), status.seconds_elapsed);
        let seconds = now.saturating_sub(self.since_seconds);
        if done != self.done {
            let was_said = core::mem::take(&mut self.was_said);
            (self.done, self.since_seconds) = (done, now);
            return was_said.then(|| format!("it goes on after {seconds} seconds"));
        }
        let is_new =
            seconds >= STALL_SECONDS && !core::mem::replace(&mut self.was_said, seconds >= STALL_SECONDS);
        is_new.then(|| {
            format!("no progress for {seconds} seconds: the storage or the source may not answer; restic waits for it")
        })
    }
}

impl<'a> Watcher<'a> {
    pub(super) fn new(job: JobId, log: &'a JobLog, progress: &'a NewestProgress) -> Self {
        Self {
            job,
            log,
            progress,
            summary: None,
            scan_errors: 0,
            archive_errors: 0,
            missing: None,
            missing_count: 0,
            stall: Stall::default(),
        }
    }

    /// Takes note of an event.
    pub(super) fn see(&mut self, event: Event) {
        match event {
            Event::Status(status) => {
                if let Some(remark) = self.stall.note(&status) {
                    self.log.remark(&remark);
                }
                self.progress.set(self.job, progress(&status));
            }
            Event::Failure(failure) => self.see_failure(&failure),
            Event::BackupSummary(summary) => {
                self.log.remark(&summary_line(&summary));
                self.summary = Some(summary);
            }
            Event::ExitError(error) => self.log.stderr(&error.message),
            Event::Text { text, .. } => self.see_text(&text),
            Event::Overlong { head, cut_bytes } => {
                self.log.stdout(&format!("{head}… ({cut_bytes} bytes more)"));
            }
            Event::Unrecognized { text } | Event::Document { json: text } => self.log.stdout(&text),
            _ => {}
        }
    }

    fn see_failure(&mut self, failure: &Failure) {
        match failure.during {
            Some(Phase::Scan) => self.scan_errors += 1,
            _ => self.archive_errors += 1,
        }
        let item = failure.item.as_deref().unwrap_or_default();
        self.log.stderr(&format!("error: {}: {}", item.escape_debug(), failure.text()));
    }

    fn see_text(&mut self, text: &str) {
        self.log.stderr(text);
        // What a command prints is not restic's word.
        if text.ends_with(" does not exist, skipping") && !text.starts_with("subprocess ") {
            self.missing_count += 1;
            self.missing = Some(text.trim().to_owned());
        }
    }

    /// Files that could not be read; restic may report one in both phases.
    pub(super) fn errors(&self) -> u64 {
        self.scan_errors.max(self.archive_errors) + self.missing_count
    }
}

pub(super) fn progress(status: &Status) -> Progress {
    let mut progress = Progress::default();
    let known = |total: u64| (total > 0).then_some(total);
    progress.fraction_done = known(status.total_bytes).map(|_| status.fraction());
    progress.seconds_elapsed = status.seconds_elapsed;
    progress.seconds_remaining = status.remaining().map(|remaining| remaining.as_secs());
    progress.files_total = known(status.total_files);
    progress.files_done = status.files_finished();
    progress.bytes_total = known(status.total_bytes);
    progress.bytes_done = status.bytes_finished();
    progress.errors = status.error_count;
    progress.current_files = status.current_files.iter().take(PROGRESS_FILES).cloned().collect();
    progress.bounded()
}

fn summary_line(summary: &BackupSummary) -> String {
    let snapshot = summary.snapshot_id.as_deref().unwrap_or_default();
    format!(
        "snapshot {} saved: {} new, {} changed, {} unmodified files, {} bytes read, {} bytes added",
        &snapshot[..snapshot.floor_char_boundary(8)],
        summary.files_new,
        summary.files_changed,
        summary.files_unmodified,
        summary.total_bytes_processed,
        summary.data_added,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_that_does_not_move_is_told_once_and_when_it_goes_on() {
        let mut stall = Stall::default();
        let mut note = |seconds: u64, bytes: u64| {
            let json = format!("{{\"percent_done\":0,\"seconds_elapsed\":{seconds},\"bytes_done\":{bytes}}}");
            stall.note(&serde_json::from_str(&json).expect("a status"))
        };
        assert_eq!((note(10, 5), note(60, 5), note(69, 5)), (None, None, None));
        assert!(note(70, 5).expect("it stands still").starts_with("no progress for 60 seconds"));
        assert_eq!(note(200, 5), None);
        assert_eq!(note(201, 6).as_deref(), Some("it goes on after 191 seconds"));
        assert_eq!(note(230, 6), None);
    }
}
