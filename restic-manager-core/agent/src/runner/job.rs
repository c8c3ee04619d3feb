//! One job, from its turn to its end.

use core::time::Duration;

use restic_manager_proto::{
    JobEnd, Progress, RepositorySecrets, SnapshotSeen, Statistics, Timestamp,
    agent::{JobOrder, ReportItem},
    vocabulary::{Cause, JobKind, JobState, RepositoryState},
};
use restic_manager_restic::{
    Capability, Cause as ResticCause, Event,
    command::{Backup, Cat, Command, CommandError, Connection, Filter, Init, Invocation, Snapshots},
    document,
    event::{BackupSummary, Failure, Phase, Snapshot, Status},
    process::{Options, Runner},
};

use crate::facts;

use super::{
    end,
    locks::Search,
    log::JobLog,
    queue::Shared,
    repository,
    restic::Ready,
    stage::{self, Ran},
    stop::StopSignal,
};

/// A repository that does not open within this time counts as unreachable; restic itself would try for 15 minutes.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a backup waits for somebody else's exclusive lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Longest listing of snapshots: some fifty thousand.
const LISTING_BYTES: usize = 64 * 1024 * 1024;
const CONFIG_BYTES: usize = 64 * 1024;
/// Snapshots in one part of a listing, which fits into a frame several times over.
const PART: usize = 250;
const PART_BYTES: usize = 128 * 1024;
/// Most text of one snapshot's paths, and of its tags.
const PATHS_BYTES: usize = 16 * 1024;
const FILE_NAME_BYTES: usize = 256;

pub(super) struct Job<'a> {
    pub(super) order: JobOrder,
    pub(super) log: JobLog,
    pub(super) stop: StopSignal,
    pub(super) shared: &'a Shared,
}

/// What a job works with once restic is there.
struct Means {
    restic: Ready,
    /// Without waiting for locks: for looking.
    look: Connection,
    /// For work.
    work: Connection,
}

