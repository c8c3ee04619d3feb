//! A throwaway PostgreSQL cluster for one run of tests.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::shell;

/// A running cluster; stopped and removed when dropped.
pub(crate) struct Cluster {
    server: Child,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts a cluster that trusts local connections and does not wait for the disk: it lives for one run.
    pub(crate) fn start(binaries: &Path) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("restic-manager-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let data = folder.join("data");
        if shell::is_root() {
            shell::output(Command::new("chown").arg("nobody:").arg(&folder))?;
        }
        let mut initdb = unprivileged(&binaries.join("initdb"));
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        shell::output(initdb.arg(&data).current_dir(&folder))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut postgres = unprivileged(&binaries.join("postgres"));
        postgres.arg("-D").arg(&data).arg("-k").arg(&folder).args(["-p", &port.to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "max_connections=200", "fsync=off", "full_page_writes=off"]
        {
            postgres.args(["-c", setting]);
        }
        let log = fs::File::create(folder.join("log"))?;
        postgres.current_dir(&folder).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let cluster = Self { server: postgres.spawn()?, folder, port };
        cluster.wait_until_ready(binaries)?;
        Ok(cluster)
    }

    /// Where tests connect; each makes databases of its own.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this process has nothing else to do until the cluster is up"
    )]
    fn wait_until_ready(&self, binaries: &Path) -> Outcome {
        let port = self.port.to_string();
        for _ in 0..300 {
            let mut probe = Command::new(binaries.join("pg_isready"));
            if shell::succeeds(probe.args(["-q", "-h", "127.0.0.1", "-p", &port])) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(Failure::new(format!("PostgreSQL did not start within 30 s:\n{log}")))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // Immediate shutdown: the data is thrown away.
        let _ = shell::succeeds(Command::new("kill").args(["-QUIT", &self.server.id().to_string()]));
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// PostgreSQL refuses to run as root. The signal at the parent's death ends the server when this process is killed.
fn unprivileged(program: &Path) -> Command {
    if shell::find_program("setpriv").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    if shell::is_root() {
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
    }
    command.args(["--pdeathsig", "QUIT"]).arg(program);
    command
}
