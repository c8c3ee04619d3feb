//! restic called directly, as the judge of what the product left behind.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::{Child, Command};

use crate::failure::{Failure, Outcome};
use crate::tools::Tools;

/// One restic program, one repository.
#[derive(Debug)]
pub struct Restic {
    program: PathBuf,
    location: String,
    password: String,
    cache: tempfile::TempDir,
}

impl Restic {
    /// The newest restic on a repository.
    pub fn open(location: &str, password: &str) -> Outcome<Self> {
        Ok(Self {
            program: Tools::newest_restic()?,
            location: location.to_owned(),
            password: password.to_owned(),
            cache: tempfile::tempdir()?,
        })
    }

    /// Runs a command and expects success.
    pub async fn run(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.output(arguments).await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("restic {} ended with {}: {stderr}", arguments.join(" "), output.status)))
    }

    /// Runs a command, however it ends.
    pub async fn output(&self, arguments: &[&str]) -> Outcome<Output> {
        Ok(self.command(arguments).output().await?)
    }

    /// Starts a command that reads what it is given; killed when dropped.
    pub fn begin(&self, arguments: &[&str]) -> Outcome<Child> {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        Ok(command.spawn()?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("RESTIC_REPOSITORY", &self.location).env("RESTIC_PASSWORD", &self.password);
        command.env("RESTIC_CACHE_DIR", self.cache.path()).env("HOME", self.cache.path());
        command.args(arguments);
        command
    }

    /// Restores the latest snapshot below a folder.
    pub async fn restore_latest(&self, into: &Path) -> Outcome {
        self.run(&["restore", "latest", "--target", &into.to_string_lossy()]).await.map(drop)
    }

    /// Ids of the locks that are there.
    pub async fn locks(&self) -> Outcome<Vec<String>> {
        let listed = self.run(&["list", "locks", "--no-lock"]).await?;
        Ok(listed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
    }

    /// How many snapshots there are.
    pub async fn snapshot_count(&self) -> Outcome<usize> {
        let listed: serde_json::Value =
            serde_json::from_str(&self.run(&["snapshots", "--json", "--no-lock"]).await?)?;
        Ok(listed.as_array().map_or(0, Vec::len))
    }
}