impl Job<'_> {
    /// Runs the job and reports its end, unless the agent stops before its turn comes.
    pub(super) async fn run(mut self, secrets: RepositorySecrets) {
        let (job, shared) = (self.order.job, self.shared);
        let lane = shared.lane(self.order.repository.id);
        let turn = tokio::select! {
            biased;
            reason = self.stop.stopped() => Err(reason),
            turn = lane.lock() => Ok(turn),
        };
        let end = match turn {
            Ok(_turn) => self.work(secrets).await,
            Err(super::stop::StopReason::AgentStops) => {
                return shared.ledger.with(move |journal| journal.forget(job)).await;
            }
            Err(reason) => end::stopped(reason),
        };
        self.log.finish().await;
        shared.board.remove(job);
        tracing::info!(job.id = %job, state = %end.state, cause = %end.cause, "a job ended");
        shared.ledger.end(job, shared.clock.now(), end).await;
    }

    async fn work(&mut self, secrets: RepositorySecrets) -> JobEnd {
        let means = match self.means(secrets).await {
            Ok(means) => means,
            Err(end) => return *end,
        };
        let invocation = match self.main_command(&means) {
            Ok(invocation) => invocation,
            Err(error) => return end::refused(&error),
        };
        let now = self.shared.clock.now();
        self.shared.ledger.start(self.order.job, now, invocation.command_line()).await;
        tracing::info!(job.id = %self.order.job, kind = %self.order.kind, "a job starts");
        if let Err(end) = self.ensure(&means).await {
            return *end;
        }
        match self.order.kind {
            JobKind::Backup => self.back_up(&means, &invocation).await,
            JobKind::ListSnapshots => self.list_only(&means).await,
            _ => JobEnd::new(JobState::Succeeded, Cause::None),
        }
    }

    async fn means(&self, secrets: RepositorySecrets) -> Result<Means, Box<JobEnd>> {
        let restic = self.shared.restic.ready().await.map_err(|error| error.end())?;
        let location = &self.order.repository.location;
        let mut look =
            repository::connection(location, secrets, restic.environment.clone()).map_err(|error| {
                end::without_run(JobState::Failed, Cause::AgentRefused, &format!("could not {error}"))
            })?;
        let mut work = look.clone();
        look.no_lock = true;
        if restic.version.has(Capability::RetryLock) {
            work.retry_lock = Some(LOCK_PATIENCE);
        }
        Ok(Means { restic, look, work })
    }

    /// The command that the job is about.
    fn main_command(&self, means: &Means) -> Result<Invocation, CommandError> {
        let version = &means.restic.version;
        match (self.order.kind, &self.order.source) {
            (JobKind::Backup, Some(source)) => {
                let mut backup = Backup::paths(&source.includes);
                backup.host = Some(self.order.host_name.clone());
                backup.exclude.patterns.clone_from(&source.excludes);
                if !source.tag.is_empty() {
                    backup.tags.push(source.tag.clone());
                }
                backup.prepare(&means.work, version)
            }
            (JobKind::Backup, None) => {
                Err(CommandError::Missing { verb: "backup", what: "anything to save" })
            }
            (JobKind::ListSnapshots, _) => self.listing_command(means),
            (JobKind::CheckRepository, _) => Cat::Config.prepare(&means.look, version),
            _ => Err(CommandError::Invalid { what: "this kind of job", reason: "a newer agent knows it" }),
        }
    }

    fn listing_command(&self, means: &Means) -> Result<Invocation, CommandError> {
        let mut snapshots = Snapshots::new();
        snapshots.filter = Filter::all();
        snapshots.filter.hosts.push(self.order.host_name.clone());
        snapshots.prepare(&means.look, &means.restic.version)
    }

    /// Makes sure that the repository is there and opens, and reports what was found.
    async fn ensure(&mut self, means: &Means) -> Result<(), Box<JobEnd>> {
        let ran = self.look(means).await?;
        match repository::state(&ran) {
            None => Err(end::of_run(&ran).into()),
            Some(RepositoryState::Ready) => {
                self.report(RepositoryState::Ready, "it opens").await;
                Ok(())
            }
            Some(RepositoryState::Missing) if self.order.repository.initialise => {
                self.initialise(means).await
            }
            Some(state) => Err(self.fail(state, &ran).await),
        }
    }

    async fn look(&mut self, means: &Means) -> Result<Ran, Box<JobEnd>> {
        let invocation =
            Cat::Config.prepare(&means.look, &means.restic.version).map_err(|error| end::refused(&error))?;
        let mut options = Options::default();
        options.deadline = Some(OPEN_PATIENCE);
        let runner = means.restic.runner.clone().with_options(options);
        let ran = self.capture(&runner, &invocation, CONFIG_BYTES).await?;
        Ok(ran.1)
    }

    async fn initialise(&mut self, means: &Means) -> Result<(), Box<JobEnd>> {
        self.log.remark("there is no repository at this place; making one");
        let invocation =
            Init::new().prepare(&means.work, &means.restic.version).map_err(|error| end::refused(&error))?;
        let (_, made) = self.capture(&means.restic.runner, &invocation, CONFIG_BYTES).await?;
        if !made.succeeded() && made.finished.outcome.cause != ResticCause::RepositoryExists {
            return match repository::state(&made) {
                None => Err(end::of_run(&made).into()),
                Some(RepositoryState::Missing | RepositoryState::Ready) => {
                    Err(self.fail(RepositoryState::Failed, &made).await)
                }
                Some(state) => Err(self.fail(state, &made).await),
            };
        }
        // Only one that opens counts, whoever made it.
        let ran = self.look(means).await?;
        match repository::state(&ran) {
            None => Err(end::of_run(&ran).into()),
            Some(RepositoryState::Ready) => {
                self.log.remark("the repository was made");
                self.report(RepositoryState::Ready, "it was made and opens").await;
                Ok(())
            }
            Some(state) => Err(self.fail(state, &ran).await),
        }
    }

    async fn fail(&self, state: RepositoryState, ran: &Ran) -> Box<JobEnd> {
        for line in ran.finished.stderr.lines() {
            self.log.stderr(line);
        }
        let detail = end::detail(ran);
        self.report(state, &detail).await;
        end::of_repository(state, ran).into()
    }

    async fn report(&self, state: RepositoryState, detail: &str) {
        let item = ReportItem::RepositoryChecked {
            repository: self.order.repository.id,
            at: self.shared.clock.now(),
            state,
            detail: detail.to_owned(),
        };
        self.shared.ledger.append(vec![item]).await;
    }

    async fn back_up(&mut self, means: &Means, invocation: &Invocation) -> JobEnd {
        self.log.remark(&format!("restic {} backs up", means.restic.version));
        let since = self.shared.clock.now();
        let mut watcher = Watcher::new(self.order.job, &self.log, self.shared);
        let ran =
            match stage::watch(&means.restic.runner, invocation, &mut self.stop, |event| watcher.see(event))
                .await
            {
                Ok(ran) => ran,
                Err(error) => return end::not_started(&error),
            };
        let (summary, errors, missing) = (watcher.summary.take(), watcher.errors(), watcher.missing.take());
        let mut end = end::of_run(&ran);
        if end.lock_left {
            end.lock_left = self.own_lock_left(means, since).await;
        }
        if let (JobState::Succeeded, Some(line)) = (end.state, missing) {
            // restic before 0.19 is silent about it in its exit code.
            end.state = JobState::Incomplete;
            end.cause = Cause::SourceUnreadable;
            end.detail = line;
        }
        end.statistics =
            summary.map_or_else(Statistics::default, |summary| end::statistics(&summary, errors));
        end::note_resources(&mut end.statistics, &ran.finished.resources);
        if matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
            self.list_after(means, &mut end.statistics).await;
        }
        end
    }

    async fn own_lock_left(&self, means: &Means, since: Timestamp) -> bool {
        let hostname = facts::hostname();
        let search = Search {
            restic: &means.restic,
            connection: &means.look,
            hostname: &hostname,
            since,
            now: self.shared.clock.now(),
        };
        search.own_lock_left(&self.log).await
    }

    /// The listing after a backup: when it fails, the snapshot is there all the same.
    async fn list_after(&mut self, means: &Means, statistics: &mut Statistics) {
        match self.list(means).await {
            Ok(snapshots) => {
                statistics.snapshots_seen = Some(snapshots.len() as u64);
                // restic 0.14 tells eight characters of the id.
                let own = snapshots.iter().rev().map(|snapshot| &snapshot.id);
                let short = statistics.snapshot.take();
                let full =
                    short.as_ref().and_then(|short| own.clone().find(|id| id.starts_with(short)).cloned());
                statistics.snapshot = full.or(short);
            }
            Err(end) => {
                let why = if end.detail.is_empty() { end.cause.to_string() } else { end.detail };
                self.log
                    .remark(&format!("the snapshot was made, but the snapshots could not be listed: {why}"));
            }
        }
    }

    async fn list_only(&mut self, means: &Means) -> JobEnd {
        match self.list(means).await {
            Ok(snapshots) => {
                let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
                end.statistics.snapshots_seen = Some(snapshots.len() as u64);
                end
            }
            Err(end) => *end,
        }
    }

    /// Lists this host's snapshots and reports them.
    async fn list(&mut self, means: &Means) -> Result<Vec<SnapshotSeen>, Box<JobEnd>> {
        let invocation = self.listing_command(means).map_err(|error| end::refused(&error))?;
        let (output, ran) = self.capture(&means.restic.runner, &invocation, LISTING_BYTES).await?;
        let Some(output) = output else {
            let detail = "the listing of the snapshots is too long";
            return Err(end::without_run(JobState::Failed, Cause::Other, detail).into());
        };
        if !ran.succeeded() {
            return Err(end::of_run(&ran).into());
        }
        let listed: Vec<Snapshot> = document::parse(&output).map_err(|error| {
            end::without_run(JobState::Failed, Cause::Other, &format!("could not read the listing: {error}"))
        })?;
        let seen: Vec<_> = listed.into_iter().filter_map(seen).collect();
        let items = parts(&self.order, self.shared.clock.now(), &seen);
        self.shared.ledger.append(items).await;
        Ok(seen)
    }

    /// Runs a command that takes no lock, and keeps its output.
    async fn capture(
        &mut self,
        runner: &Runner,
        invocation: &Invocation,
        limit_bytes: usize,
    ) -> Result<(Option<Vec<u8>>, Ran), Box<JobEnd>> {
        let (output, mut ran) = stage::capture(runner, invocation, &mut self.stop, limit_bytes)
            .await
            .map_err(|error| end::not_started(&error))?;
        ran.finished.lock_may_remain = false;
        Ok((output, ran))
    }
}

