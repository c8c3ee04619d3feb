//! One job, from its turn to its end.

use core::time::Duration;

use restic_manager_core::hook;
use restic_manager_proto::{
    Bandwidth, Hooks, JobEnd, RepositorySecrets, SnapshotSeen, Statistics, Timestamp,
    agent::{JobOrder, ReportItem, SourceOrder},
    policy::HostPolicy,
    vocabulary::{Cause, JobKind, JobState, RepositoryState},
};
use restic_manager_restic::{
    Capability, Cause as ResticCause,
    command::{
        Backup, Cat, Command, CommandError, Connection, Filter, GroupBy, Init, Invocation, Parent, Snapshots,
        Source,
    },
    document,
    event::Snapshot,
    process::{Options, Runner},
};

use crate::{facts, policy::Wanted};

use super::{
    end, listing,
    locks::{Search, Sweep, Window},
    log::JobLog,
    queue::Shared,
    repository,
    restic::Ready,
    stage::{self, Ran},
    stop::{StopReason, StopSignal},
    watcher::Watcher,
};

/// A repository that does not open within this time counts as unreachable; restic itself would try for 15 minutes.
const OPEN_PATIENCE: Duration = Duration::from_secs(30);
/// How long a backup waits for somebody else's exclusive lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// Longest listing of snapshots: some fifty thousand.
const LISTING_BYTES: usize = 64 * 1024 * 1024;
const CONFIG_BYTES: usize = 64 * 1024;
/// Most runs of one job, whatever its source group asks for.
const MOST_ATTEMPTS: u32 = 10;

/// A job and what it is run with.
pub(super) struct Job<'a> {
    pub(super) order: JobOrder,
    /// What runs around it.
    pub(super) hooks: Hooks,
    pub(super) log: JobLog,
    pub(super) stop: StopSignal,
    pub(super) shared: &'a Shared,
    /// Whether its start was reported.
    pub(super) started: bool,
}

/// What a job works with once restic is there.
pub(super) struct Means {
    pub(super) restic: Ready,
    /// Without waiting for locks: for looking.
    pub(super) look: Connection,
    /// For work.
    pub(super) work: Connection,
}

