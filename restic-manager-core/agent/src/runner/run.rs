//! What a job works with once restic is there, and its ways of running it.

use core::time::Duration;

use restic_manager_proto::{
    Bandwidth, JobEnd, LockSeen, RepositorySecrets, Timestamp,
    agent::{JobOrder, ReportItem},
    vocabulary::Cause,
};
use restic_manager_restic::{
    Capability, Cause as ResticCause, Event,
    command::{Command, CommandError, Connection, Invocation},
    document,
    process::{Input, Resources},
};
use serde::de::DeserializeOwned;

use super::{
    end::{self, Ended},
    locks::{self, Known, Search, Sweep},
    log::JobLog,
    repository,
    restic::Ready,
    shared::Shared,
    stage::{Ran, Stage},
    stop::{StopReason, StopSignal, budget},
};
use crate::{
    facts,
    policy::Permit,
    state::{PastRun, Window},
};

/// How long a backup waits for somebody else's exclusive lock.
const BACKUP_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long upkeep waits for somebody else's lock. Whatever made it comes again by itself.
const UPKEEP_PATIENCE: Duration = Duration::from_secs(2 * 60);
const LOCK_INTERVAL: Duration = Duration::from_secs(10);
/// Longest output that is kept: a listing of some fifty thousand snapshots.
const OUTPUT_BYTES: usize = 64 * 1024 * 1024;

pub(super) struct Run<'a> {
    pub(super) order: &'a JobOrder,
    pub(super) log: &'a JobLog,
    pub(super) stop: &'a mut StopSignal,
    pub(super) shared: &'a Shared,
    /// What is left out of every backup.
    pub(super) spared: Vec<String>,
    pub(super) restic: Ready,
    /// Without waiting for locks: for looking.
    look: Connection,
    /// For work.
    work: Connection,
    /// The locks that upkeep met until it gave up.
    met: Option<Vec<LockSeen>>,
}

impl<'a> Run<'a> {
    /// Finds restic, and joins location, secrets and limits.
    pub(super) async fn prepare(
        order: &'a JobOrder,
        log: &'a JobLog,
        stop: &'a mut StopSignal,
        shared: &'a Shared,
        secrets: RepositorySecrets,
        permit: Permit,
    ) -> Result<Self, Ended> {
        let restic = stop.or(shared.restic.ready()).await?.map_err(|error| error.end())?;
        let location = &order.repository.location;
        let mut look = repository::connection(location, secrets, restic.environment.clone())
            .map_err(|error| end::failed(Cause::AgentRefused, &format!("could not {error}")))?;
        let Bandwidth { upload_kib, download_kib } = order.bandwidth.slower(permit.rules.bandwidth());
        (look.limit_upload_kib, look.limit_download_kib) = (upload_kib, download_kib);
        let mut work = look.clone();
        look.no_lock = true;
        // Upkeep waits by itself, so that the log says for whom.
        if restic.version.has(Capability::RetryLock) && !order.kind().is_upkeep() {
            work.retry_lock = Some(BACKUP_PATIENCE);
        }
        Ok(Self { order, log, stop, shared, spared: permit.spared, restic, look, work, met: None })
    }

    /// Without waiting for locks, and without taking one.
    pub(super) const fn look(&self) -> &Connection {
        &self.look
    }

    /// A command that only looks, and takes no lock.
    pub(super) fn looking(&self, command: &impl Command) -> Result<Invocation, CommandError> {
        command.prepare(&self.look, &self.restic.version)
    }

    /// A command that changes the repository, or must not meet a change of it.
    pub(super) fn working(&self, command: &impl Command) -> Result<Invocation, CommandError> {
        command.prepare(&self.work, &self.restic.version)
    }

    /// Runs a command with something on its standard input, and shows each event to `see`.
    pub(super) async fn watch(
        &mut self,
        invocation: &Invocation,
        input: Input,
        see: impl FnMut(Event),
    ) -> Result<Ran, Ended> {
        self.go_on()?;
        let stage = Stage { runner: &self.restic.runner, stop: self.stop, log: self.log };
        Ok(stage.watch(invocation, input, see).await?)
    }

    /// Runs a command that takes no lock, and keeps its output unless it is too long.
    pub(super) async fn capture(&mut self, invocation: &Invocation) -> Result<(Option<Vec<u8>>, Ran), Ended> {
        self.capture_within(invocation, None).await
    }

    /// The same, for so long at most.
    pub(super) async fn capture_within(
        &mut self,
        invocation: &Invocation,
        deadline: Option<Duration>,
    ) -> Result<(Option<Vec<u8>>, Ran), Ended> {
        self.go_on()?;
        let mut runner = self.restic.runner.clone();
        runner.options.deadline = deadline;
        let stage = Stage { runner: &runner, stop: self.stop, log: self.log };
        let (output, mut ran) = stage.capture(invocation, OUTPUT_BYTES).await?;
        ran.finished.lock_may_remain = false;
        Ok((output, ran))
    }

    /// Nothing is begun once the job is to stop: a stop waits for one run of restic at the most.
    fn go_on(&self) -> Result<(), Ended> {
        self.stop.asked().map_or(Ok(()), |reason| Err(reason.into()))
    }

    /// What a command prints that takes no lock.
    pub(super) async fn output(&mut self, invocation: &Invocation, what: &str) -> Result<Vec<u8>, Ended> {
        let (output, ran) = self.capture(invocation).await?;
        match output {
            _ if !ran.succeeded() => Err(end::of_run(&ran).into()),
            None => Err(end::failed(Cause::Other, &format!("{what} is too long"))),
            Some(output) => Ok(output),
        }
    }

