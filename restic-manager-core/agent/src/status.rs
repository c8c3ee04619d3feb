//! How the agent is, for people and programs: what its files say, and what the running agent last wrote down.

use core::{fmt, time::Duration};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use restic_manager_core::clock::Clock;
use restic_manager_proto::{
    HostId, OutboxId, Timestamp,
    agent::{ConfigurationVersion, ConfiguredSchedule, Welcome},
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    config::Config,
    configuration::{CheckedConfiguration, CurrentConfiguration},
    facts::AGENT_VERSION,
    files::{self, StateFolder},
    ledger::Ledger,
    planner::MOST_UNCONFIRMED,
    runner::Restic,
    state::JobRecord,
    vault::{self, Protection},
};

const FILE: &str = "status.json";
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// Least time between two writings, and most.
const PACE: Duration = Duration::from_secs(5);
const REFRESH: Duration = Duration::from_secs(60);

/// How the connection to the server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Connection {
    /// It is being made.
    Connecting,
    /// It is there.
    Connected {
        /// Since when.
        since: Timestamp,
        /// The host's name at the server.
        host_name: String,
        /// Counts the host's connections.
        generation: u64,
    },
    /// It failed, and is tried again.
    Waiting {
        /// Why it failed.
        reason: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The server refused, and will again until something is changed.
    Refused {
        /// What it said.
        reason: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// The agent has stopped.
    Stopped,
}

/// What the running agent writes down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// When it wrote this.
    pub written_at: Timestamp,
    /// Its version.
    pub agent_version: String,
    /// Its process.
    pub process: u32,
    /// How its connection is.
    pub connection: Connection,
    /// The restic that it runs.
    pub restic: Option<PathBuf>,
    /// What protects its secrets at rest.
    pub protection: Protection,
    /// The version of its configuration.
    #[serde(default)]
    pub configuration: Option<ConfigurationVersion>,
    /// What it runs by itself.
    #[serde(default)]
    pub schedules: Vec<ScheduleStatus>,
    /// The jobs that it knows.
    pub jobs: Vec<JobRecord>,
    /// Jobs that the server has not confirmed, the ones above among them.
    #[serde(default)]
    pub unconfirmed_jobs: u64,
    /// Which outbox it has.
    pub outbox: OutboxId,
    /// Reports that the server has not confirmed.
    pub unconfirmed: u64,
    /// Bytes that they take.
    pub outbox_bytes: u64,
    /// Bytes that they may take.
    pub outbox_limit_bytes: u64,
}

/// A schedule of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// Its name.
    pub name: String,
    /// When, by the clock of its zone.
    pub cron: String,
    /// Its zone.
    pub zone: String,
    /// When it runs next.
    pub next_run: Option<Timestamp>,
}

/// How an agent is, as its host can see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The server it belongs to.
    pub server: String,
    /// The fingerprint it expects of the server.
    pub server_fingerprint: String,
    /// Its folder.
    pub state_folder: PathBuf,
    /// The host it speaks for; `None` before it has enrolled.
    pub host: Option<HostId>,
    /// The host's name when it enrolled.
    pub host_name: Option<String>,
    /// Whether an agent runs now.
    pub running: bool,
    /// What it last wrote down.
    pub live: Option<Live>,
    /// What is wrong with its files.
    pub problems: Vec<String>,
}

impl Status {
    /// Looks at the files of an agent; it may run or not.
    #[must_use]
    pub fn read(config: &Config) -> Self {
        let mut problems = Vec::new();
        let mut note = |error: files::FileError| problems.push(format!("could not {error}"));
        let host = vault::enrolled_host(&config.state_folder).unwrap_or_else(|error| {
            note(error);
            None
        });
        let live = read_live(&config.state_folder).unwrap_or_else(|error| {
            note(error);
            None
        });
        if live.as_ref().is_some_and(|live| live.unconfirmed_jobs >= MOST_UNCONFIRMED as u64) {
            problems.push(format!(
                "{MOST_UNCONFIRMED} jobs wait for the server to confirm them: no slot is fired until it does; look at the \
                 connection"
            ));
        }
        let (host, host_name) = host.unzip();
        Self {
            server: config.server.to_string(),
            server_fingerprint: config.server_fingerprint.to_string(),
            state_folder: config.state_folder.clone(),
            host,
            host_name,
            running: StateFolder::is_in_use(&config.state_folder),
            live,
            problems,
        }
    }

