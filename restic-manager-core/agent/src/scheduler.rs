//! The planner at work: wakes it when it wants to look, or when something changed, and starts what it says.

use core::time::Duration;
use std::sync::Arc;

use restic_manager_core::clock::Clock;
use restic_manager_proto::{
    Hooks, JobEnd,
    agent::{ErrorCode, JobOrder, Reply},
    vocabulary::{Cause, JobState},
};
use tokio::time::Instant;

use crate::{
    configuration::CurrentConfiguration,
    ledger::Ledger,
    planner::{Moment, Planner, Tick},
    runner::{JobSecrets, Runner},
    status::ConnectionStatus,
    vault::Vault,
};

/// After the disk refused, the planner looks again so soon.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Fires slots for as long as the agent works.
#[derive(Debug)]
pub(crate) struct Scheduler {
    pub(crate) planner: Planner,
    pub(crate) configuration: CurrentConfiguration,
    pub(crate) ledger: Ledger,
    pub(crate) runner: Runner,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) status: ConnectionStatus,
}

impl Scheduler {
    /// Looks again and again; never ends.
    pub(crate) async fn run(self) {
        let Self { mut planner, configuration, ledger, runner, vault, clock, status } = self;
        let (mut changes, mut connection) = (configuration.watch(), status.watch());
        let begun = Instant::now();
        let mut complained = false;
        loop {
            let current = changes.borrow_and_update().clone();
            connection.borrow_and_update();
            let at =
                Moment { now: clock.now(), elapsed: begun.elapsed(), is_connected: status.is_connected() };
            let (looked, back) = ledger
                .with(move |journal| {
                    let looked = journal.commit(|book| planner.tick(at, current.as_deref(), book));
                    (looked, planner)
                })
                .await;
            planner = back;
            let tick = looked.unwrap_or_else(|error| {
                if !complained {
                    tracing::error!("could not {error}; no slot is fired until that works");
                }
                complained = true;
                Tick { start: Vec::new(), nap: AFTER_FAILURE }
            });
            complained &= tick.nap == AFTER_FAILURE;
            for order in tick.start {
                start(&runner, &ledger, &vault, &*clock, order).await;
            }
            tokio::select! {
                _ = changes.changed() => {}
                _ = connection.changed() => {}
                () = tokio::time::sleep(tick.nap) => {}
            }
        }
    }
}

/// Starts a job without the server; one that cannot be started ends with the reason.
async fn start(runner: &Runner, ledger: &Ledger, vault: &Vault, clock: &dyn Clock, order: JobOrder) {
    let (job, repository, source) = (order.job, order.repository.clone(), order.source().cloned());
    tracing::info!(job.id = %job, "the server is away; a job starts without it");
    let open = || {
        let hooks = source.and_then(|source| Some((source.group, source.hooks?)));
        Some(JobSecrets {
            repository: vault.open_secrets(repository.id, &repository.secrets)?,
            hooks: hooks
                .map_or(Some(Hooks::default()), |(group, sealed)| vault.open_hooks(group, &sealed))?,
        })
    };
    let Reply::Error { code, message } = runner.start(order, open).await else {
        return;
    };
    let cause = match code {
        ErrorCode::SecretUnreadable => Cause::SecretUnreadable,
        ErrorCode::Invalid | ErrorCode::Forbidden => Cause::AgentRefused,
        // The agent stops, or is busy: it stays where it is.
        _ => return,
    };
    let mut end = JobEnd::new(JobState::Failed, cause);
    end.detail = message;
    ledger.end(job, clock.now(), end).await;
}