/// Watches a backup's events: logs, progress, counts.
struct Watcher<'a> {
    job: restic_manager_proto::JobId,
    log: &'a JobLog,
    shared: &'a Shared,
    summary: Option<BackupSummary>,
    scan_errors: u64,
    archive_errors: u64,
    missing: Option<String>,
    missing_count: u64,
}

impl<'a> Watcher<'a> {
    fn new(job: restic_manager_proto::JobId, log: &'a JobLog, shared: &'a Shared) -> Self {
        Self {
            job,
            log,
            shared,
            summary: None,
            scan_errors: 0,
            archive_errors: 0,
            missing: None,
            missing_count: 0,
        }
    }

    fn see(&mut self, event: Event) {
        match event {
            Event::Status(status) => self.shared.board.set(self.job, progress(&status)),
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
        if text.ends_with("does not exist, skipping") {
            self.missing_count += 1;
            self.missing = Some(text.trim().to_owned());
        }
    }

    /// restic may report one file in both phases.
    fn errors(&self) -> u64 {
        self.scan_errors.max(self.archive_errors) + self.missing_count
    }
}

fn progress(status: &Status) -> Progress {
    let mut progress = Progress::default();
    let known = |total: u64| (total > 0).then_some(total);
    progress.fraction_done = known(status.total_bytes).map(|_| status.fraction());
    progress.seconds_elapsed = status.seconds_elapsed;
    progress.seconds_remaining = status.remaining().map(|remaining| remaining.as_secs());
    progress.files_total = known(status.total_files);
    progress.files_done = status.files_done;
    progress.bytes_total = known(status.total_bytes);
    progress.bytes_done = status.bytes_done;
    progress.errors = status.error_count;
    progress.current_files = status
        .current_files
        .iter()
        .take(4)
        .map(|file| file[..file.floor_char_boundary(FILE_NAME_BYTES)].to_owned())
        .collect();
    progress
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

fn seen(snapshot: Snapshot) -> Option<SnapshotSeen> {
    let milliseconds = i64::from(snapshot.time.nanoseconds() / 1_000_000);
    let time = snapshot.time.unix_seconds().saturating_mul(1000).saturating_add(milliseconds);
    let mut seen = SnapshotSeen::new(snapshot.id?, Timestamp::from_milliseconds(time));
    seen.parent = snapshot.parent;
    seen.hostname = snapshot.hostname;
    seen.username = snapshot.username;
    seen.paths = bounded(snapshot.paths);
    seen.tags = bounded(snapshot.tags);
    seen.program_version = snapshot.program_version;
    if let Some(summary) = snapshot.summary {
        seen.files = Some(summary.total_files_processed);
        seen.bytes = Some(summary.total_bytes_processed);
        seen.bytes_added = Some(summary.data_added);
    }
    Some(seen)
}

/// As many texts as fit; the last says how many more there are.
fn bounded(mut texts: Vec<String>) -> Vec<String> {
    let mut bytes = 0;
    let fit = texts.iter().take_while(|text| {
        bytes += text.len();
        bytes <= PATHS_BYTES
    });
    let (kept, all) = (fit.count(), texts.len());
    if kept < all {
        texts.truncate(kept);
        texts.push(format!("… {} more", all - kept));
    }
    texts
}

/// A listing as it is reported: at least one part, so that an empty listing is news too.
fn parts(order: &JobOrder, at: Timestamp, seen: &[SnapshotSeen]) -> Vec<ReportItem> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for snapshot in seen {
        let size = serde_json::to_vec(snapshot).map_or(0, |text| text.len());
        let part = parts.last().map_or(0, Vec::len);
        if part == PART || (part > 0 && bytes + size > PART_BYTES) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        parts.last_mut().expect("there is always a part").push(snapshot.clone());
    }
    let count = parts.len();
    (0_u32..)
        .zip(parts)
        .map(|(part, snapshots)| ReportItem::Snapshots {
            repository: order.repository.id,
            at,
            snapshots,
            part,
            last: part as usize + 1 == count,
        })
        .collect()
}