impl Job<'_> {
    /// Runs the job and reports its end, unless the agent stops before its turn comes.
    pub(super) async fn run(mut self, secrets: RepositorySecrets) {
        let (job, shared) = (self.order.job, self.shared);
        let retry = self.order.source.as_ref().and_then(|source| source.retry);
        let attempts = retry.map_or(1, |retry| retry.attempts.clamp(1, MOST_ATTEMPTS));
        let mut attempt = 1;
        let end = loop {
            let end = match self.attempt(secrets.clone()).await {
                Ok(end) => end,
                Err(StopReason::AgentStops) if !self.started => {
                    return shared
                        .ledger
                        .with(move |journal| journal.book_mut().lay_down(|which| which == job))
                        .await;
                }
                Err(reason) => end::stopped(reason),
            };
            if attempt == attempts || !is_worth_another(&end) {
                break end;
            }
            attempt += 1;
            let pause = Duration::from_secs(retry.map_or(0, |retry| retry.delay_seconds).into());
            self.log.remark(&format!(
                "run {} failed ({}); run {attempt} of {attempts} follows in {} seconds",
                attempt - 1,
                end.cause,
                pause.as_secs()
            ));
            tokio::select! {
                biased;
                reason = self.stop.stopped() => break end::stopped(reason),
                () = tokio::time::sleep(pause) => {}
            }
        };
        self.log.finish().await;
        shared.board.remove(job);
        tracing::info!(job.id = %job, state = %end.state, cause = %end.cause, "a job ended");
        shared.ledger.end(job, shared.clock.now(), end).await;
    }

    /// One run, once it is this job's turn to use the repository.
    async fn attempt(&mut self, secrets: RepositorySecrets) -> Result<JobEnd, StopReason> {
        let lane = self.shared.lane(self.order.repository.id);
        let _turn = tokio::select! {
            biased;
            reason = self.stop.stopped() => return Err(reason),
            turn = lane.lock() => turn,
        };
        Ok(self.work(secrets).await)
    }

    async fn work(&mut self, secrets: RepositorySecrets) -> JobEnd {
        // Before anything runs, and before anybody is spoken to.
        let rules = match self.shared.guard.permit(self.acts()).await {
            Ok(rules) => rules,
            Err(refused) => {
                let detail = refused.to_string();
                return end::without_run(JobState::Failed, Cause::AgentRefused, &detail);
            }
        };
        let mut end = self.carry_out(secrets, &rules).await;
        self.run_post_hook(&mut end).await;
        end
    }

    async fn carry_out(&mut self, secrets: RepositorySecrets, rules: &HostPolicy) -> JobEnd {
        let means = match self.means(secrets, rules).await {
            Ok(means) => means,
            Err(end) => return *end,
        };
        let invocation = match self.main_command(&means) {
            Ok(invocation) => invocation,
            Err(error) => return end::refused(&error),
        };
        if !self.started {
            let now = self.shared.clock.now();
            self.shared.ledger.start(self.order.job, now, invocation.command_line()).await;
            self.started = true;
            tracing::info!(job.id = %self.order.job, kind = %self.order.kind, "a job starts");
        }
        if self.order.kind == JobKind::ConnectionTest {
            return self.test_connection(&means).await;
        }
        if let Err(end) = self.ensure(&means).await {
            return *end;
        }
        if let Err(end) = self.run_pre_hook().await {
            return *end;
        }
        match self.order.kind {
            JobKind::Backup => self.back_up(&means, invocation).await,
            JobKind::ListSnapshots => self.list_only(&means).await,
            kind if kind.is_upkeep() => self.keep_up(&means, &invocation).await,
            _ => JobEnd::new(JobState::Succeeded, Cause::None),
        }
    }

    /// All that the job needs leave for.
    fn acts(&self) -> Vec<Wanted> {
        let paths = self.order.source.iter().flat_map(|source| source.includes.iter().cloned());
        let location = self.order.repository.location.clone();
        let command = self.order.source.as_ref().and_then(|source| source.command.as_ref());
        let hooks = [&self.hooks.pre, &self.hooks.post].into_iter().flatten().map(hook::digest);
        core::iter::once(Wanted::UseRepository(location))
            .chain(paths.map(Wanted::BackUp))
            .chain(command.map(hook::command_digest).into_iter().chain(hooks).map(Wanted::RunHook))
            .collect()
    }

    async fn means(&self, secrets: RepositorySecrets, rules: &HostPolicy) -> Result<Means, Box<JobEnd>> {
        let restic = self.shared.restic.ready().await.map_err(|error| error.end())?;
        let location = &self.order.repository.location;
        let mut look =
            repository::connection(location, secrets, restic.environment.clone()).map_err(|error| {
                end::without_run(JobState::Failed, Cause::AgentRefused, &format!("could not {error}"))
            })?;
        let Bandwidth { upload_kib, download_kib } = self.order.bandwidth.slower(rules.bandwidth());
        (look.limit_upload_kib, look.limit_download_kib) = (upload_kib, download_kib);
        let mut work = look.clone();
        look.no_lock = true;
        // Upkeep waits by itself, so that the log says for whom.
        if restic.version.has(Capability::RetryLock) && !self.order.kind.is_upkeep() {
            work.retry_lock = Some(LOCK_PATIENCE);
        }
        Ok(Means { restic, look, work })
    }

    /// The command that the job is about.
    fn main_command(&self, means: &Means) -> Result<Invocation, CommandError> {
        let version = &means.restic.version;
        match (self.order.kind, &self.order.source) {
            (JobKind::Backup, Some(source)) => {
                let known = self.shared.parent(self.order.repository.id, &source.tag);
                self.backup_command(means, source, known.or_else(|| source.parent.clone()))
            }
            (JobKind::Backup, None) => {
                Err(CommandError::Missing { verb: "backup", what: "anything to save" })
            }
            (JobKind::ListSnapshots, _) => self.listing_command(means),
            (JobKind::CheckRepository | JobKind::ConnectionTest, _) => {
                Cat::Config.prepare(&means.look, version)
            }
            (kind, _) if kind.is_upkeep() => self.upkeep_command(means),
            _ => Err(CommandError::Invalid { what: "this kind of job", reason: "a newer agent knows it" }),
        }
    }

    fn backup_command(
        &self,
        means: &Means,
        source: &SourceOrder,
        parent: Option<String>,
    ) -> Result<Invocation, CommandError> {
        let version = &means.restic.version;
        let mut backup = match &source.command {
            Some(command) => Backup::new(Source::Program {
                command: hook::command_line(command).into_iter().map(Into::into).collect(),
                filename: command.file_name.clone(),
            }),
            None => Backup::paths(&source.includes),
        };
        backup.one_file_system = source.one_file_system;
        backup.exclude_caches = source.exclude_caches;
        backup.host = Some(self.order.host_name.clone());
        backup.exclude.patterns.clone_from(&source.excludes);
        if !source.tag.is_empty() {
            backup.tags.push(source.tag.clone());
        }
        // By itself restic looks for one with the same paths, so that every change of them reads everything anew.
        match parent {
            // What a command prints is always read whole.
            _ if source.command.is_some() => {}
            Some(id) => backup.parent = Parent::Id(id),
            None if version.has(Capability::BackupGroupBy) => backup.group_by = Some(host_and_tags()),
            None => {}
        }
        backup.prepare(&means.work, version)
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
            // Upkeep may come with another credential, which says nothing about the everyday one.
            Some(RepositoryState::Ready) if self.order.kind.is_upkeep() => Ok(()),
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

    /// Looks, makes nothing, and tells nobody but the job: what is tried may be nobody's repository yet.
    async fn test_connection(&mut self, means: &Means) -> JobEnd {
        let ran = match self.look(means).await {
            Ok(ran) => ran,
            Err(end) => return *end,
        };
        ran.finished.stderr.lines().for_each(|line| self.log.stderr(line));
        match repository::state(&ran) {
            None => end::of_run(&ran),
            Some(RepositoryState::Ready) => {
                let detail = "the repository opens with this password";
                end::without_run(JobState::Succeeded, Cause::None, detail)
            }
            Some(state) => end::of_repository(state, &ran),
        }
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
        if !self.order.kind.is_upkeep() {
            self.report(state, &detail).await;
        }
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

    async fn back_up(&mut self, means: &Means, mut invocation: Invocation) -> JobEnd {
        self.log.remark(&format!("restic {} backs up", means.restic.version));
        let since = self.shared.clock.now();
        let mut watcher = Watcher::new(self.order.job, &self.log, &self.shared.board);
        let mut tried_again = false;
        let ran = loop {
            let runner = &means.restic.runner;
            let ran = stage::watch(runner, &invocation, &mut self.stop, |event| watcher.see(event)).await;
            let ran = match ran {
                Ok(ran) => ran,
                Err(error) => return end::not_started(&error),
            };
            let remedied = if tried_again { None } else { self.remedy(means, &ran, &invocation).await };
            let Some(remedied) = remedied else { break ran };
            (tried_again, invocation) = (true, remedied);
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
        if self.order.source.as_ref().is_some_and(|source| source.command.is_some()) {
            end = end::of_command(end);
        }
        end.statistics =
            summary.map_or_else(Statistics::default, |summary| end::statistics(&summary, errors));
        end::note_resources(&mut end.statistics, &ran.finished.resources);
        if matches!(end.state, JobState::Succeeded | JobState::Incomplete) {
            self.list_after(means, &mut end.statistics).await;
        }
        end
    }

    /// What makes a backup worth a second try: a parent that is gone, which only costs time, or a lock that a dead
    /// process of this host has left. `None` when nothing does.
    async fn remedy(&self, means: &Means, ran: &Ran, invocation: &Invocation) -> Option<Invocation> {
        if ran.stopped.is_some() {
            return None;
        }
        let outcome = &ran.finished.outcome;
        let cannot_load = |message: &String| message.contains("failed to load snapshot");
        match outcome.cause {
            cause
                if cause == ResticCause::SnapshotMissing
                    || outcome.message.as_ref().is_some_and(cannot_load) =>
            {
                let source = self.order.source.as_ref()?;
                self.log.remark("the snapshot to compare with is gone; restic looks for another one");
                self.backup_command(means, source, None).ok()
            }
            ResticCause::Locked => (self.sweep(means).await.removed > 0).then(|| invocation.clone()),
            _ => None,
        }
    }

    pub(super) async fn own_lock_left(&self, means: &Means, since: Timestamp) -> bool {
        let until = self.shared.clock.now();
        self.search(means, Some(Window { since, until })).await.sweep(&self.log).await.own_left
    }

    /// Removes locks that dead processes of this host have left, whenever that was.
    pub(super) async fn sweep(&self, means: &Means) -> Sweep {
        let interrupted = self.shared.ledger.interrupted(self.order.repository.id).await;
        self.search(means, interrupted).await.and_abandoned().sweep(&self.log).await
    }

    async fn search<'s>(&self, means: &'s Means, window: Option<Window>) -> Search<'s> {
        let now = self.shared.clock.now();
        Search::new(&means.restic, &means.look, facts::hostname(), window, now)
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
        // What is made while restic lists is not gone because it is not listed.
        let at = self.shared.clock.now();
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
        let seen: Vec<_> = listed.into_iter().filter_map(listing::seen).collect();
        self.shared.remember_parents(self.order.repository.id, &seen);
        let items = listing::parts(self.order.repository.id, at, &seen);
        self.shared.ledger.append(items).await;
        Ok(seen)
    }

    /// Runs a command that takes no lock, and keeps its output.
    pub(super) async fn capture(
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

/// By host and tags: changed sources stay in the same group.
pub(super) fn host_and_tags() -> GroupBy {
    let mut group_by = GroupBy::host();
    group_by.tags = true;
    group_by
}

/// Whether a failure may be gone in a while. What a person must mend is not tried again.
fn is_worth_another(end: &JobEnd) -> bool {
    let may_pass = matches!(
        end.cause,
        Cause::Unreachable
            | Cause::RepositoryLocked
            | Cause::OutOfSpace
            | Cause::Killed
            | Cause::HookFailed
            | Cause::CommandFailed
            | Cause::Other
    );
    end.state == JobState::Failed && may_pass
}