    /// Whether an agent runs and is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let connected =
            self.live.as_ref().is_some_and(|live| matches!(live.connection, Connection::Connected { .. }));
        self.running && connected
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "server", &self.server)?;
        row(f, "fingerprint", &self.server_fingerprint)?;
        match (&self.host_name, self.host) {
            (Some(name), Some(id)) => row(f, "host", format_args!("{} ({id})", name.escape_debug()))?,
            _ => row(f, "host", "not enrolled; run restic-manager-agent enrol, or announce")?,
        }
        row(f, "agent", if self.running { "running" } else { "not running" })?;
        if let Some(live) = &self.live {
            live.fmt(f)?;
        }
        self.problems.iter().try_for_each(|problem| row(f, "problem", problem))
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        row(f, "connection", &self.connection)?;
        match &self.restic {
            Some(path) => row(f, "restic", path.display())?,
            None => row(f, "restic", "not found; install it, or set restic in agent.toml")?,
        }
        row(f, "secrets", format_args!("under {}", self.protection))?;
        let Self { unconfirmed, outbox_bytes, outbox_limit_bytes, .. } = self;
        let outbox =
            format_args!("{unconfirmed} reports to confirm, {outbox_bytes} of {outbox_limit_bytes} bytes");
        row(f, "outbox", outbox)?;
        match &self.configuration {
            Some(version) => {
                row(f, "configuration", format_args!("version {} from the server", version.number))?
            }
            None => row(f, "configuration", "none from the server yet")?,
        }
        for ScheduleStatus { name, cron, zone, next_run } in &self.schedules {
            let next = next_run.map_or_else(|| "never".to_owned(), |next| next.to_string());
            row(f, "schedule", format_args!("{} ({cron}, {zone}), next run {next}", name.escape_debug()))?;
        }
        for job in &self.jobs {
            row(f, "job", format_args!("{} {} {}", job.job, job.kind, job.state))?;
        }
        row(f, "as of", self.written_at)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: impl fmt::Display) -> fmt::Result {
    writeln!(f, "{name:<14} {value}")
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting => f.write_str("connecting"),
            Self::Connected { since, .. } => write!(f, "connected since {since}"),
            Self::Waiting { reason, until } => write!(f, "{reason}; next attempt {until}"),
            Self::Refused { reason, until } => write!(f, "refused: {reason}; next attempt {until}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// How the connection is, for the parts of the agent. Clones are handles to the same.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionStatus(Arc<watch::Sender<Connection>>);

impl ConnectionStatus {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Connection::Connecting)))
    }

    pub(crate) fn set(&self, connection: Connection) {
        self.0.send_replace(connection);
    }

    pub(crate) fn connected(&self, since: Timestamp, welcome: &Welcome) {
        let (host_name, generation) = (welcome.host_name.clone(), welcome.generation);
        self.set(Connection::Connected { since, host_name, generation });
    }

    /// The connection, and its changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Connection> {
        self.0.subscribe()
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(*self.0.borrow(), Connection::Connected { .. })
    }
}

/// Writes the status down for as long as the agent runs.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) folder: PathBuf,
    pub(crate) connection: ConnectionStatus,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) restic: Arc<Restic>,
    pub(crate) protection: Protection,
    pub(crate) configuration: CurrentConfiguration,
    pub(crate) host: HostId,
}

impl Writer {
    /// Writes soon after each change, and now and then without one. Never ends.
    pub(crate) async fn run(&self) {
        let mut connection = self.connection.0.subscribe();
        let mut position = self.ledger.position();
        let mut configuration = self.configuration.watch();
        loop {
            self.write().await;
            tokio::time::sleep(PACE).await;
            tokio::select! {
                _ = configuration.changed() => {}
                _ = connection.changed() => {}
                _ = position.changed() => {}
                () = tokio::time::sleep(REFRESH) => {}
            }
        }
    }

    /// Writes now.
    pub(crate) async fn write(&self) {
        let (written_at, path) = (self.clock.now(), self.folder.join(FILE));
        let connection = self.connection.0.borrow().clone();
        let (host, restic, protection) = (self.host, Arc::clone(&self.restic), self.protection);
        let current = self.configuration.current();
        let written = self.ledger.with(move |journal| {
            let outbox = journal.outbox();
            let live = Live {
                written_at,
                agent_version: AGENT_VERSION.to_owned(),
                process: std::process::id(),
                connection,
                restic: restic.path(),
                protection,
                configuration: current.as_ref().map(|current| current.version().clone()),
                schedules: current.iter().flat_map(|current| schedules(current, host, written_at)).collect(),
                jobs: journal.book().jobs().to_vec(),
                unconfirmed_jobs: journal.book().count() as u64,
                outbox: outbox.id(),
                unconfirmed: outbox.last() - outbox.acknowledged(),
                outbox_bytes: outbox.bytes(),
                outbox_limit_bytes: outbox.limit_bytes(),
            };
            let text = serde_json::to_vec(&live).unwrap_or_default();
            files::write(&path, &text)
        });
        if let Err(error) = written.await {
            tracing::debug!("could not {error}");
        }
    }
}

fn schedules(current: &CheckedConfiguration, host: HostId, now: Timestamp) -> Vec<ScheduleStatus> {
    let status = |(schedule, next_run): (&ConfiguredSchedule, _)| ScheduleStatus {
        name: schedule.name.clone(),
        cron: schedule.cron.clone(),
        zone: schedule.zone.clone(),
        next_run,
    };
    current.next_starts(host, now).map(status).collect()
}

fn read_live(folder: &Path) -> Result<Option<Live>, files::FileError> {
    let path = folder.join(FILE);
    let Some(text) = files::read(&path, MAX_BYTES)? else { return Ok(None) };
    serde_json::from_str(&text).map(Some).map_err(|_| {
        files::FileError::damaged(
            &path,
            "it is not what an agent writes",
            "remove it; the agent writes it anew",
        )
    })
}
