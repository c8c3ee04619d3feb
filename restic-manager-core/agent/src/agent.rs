use core::fmt;
use std::{path::PathBuf, sync::Arc};

use restic_manager_core::{clock::Clock, mint::Mint, shutdown::Shutdown};
use restic_manager_crypto::Random;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    configuration::CurrentConfiguration,
    files::{FileError, StateFolder},
    index::Indexes,
    ledger::Ledger,
    link::{Dial, Probe, TcpDialer, Uplink},
    outbox::OutboxLimits,
    planner::{Pace, Planner},
    policy::{Guard, PolicyFile},
    runner::{Browser, HostEnvironment, Indexing, NewestProgress, OwedHooks, Restic, Runner, budget},
    scheduler::Scheduler,
    state::Journal,
    status::{Connection, ConnectionStatus, Writer},
    vault::{Vault, VaultError},
};

/// The agent of one host.
///
/// ```no_run
/// use std::sync::Arc;
/// use restic_manager_agent::{Agent, HostEnvironment, config::Config};
/// use restic_manager_core::{clock::SystemClock, shutdown::Shutdown};
/// use restic_manager_crypto::SystemRandom;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::read("/etc/restic-manager/agent.toml".as_ref())?;
/// let agent = Agent::builder(config, Arc::new(SystemClock), Arc::new(SystemRandom::new()))
///     .environment(HostEnvironment::from_lookup(|name| std::env::var_os(name)))
///     .build()?;
/// let shutdown = Shutdown::new();
/// agent.run(&shutdown).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Agent {
    /// Held for as long as the agent lives: nobody else works in its folder.
    _folder: StateFolder,
    uplink: Uplink,
    scheduler: Scheduler,
    status: Writer,
}

/// The parts of an agent before they are joined.
pub struct AgentBuilder {
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    dialer: Option<Box<dyn Dial>>,
    environment: HostEnvironment,
    credentials: Option<PathBuf>,
    policy: Option<PolicyFile>,
    pace: Pace,
}

/// An agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The host has not enrolled, or its enrolment is lost.
    #[error("find this host's enrolment, {}{}", folder.join("enrolment.json").display(), advice(found))]
    NotEnrolled {
        /// The state folder.
        folder: PathBuf,
        /// What else of an enrolled host is there.
        found: Vec<&'static str>,
    },
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A secret at rest cannot be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl AgentError {
    fn not_enrolled(folder: PathBuf) -> Self {
        let found = crate::vault::traces(&folder);
        Self::NotEnrolled { folder, found }
    }

    /// Whether it may be over by itself, as when the disk is full.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotEnrolled { .. } => false,
            Self::File(error) | Self::Vault(VaultError::File(error)) => error.is_transient(),
            Self::Vault(_) => false,
        }
    }
}

/// What to do, by what was found.
fn advice(found: &[&str]) -> String {
    if found.is_empty() {
        return "; if this host never was one, run restic-manager-agent enrol, or announce; if it was, compare \
                state_folder in agent.toml with where its state is"
            .to_owned();
    }
    format!(
        ", though {} are there: this was a host before. Put back your copy of enrolment.json, or enrol this host again",
        found.join(", ")
    )
}

impl Agent {
    /// Begins an agent from the parts that it must have.
    #[must_use]
    pub fn builder(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> AgentBuilder {
        AgentBuilder {
            config,
            clock,
            random,
            dialer: None,
            environment: HostEnvironment::default(),
            credentials: None,
            policy: None,
            pace: Pace::default(),
        }
    }

    /// Works until it is asked to stop. Then it interrupts what runs, reports how that ended, and says goodbye; asked
    /// a second time it leaves at once, and tells the rest after its next start.
    pub async fn run(self, shutdown: &Shutdown) {
        let Self { _folder, uplink, scheduler, status } = self;
        let (runner, ledger, connection) =
            (uplink.runner.clone(), uplink.ledger.clone(), uplink.status.clone());
        runner.settle_owed().await;
        let hang_up = CancellationToken::new();
        let stop = async {
            shutdown.requested().await;
            tracing::info!("stopping");
            runner.stop().await;
            if connection.is_connected() {
                confirmed(&ledger).await;
            }
            hang_up.cancel();
        };
        let fire = async {
            tokio::select! {
                biased;
                () = shutdown.requested() => {}
                () = scheduler.run() => {}
            }
        };
        let work = async { tokio::join!(uplink.run(&hang_up), stop, fire) };
        let end = async {
            tokio::select! {
                _ = work => {}
                () = status.run() => {}
            }
            connection.set(Connection::Stopped);
            status.write().await;
        };
        tokio::select! {
            biased;
            () = shutdown.forced() => tracing::warn!("leaving at once; what ran is reported after the next start"),
            () = end => {}
        }
    }
}

impl AgentBuilder {
    /// Goes another way to the server.
    #[must_use]
    pub fn dialer(mut self, dialer: impl Dial + 'static) -> Self {
        self.dialer = Some(Box::new(dialer));
        self
    }

