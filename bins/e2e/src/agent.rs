//! The stock agent as a process.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use restic_manager_proto::HostId;
use restic_manager_proto::api::enrolments::Invitation;
use tokio::process::Command;

use crate::failure::{Failure, Outcome};
use crate::process::{Running, Signal};
use crate::tools::Tools;

const STOP: Duration = Duration::from_secs(60);

/// An agent with folders of its own, so that several fit on one machine.
#[derive(Debug)]
pub struct Agent {
    folder: PathBuf,
    host: Option<HostId>,
    log: String,
    running: Option<Running>,
    earlier: String,
}

impl Agent {
    /// An agent that has not enrolled yet.
    pub fn new(folder: &Path, log: &str) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            host: None,
            log: log.to_owned(),
            running: None,
            earlier: String::new(),
        })
    }

    /// Spends a token, as an operator would on the host.
    pub async fn enrol(&mut self, invitation: &Invitation) -> Outcome {
        let server = (invitation.server_url.as_str(), invitation.server_fingerprint.as_str());
        let output = self.try_enrol(server.0, server.1, invitation.token.expose()).await?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("enrolling ended with {}: {said}", output.status)))
    }

    /// Spends a token, however that ends.
    pub async fn try_enrol(&mut self, server: &str, fingerprint: &str, token: &str) -> Outcome<Output> {
        let mut command = self.command("enrol")?;
        command
            .env("RM_SERVER", server)
            .env("RM_SERVER_FINGERPRINT", fingerprint)
            .env("RM_ENROL_TOKEN", token);
        command
            .arg("--state-folder")
            .arg(self.folder.join("state"))
            .arg("--restic")
            .arg(Tools::newest_restic()?);
        Ok(command.output().await?)
    }

    /// Announces it, as an operator would on the host; it goes on until there is a verdict.
    pub fn announce(&self, server: &str, fingerprint: &str) -> Outcome<Running> {
        let mut command = self.command("announce")?;
        command.arg(server).env("RM_SERVER_FINGERPRINT", fingerprint);
        command
            .arg("--state-folder")
            .arg(self.folder.join("state"))
            .arg("--restic")
            .arg(Tools::newest_restic()?);
        Running::start("announce", command)
    }

    /// Remembers which host of the server's it became.
    pub fn became(&mut self, host: HostId) {
        self.host = Some(host);
    }

    /// The host it is for the server.
    pub fn host(&self) -> Outcome<HostId> {
        self.host.ok_or_else(|| Failure::new("this agent has not enrolled"))
    }

    /// Starts it.
    pub fn begin(&mut self) -> Outcome {
        self.running = Some(Running::start("agent", self.command("run")?)?);
        Ok(())
    }

    /// Kills it as a power cut would; what it started goes on or not by itself.
    pub async fn kill(&mut self) -> Outcome {
        if let Some(mut running) = self.running.take() {
            running.kill().await?;
            self.earlier.push_str(&running.text());
        }
        Ok(())
    }

    /// Asks it to stop and waits for its end.
    pub async fn stop(&mut self) -> Outcome<Option<i32>> {
        let Some(mut running) = self.running.take() else { return Ok(None) };
        running.signal(Signal::Terminate)?;
        let status = running.ended(STOP).await?;
        self.earlier.push_str(&running.text());
        Ok(status.code())
    }

    /// The process, while it runs.
    pub fn running(&mut self) -> Outcome<&mut Running> {
        self.running.as_mut().ok_or_else(|| Failure::new("the agent does not run"))
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder whose programs it finds before all others.
    pub fn programs(&self) -> PathBuf {
        self.folder.join("programs")
    }

    /// All it said, over restarts.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.earlier, self.running.as_ref().map(Running::text).unwrap_or_default())
    }

    fn command(&self, verb: &str) -> Outcome<Command> {
        let mut command = Command::new(Tools::binary("restic-manager-agent")?);
        command
            .env_clear()
            .env("RM_LOG", &self.log)
            .env("HOME", &self.folder)
            .env("PATH", format!("{}:/usr/bin:/bin", self.programs().display()));
        command.env("RUST_BACKTRACE", "1");
        command.arg("--config").arg(self.folder.join("agent.toml")).arg(verb);
        Ok(command)
    }
}
