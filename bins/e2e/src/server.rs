//! The stock server as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::client::Api;
use crate::failure::Outcome;
use crate::process::{Running, Signal};
use crate::proxy::Proxy;
use crate::repository::address_in;
use crate::tools::Tools;
use crate::wait::until;

const START: Duration = Duration::from_secs(30);
const STOP: Duration = Duration::from_secs(30);

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where it keeps what it has.
    pub data: PathBuf,
    /// Its database, where that is not SQLite in the data folder.
    pub database_url: Option<String>,
    /// The filter of its log.
    pub log: String,
    /// Further settings, as variables of its environment.
    pub settings: Vec<(String, String)>,
}

impl ServerOptions {
    /// SQLite in the data folder, the usual log.
    pub fn new(data: PathBuf) -> Self {
        Self { data, database_url: None, log: "info".to_owned(), settings: Vec::new() }
    }
}

/// A server behind a proxy, which is where agents and browsers find it, however often it is restarted.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    name: String,
    front: Proxy,
    address: SocketAddr,
    running: Option<Running>,
    earlier: String,
}

impl Server {
    /// Starts it and waits until it listens.
    pub async fn start(options: ServerOptions) -> Outcome<Self> {
        Self::start_as("127.0.0.1", options).await
    }

    /// The same under a name of this machine.
    pub async fn start_as(name: &str, options: ServerOptions) -> Outcome<Self> {
        let (name, front) = (name.to_owned(), Proxy::start().await?);
        let address = front.address();
        let mut server = Self { options, name, front, address, running: None, earlier: String::new() };
        server.begin().await?;
        Ok(server)
    }

    /// What agents and browsers are told.
    pub fn base_url(&self) -> String {
        format!("http://{}:{}", self.name, self.front.address().port())
    }

    /// Where it listens now, behind the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The network before it.
    pub fn front(&self) -> &Proxy {
        &self.front
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.options.data
    }

    /// The one-time token for the first admin.
    pub fn bootstrap_token(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.options.data.join("bootstrap-token"))?.trim().to_owned())
    }

    /// Makes the first admin.
    pub async fn bootstrap(&self, name: &str, password: &str) -> Outcome<Api> {
        let token = self.bootstrap_token()?;
        Api::bootstrap(self.address, &self.base_url(), &token, name, password).await
    }

    /// Starts it again with the same data.
    pub async fn begin(&mut self) -> Outcome {
        let running = Running::start("server", self.command()?)?;
        let line = running.line_with("listening on", START).await?;
        self.address = address_in(&line)?;
        self.front.lead_to(self.address);
        self.running = Some(running);
        Ok(())
    }

    /// Kills it as a power cut would.
    pub async fn kill(&mut self) -> Outcome {
        self.front.cut();
        if let Some(mut running) = self.running.take() {
            running.kill().await?;
            self.earlier.push_str(&running.text());
        }
        Ok(())
    }

    /// Asks it to stop and waits; the exit code is what it answered.
    pub async fn stop(&mut self) -> Outcome<Option<i32>> {
        let Some(mut running) = self.running.take() else { return Ok(None) };
        running.signal(Signal::Terminate)?;
        let status = running.ended(STOP).await?;
        self.earlier.push_str(&running.text());
        Ok(status.code())
    }

    /// Its process id; 0 while it does not run.
    pub fn id(&self) -> u32 {
        self.running.as_ref().map_or(0, Running::id)
    }

    /// All it said, over restarts.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.earlier, self.running.as_ref().map(Running::text).unwrap_or_default())
    }

    /// Waits until it has said a text so many times.
    pub async fn text_with(&self, text: &str, times: usize) -> Outcome {
        let wanted = format!("{text:?} {times} times");
        until(&wanted, START, async || Ok((self.text().matches(text).count() >= times).then_some(()))).await
    }

    /// Runs one of the program's commands on the same data to its end: what it answered, and all it said.
    pub async fn command_line(&self, arguments: &[&str]) -> Outcome<(Option<i32>, String)> {
        let mut command = self.command()?;
        command.args(arguments);
        let mut running = Running::start(&arguments.join(" "), command)?;
        let status = running.ended(STOP).await?;
        Ok((status.code(), running.everything().await))
    }

    fn command(&self) -> Outcome<Command> {
        let mut command = Command::new(Tools::binary("restic-manager-server")?);
        command.env_clear().env("RM_LISTEN", "127.0.0.1:0").env("RM_BASE_URL", self.base_url());
        command.env("RM_DATA_DIR", &self.options.data).env("RM_COOKIE_SECURE", "false");
        command.env("RM_LOG", &self.options.log).env("RUST_BACKTRACE", "1");
        if let Some(url) = &self.options.database_url {
            command.env("RM_DATABASE_URL", url);
        }
        command.envs(self.options.settings.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}