    /// What restic inherits.
    #[must_use]
    pub fn environment(mut self, environment: HostEnvironment) -> Self {
        self.environment = environment;
        self
    }

    /// The folder in which systemd hands over credentials.
    #[must_use]
    pub fn credentials(mut self, folder: Option<PathBuf>) -> Self {
        self.credentials = folder;
        self
    }

    /// Reads the host's policy from elsewhere than the configuration says.
    #[must_use]
    pub fn policy(mut self, file: PolicyFile) -> Self {
        self.policy = Some(file);
        self
    }

    /// How often it looks at its schedules, and how long it waits for the server.
    #[must_use]
    pub const fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Takes the state folder, opens what is in it, and ends the jobs that an earlier agent left running.
    ///
    /// # Errors
    /// When the host has not enrolled, another agent runs, or a file is damaged.
    pub fn build(self) -> Result<Agent, AgentError> {
        let Self { config, clock, random, dialer, environment, credentials, pace, .. } = self;
        let dialer = dialer.unwrap_or_else(|| Box::new(TcpDialer::new(&config)));
        let folder = StateFolder::open(&config.state_folder)?;
        if crate::vault::enrolled_host(folder.path())?.is_none() {
            return Err(AgentError::not_enrolled(config.state_folder));
        }
        let vault = Vault::open(&folder, credentials.as_deref(), Arc::clone(&random))?;
        let Some(membership) = vault.membership()? else {
            return Err(AgentError::not_enrolled(config.state_folder));
        };
        let vault = Arc::new(vault);
        let mint = Mint::new(Arc::clone(&clock), Arc::clone(&random));
        let limits = OutboxLimits::of_total(u64::from(config.outbox_limit_mib) * 1024 * 1024);
        let journal = Journal::open(&folder, limits, clock.now(), || mint.outbox())?;
        let configuration = CurrentConfiguration::open(&folder)?;

        let (ledger, progress, status) =
            (Ledger::new(journal), NewestProgress::default(), ConnectionStatus::new());
        let restic = Arc::new(Restic::new(&config, environment));
        let writer = Writer {
            folder: config.state_folder.clone(),
            connection: status.clone(),
            ledger: ledger.clone(),
            clock: Arc::clone(&clock),
            restic: Arc::clone(&restic),
            protection: vault.protection(),
            configuration: configuration.clone(),
            host: membership.host,
        };
        let owed = OwedHooks::open(&folder, Arc::clone(&vault), membership.host)?;
        let policy = self.policy.unwrap_or_else(|| config.policy());
        let guard = Guard::new(policy, config.state_folder.clone());
        let indexes = Indexes::open(&config.index_folder(), config.index_limit_bytes());
        let indexes = indexes.inspect_err(|error| {
            tracing::warn!("could not {error}; snapshots are listed by restic each time")
        });
        let indexing = Indexing::new(indexes.ok(), Arc::clone(&clock));
        let runner = Runner::new(
            Arc::clone(&restic),
            guard.clone(),
            ledger.clone(),
            progress.clone(),
            Arc::clone(&clock),
            owed,
            indexing.clone(),
        );
        let scheduler = Scheduler {
            planner: Planner::new(membership.host, mint, pace),
            configuration: configuration.clone(),
            ledger: ledger.clone(),
            runner: runner.clone(),
            vault: Arc::clone(&vault),
            clock: Arc::clone(&clock),
            status: status.clone(),
        };
        let uplink = Uplink {
            config,
            vault,
            membership,
            dialer,
            clock,
            random,
            browser: Browser::new(Arc::clone(&restic), guard.clone(), indexing),
            probe: Probe::new(restic),
            told: None,
            guard,
            ledger,
            runner,
            progress,
            status,
            configuration,
        };
        Ok(Agent { _folder: folder, uplink, scheduler, status: writer })
    }
}

impl fmt::Debug for AgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Waits until the server has confirmed everything, but not long.
async fn confirmed(ledger: &Ledger) {
    let mut position = ledger.position();
    let done = position.wait_for(|position| position.acknowledged == position.last);
    if tokio::time::timeout(budget::REPORTS, done).await.is_err() {
        tracing::info!("the last reports are sent again after the next start");
    }
}
