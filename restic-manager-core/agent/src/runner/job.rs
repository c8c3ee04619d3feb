//! One job, from its turn to its end.

use core::{pin::Pin, time::Duration};
use std::sync::Arc;

use restic_manager_core::hook;
use restic_manager_proto::{
    Hooks, JobEnd, RepositorySecrets,
    agent::JobOrder,
    vocabulary::{Cause, JobKind, JobState},
};
use restic_manager_restic::command::{CommandError, Invocation};

use super::{
    backup, check, connection, deletion,
    end::{self, Ended},
    forget,
    hooks::Scripts,
    listing,
    log::JobLog,
    measure, opening,
    owed::OwedHook,
    preview, prune, restore,
    run::Run,
    shared::Shared,
    stop::{StopReason, StopSignal},
    unlock,
};
use crate::policy::{Action, Permit};

/// Most runs of one job, whatever its source group asks for.
const MOST_ATTEMPTS: u32 = 10;

type Running<'r> = Pin<Box<dyn Future<Output = Result<JobEnd, Ended>> + Send + 'r>>;

/// What a job of one kind does, once it has its turn and restic is there.
struct Kind {
    /// The command that it is shown as.
    command: fn(&Run<'_>) -> Result<Invocation, CommandError>,
    run: for<'r> fn(&'r mut Run<'_>) -> Running<'r>,
    /// Whether the repository is opened first, and made where that is asked for.
    opens: bool,
}

macro_rules! kind {
    ($module:ident) => {
        Kind { command: $module::command, run: |run| Box::pin($module::run(run)), opens: true }
    };
}

fn kind(kind: JobKind) -> Result<Kind, CommandError> {
    Ok(match kind {
        JobKind::Backup => kind!(backup),
        JobKind::Check => kind!(check),
        JobKind::CheckRepository => kind!(opening),
        JobKind::ConnectionTest => Kind { opens: false, ..kind!(connection) },
        JobKind::DeletionTest => kind!(deletion),
        JobKind::Forget => kind!(forget),
        JobKind::ListSnapshots => kind!(listing),
        JobKind::PreviewForget => kind!(preview),
        JobKind::Prune => kind!(prune),
        JobKind::Restore => kind!(restore),
        JobKind::Statistics => kind!(measure),
        JobKind::Unlock => kind!(unlock),
        _ => {
            return Err(CommandError::Invalid { what: "this kind of job", reason: "a newer agent knows it" });
        }
    })
}

/// A job and what it is run with.
pub(super) struct Job<'a> {
    order: JobOrder,
    /// What runs around it.
    hooks: Hooks,
    log: JobLog,
    stop: StopSignal,
    shared: &'a Shared,
    /// Whether its start was reported.
    started: bool,
}

impl<'a> Job<'a> {
    pub(super) fn new(order: JobOrder, hooks: Hooks, stop: StopSignal, shared: &'a Shared) -> Self {
        let log = JobLog::open(order.job, shared.ledger.clone(), Arc::clone(&shared.clock));
        Self { order, hooks, log, stop, shared, started: false }
    }

    /// Runs the job and reports its end, unless the agent stops before its turn comes.
    pub(super) async fn run(mut self, secrets: RepositorySecrets) {
        let (job, shared) = (self.order.job, self.shared);
        let end = match self.attempts(secrets).await {
            Ok(end) => end,
            Err(StopReason::AgentStops) if !self.started => {
                return shared
                    .ledger
                    .with(move |journal| journal.book_mut().lay_down(|which| which == job))
                    .await;
            }
            Err(reason) => end::stopped(reason),
        };
        self.log.finish().await;
        shared.progress.remove(job);
        tracing::info!(job.id = %job, state = %end.state, cause = %end.cause, "a job ended");
        shared.ledger.end(job, shared.clock.now(), end).await;
    }

    /// As many runs as it takes, and as its source group allows.
    async fn attempts(&mut self, secrets: RepositorySecrets) -> Result<JobEnd, StopReason> {
        let retry = self.order.source().and_then(|source| source.retry);
        let most = retry.map_or(1, |retry| retry.attempts.clamp(1, MOST_ATTEMPTS));
        let pause = Duration::from_secs(retry.map_or(0, |retry| retry.delay_seconds).into());
        let mut attempt = 1;
        loop {
            let end = self.attempt(secrets.clone()).await?;
            if attempt == most || !is_worth_another(&end) {
                return Ok(end);
            }
            attempt += 1;
            self.log.remark(&format!(
                "run {} failed ({}); run {attempt} of {most} follows in {} seconds",
                attempt - 1,
                end.cause,
                pause.as_secs()
            ));
            self.stop.or(tokio::time::sleep(pause)).await?;
        }
    }