    /// The document that such a command prints.
    pub(super) async fn document<T: DeserializeOwned + Send + 'static>(
        &mut self,
        invocation: &Invocation,
        what: &str,
    ) -> Result<T, Ended> {
        let output = self.output(invocation, what).await?;
        read(output, what).await
    }

    /// Runs a command that needs the repository for itself, and logs what it says.
    pub(super) async fn alone(&mut self, invocation: &Invocation) -> Result<Ran, Ended> {
        self.alone_seeing(invocation, |_| {}).await
    }

    /// The same, and shows each event to `see` as well. A lock that a dead process of this host has left is removed;
    /// any other is waited for and never touched, and in the end the run comes back that met it.
    pub(super) async fn alone_seeing(
        &mut self,
        invocation: &Invocation,
        mut see: impl FnMut(&Event),
    ) -> Result<Ran, Ended> {
        let (mut waited, mut swept) = (Duration::ZERO, false);
        loop {
            let log = self.log;
            let ran = self.watch(invocation, Input::Null, |event| {
                log.event(&event);
                see(&event);
            });
            let ran = ran.await?;
            if ran.finished.outcome.cause != ResticCause::Locked || ran.stopped.is_some() {
                return Ok(ran);
            }
            if !swept && self.sweep().await.removed > 0 {
                swept = true;
                continue;
            }
            if waited >= UPKEEP_PATIENCE {
                self.met = self.sweep().await.left;
                return Ok(ran);
            }
            if waited.is_zero() {
                self.log.remark(&format!("the repository is locked {}; waiting", end::holder(&ran)));
            }
            waited += LOCK_INTERVAL;
            self.stop.or(tokio::time::sleep(LOCK_INTERVAL)).await?;
        }
    }

    /// Removes locks that dead processes of this host have left, whenever that was.
    pub(super) async fn sweep(&self) -> Sweep {
        self.sweep_asked(&[]).await
    }

    /// The same with locks that somebody has looked at, whoever made them.
    pub(super) async fn sweep_asked(&self, asked: &[String]) -> Sweep {
        let repository = self.order.repository.id;
        let interrupted = self.shared.ledger.interrupted(repository).await;
        let earlier = interrupted.map(|window| PastRun { window, process: None });
        let runs = self.shared.past_runs(repository).into_iter().chain(earlier).collect();
        let known = Known { runs, abandoned: true, ..self.known() };
        let search = self.search(known, self.stop.within(locks::PATIENCE));
        let sweep = Search { asked, ..search }.sweep().await;
        if !sweep.own_left {
            self.shared.note_swept(repository);
        }
        sweep
    }

    /// After an agent that did not end its jobs: what they locked is looked for before anything else is done there, because
    /// a backup works beside such a lock, and upkeep on another host does not.
    pub(super) async fn clear_up(&self) {
        let repository = self.order.repository.id;
        if self.shared.is_unlooked(repository) && self.shared.ledger.interrupted(repository).await.is_some() {
            self.sweep().await;
        }
    }

    /// How a run ended the job, with what it used, and whether it left a lock.
    pub(super) async fn end_of(&self, ran: &Ran) -> JobEnd {
        let mut end = end::of_run(ran);
        if end.lock_left {
            let known = self.known();
            let window = Window { since: self.since(&ran.finished.resources), until: known.now };
            let this = PastRun { window, process: Some(ran.process) };
            let known = Known { runs: vec![this], ..known };
            let limit =
                if ran.stopped == Some(StopReason::AgentStops) { budget::LOCKS } else { locks::PATIENCE };
            end.lock_left = self.search(known, StopSignal::after(limit)).sweep().await.own_left;
            if end.lock_left {
                self.shared.remember_run(self.order.repository.id, this);
            }
        }
        if let (Cause::RepositoryLocked, Some(met)) = (end.cause, &self.met) {
            end.statistics.locks_left = Some(met.len() as u64);
            end.statistics.locks.clone_from(met);
        }
        end
    }

    fn search(&self, known: Known, stop: StopSignal) -> Search<'_> {
        Search { restic: &self.restic, connection: &self.look, log: self.log, known, asked: &[], stop }
    }

    fn known(&self) -> Known {
        let (hostname, now) = (facts::hostname(), self.shared.clock.now());
        Known { hostname, booted: facts::booted(), runs: Vec::new(), abandoned: false, now }
    }

    /// A run after which more is to be done: one that was stopped ends the job instead.
    pub(super) async fn unless_stopped(&self, ran: Ran) -> Result<Ran, Ended> {
        let Some(reason) = ran.stopped else { return Ok(ran) };
        let mut end = end::stopped(reason);
        end.lock_left = self.end_of(&ran).await.lock_left;
        Err(end.into())
    }

    /// When a run that is over began.
    fn since(&self, resources: &Resources) -> Timestamp {
        self.shared.clock.now().before(resources.elapsed + Duration::from_secs(1))
    }

    pub(super) async fn report(&self, items: Vec<ReportItem>) {
        if !items.is_empty() {
            self.shared.ledger.append(items).await;
        }
    }
}

/// A document, which may be long, read beside the runtime's thread.
pub(super) async fn read<T: DeserializeOwned + Send + 'static>(
    output: Vec<u8>,
    what: &str,
) -> Result<T, Ended> {
    let parsed = tokio::task::spawn_blocking(move || document::parse(&output)).await;
    match parsed {
        Ok(parsed) => parsed.map_err(|error| end::unreadable(what, &error)),
        Err(error) => Err(end::unreadable(what, &error)),
    }
}
