//! Jobs and their logs.

use http::Response;
use restic_manager_proto::{
    JobId, JobOptions, LogLine, Progress, Statistics,
    api::{Reference, jobs::Job},
    vocabulary::*,
};
use restic_manager_web::Body;
use std::time::Duration;

use super::{Fake, ago, group_id, id, job_id, now, text};

impl Fake {
    pub(crate) fn job(&self, state: JobState) -> Job {
        let mut progress = Progress::default();
        progress.fraction_done = Some(0.427);
        progress.seconds_elapsed = 192;
        progress.seconds_remaining = Some(258);
        progress.bytes_total = Some(52_613_349_376);
        progress.bytes_done = 22_465_900_183;
        progress.current_files = vec![self.name.clone()];
        let mut done = Statistics::default();
        done.snapshot = Some("9e8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a2f1e0d9c8b7a6f5e4d3c2b1a0f9e8d".to_owned());
        (done.files_new, done.files_changed, done.files_unmodified) = (1204, 17, 182_980);
        (done.bytes_processed, done.bytes_added, done.bytes_stored) =
            (52_613_349_376, 412_090_112, Some(180_355_072));
        (done.duration_milliseconds, done.cpu_milliseconds, done.peak_memory_bytes) =
            (312_000, Some(95_000), Some(312_475_648));
        let failed = state == JobState::Failed;
        Job {
            id: if state == JobState::Running { id(JobId::from_parts, 31) } else { job_id() },
            kind: JobKind::Backup,
            state,
            cause: if failed { Cause::WrongPassword } else { Cause::None },
            detail: if failed {
                format!("Fatal: wrong password or no key found {}", self.name)
            } else {
                String::new()
            },
            advice: if failed {
                "Set the password the repository was made with; schedules go on meanwhile.".to_owned()
            } else {
                String::new()
            },
            host: self.of_host(),
            repository: Some(self.of_repository()),
            source_group: Some(Reference { id: group_id(), name: "default".to_owned() }),
            options: JobOptions::default(),
            slots: None,
            queue_position: None,
            trigger: Trigger::Manual,
            requested_by: Some(self.name.clone()),
            created_at: ago(5800),
            dispatched_at: Some(ago(5799)),
            started_at: Some(ago(5798)),
            ended_at: state.is_end().then(|| ago(5486)),
            deadline_at: now().after(Duration::from_secs(80_000)),
            cancel_requested_at: None,
            waiting_for: if state == JobState::Queued {
                format!("another backup of {} runs", self.name)
            } else {
                String::new()
            },
            progress: (state == JobState::Running).then_some(progress),
            statistics: state.is_end().then_some(done),
            exit_code: state.is_end().then_some(if failed { 12 } else { 0 }),
            command: format!(
                "restic -r {} backup --tag default -- /etc /srv/www '{}'",
                self.location(),
                self.name
            ),
            log_lines: 6,
            log_lines_dropped: 2,
            log_forgotten: false,
        }
    }

    pub(super) fn log(&self) -> Response<Body> {
        let line =
            |sequence, stream, text: &str| LogLine { sequence, at: ago(5700), stream, text: text.to_owned() };
        let lines = [
            line(1, LogStream::Agent, "starting restic 0.18.0"),
            line(2, LogStream::Stdout, "open repository"),
            line(3, LogStream::Stdout, &self.name),
            line(4, LogStream::Stderr, "Fatal: wrong password or no key found"),
        ];
        text(&lines.iter().map(|line| serde_json::to_string(line).unwrap() + "\n").collect::<String>())
    }
}