    /// One run, once it is this job's turn to use the repository.
    async fn attempt(&mut self, secrets: RepositorySecrets) -> Result<JobEnd, StopReason> {
        let lane = self.shared.lane(self.order.repository.id);
        let _turn = self.stop.or(lane.lock()).await?;
        // Before anything runs, and before anybody is spoken to.
        let asked = self.shared.guard.permit(self.actions());
        let permit = match self.stop.or(asked).await? {
            Ok(permit) => permit,
            Err(refused) => return Ok(end::failed(Cause::AgentRefused, &refused.to_string()).into_end()),
        };
        if let Err(error) = self.shared.owed.note(&self.order, &self.hooks).await {
            return Ok(end::failed(Cause::Other, &format!("could not {error}")).into_end());
        }
        let mut end = self.carry_out(secrets, permit).await.unwrap_or_else(Ended::into_end);
        let Self { order, hooks, log, stop, shared, .. } = self;
        scripts(order, hooks, log, shared).after(stop, &mut end).await;
        shared.owed.settle(order.job).await;
        Ok(end)
    }

    async fn carry_out(&mut self, secrets: RepositorySecrets, permit: Permit) -> Result<JobEnd, Ended> {
        let Self { order, hooks, log, stop, shared, started } = self;
        let kind = kind(order.kind())?;
        let mut run = Run::prepare(order, log, stop, shared, secrets, permit).await?;
        let command = (kind.command)(&run)?.command_line();
        if !*started {
            shared.ledger.start(order.job, shared.clock.now(), command).await;
            *started = true;
            tracing::info!(job.id = %order.job, kind = %order.kind(), "a job starts");
        }
        if kind.opens {
            opening::ensure(&mut run).await?;
            run.clear_up().await;
        }
        scripts(order, hooks, log, shared).before(run.stop).await?;
        (kind.run)(&mut run).await
    }

    /// All that the job needs leave for.
    fn actions(&self) -> Vec<Action> {
        let paths = self.order.source().into_iter().flat_map(|source| source.includes.iter().cloned());
        let location = self.order.repository.location.clone();
        let command = self.order.source().and_then(|source| source.command.as_ref());
        let hooks = [&self.hooks.pre, &self.hooks.post].into_iter().flatten().map(hook::digest);
        let restored = self.order.restore().into_iter().flat_map(restore::written);
        core::iter::once(Action::UseRepository(location))
            .chain(paths.map(Action::BackUp))
            .chain(restored.map(Action::RestoreTo))
            .chain(command.map(hook::command_digest).into_iter().chain(hooks).map(Action::RunHook))
            .collect()
    }
}

fn scripts<'a>(order: &'a JobOrder, hooks: &'a Hooks, log: &'a JobLog, shared: &'a Shared) -> Scripts<'a> {
    let group_name = order.source().map_or("", |source| &source.name);
    Scripts { hooks, job: order.job, host_name: &order.host_name, group_name, restic: &shared.restic, log }
}

/// Runs the script that an earlier agent left owed, and writes into the job's log how that went.
pub(super) async fn settle(owed: &OwedHook, stop: &mut StopSignal, shared: &Shared) {
    let log = JobLog::reopen(owed.job, shared.ledger.clone(), Arc::clone(&shared.clock));
    let hooks = shared.owed.open_hooks(owed).unwrap_or_default();
    let digest = hooks.post.as_ref().map(hook::digest);
    match shared.guard.permit(digest.into_iter().map(Action::RunHook).collect()).await {
        Ok(_) if hooks.is_empty() => log.remark("the post-hook that is owed does not open, and did not run"),
        Ok(_) => {
            log.remark("the agent ended before the post-hook had run; it runs now");
            let mut end = JobEnd::new(JobState::Failed, Cause::AgentStopped);
            let OwedHook { job, host_name, group_name, .. } = owed;
            Scripts { hooks: &hooks, job: *job, host_name, group_name, restic: &shared.restic, log: &log }
                .after(stop, &mut end)
                .await;
        }
        Err(refused) => log.remark(&format!("the post-hook that is owed did not run: {refused}")),
    }
    log.finish().await;
    shared.owed.settle(owed.job).await;
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
            | Cause::ResticSilent
            | Cause::Other
    );
    end.state == JobState::Failed && may_pass
}
