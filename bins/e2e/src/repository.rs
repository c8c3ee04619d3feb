//! A real rest-server with a user, in front of a folder.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::failure::{Failure, Outcome};
use crate::process::Running;
use crate::proxy::Proxy;
use crate::tools::Tools;

/// The user of the server.
pub const USER: &str = "fleet";
/// The user's password, distinctive so that a search for it finds nothing else.
pub const PASSWORD: &str = "rest-user-password-Kq7vX2";

const START: Duration = Duration::from_secs(20);

/// The user that may delete, where a server lets anybody.
pub const KEEPER: &str = "keeper";
/// The keeper's password, distinctive like the other.
pub const KEEPER_PASSWORD: &str = "maintenance-password-Zt4mW9";

/// Who may do what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// The user may only add, and only in its own folder.
    Add,
    /// The user and the keeper may delete too, everywhere.
    Delete,
    /// Whoever stands in the file, and only in its own folder.
    AsWritten,
}

/// A running rest-server behind a proxy, so that its address outlives it.
#[derive(Debug)]
pub struct RestServer {
    folder: PathBuf,
    rights: Rights,
    proxy: Proxy,
    running: Option<Running>,
}

impl RestServer {
    /// Starts it on a folder; the user may only add.
    pub async fn start(folder: &Path) -> Outcome<Self> {
        Self::with(folder, Rights::Add).await
    }

    /// Starts it on an empty folder with users of its own: lines of an htpasswd file.
    pub async fn start_with_users(folder: &Path, lines: &str) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(".htpasswd"), format!("{lines}\n"))?;
        Self::with(folder, Rights::AsWritten).await
    }

    /// Starts another one on the same folder, where the keeper may delete.
    pub async fn start_for_keeper(&self) -> Outcome<Self> {
        Self::with(&self.folder, Rights::Delete).await
    }

    async fn with(folder: &Path, rights: Rights) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let mut server =
            Self { folder: folder.to_path_buf(), rights, proxy: Proxy::start().await?, running: None };
        server.begin().await?;
        Ok(server)
    }

    /// The location of a repository on it, as restic and the server write it.
    pub fn location(&self, name: &str) -> String {
        format!("rest:http://{}/{USER}/{name}/", self.proxy.address())
    }

    /// The same with the user in it, for calling restic directly.
    pub fn location_with_user(&self, name: &str) -> String {
        format!("rest:http://{USER}:{PASSWORD}@{}/{USER}/{name}/", self.proxy.address())
    }

    /// The address, for users of its own.
    pub fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// The folder of a repository, for looking at it from behind.
    pub fn repository_folder(&self, name: &str) -> PathBuf {
        self.folder.join(USER).join(name)
    }

    /// The network in front of it.
    pub fn network(&self) -> &Proxy {
        &self.proxy
    }

    /// Kills it; connections are refused until it is started again.
    pub async fn stop(&mut self) -> Outcome {
        self.proxy.cut();
        if let Some(mut running) = self.running.take() {
            running.kill().await?;
        }
        Ok(())
    }

    /// Whether nobody answers at its address.
    pub async fn is_silent(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.proxy.address()).await else { return true };
        let _ = stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await;
        !matches!(stream.read(&mut [0; 1]).await, Ok(1))
    }

    /// Starts it again at the same address.
    pub async fn begin(&mut self) -> Outcome {
        let program = Tools::rest_server()?;
        let is_rclone = program.file_name().is_some_and(|name| name == "rclone");
        let command = if is_rclone {
            rclone(&program, &self.folder)
        } else {
            rest_server(&program, &self.folder, self.rights)?
        };
        let running = Running::start("rest-server", command)?;
        let line = running.line_with(if is_rclone { "http://" } else { "start server on" }, START).await?;
        self.proxy.lead_to(address_in(&line)?);
        self.running = Some(running);
        Ok(())
    }
}

fn rest_server(program: &Path, folder: &Path, rights: Rights) -> Outcome<Command> {
    let line = |user, password| format!("{user}:{{SHA}}{}\n", sha1_base64(password));
    let mut command = Command::new(program);
    command.arg("--path").arg(folder).args(["--listen", "127.0.0.1:0"]);
    match rights {
        Rights::Add => {
            std::fs::write(folder.join(".htpasswd"), line(USER, PASSWORD))?;
            command.args(["--private-repos", "--append-only"]);
        }
        Rights::AsWritten => {
            command.arg("--private-repos");
        }
        Rights::Delete => {
            let users = folder.join(".htpasswd-keeper");
            std::fs::write(&users, line(USER, PASSWORD) + &line(KEEPER, KEEPER_PASSWORD))?;
            command.arg("--htpasswd-file").arg(users);
        }
    }
    Ok(command)
}

fn rclone(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["serve", "restic", "--addr", "127.0.0.1:0", "--append-only", "--private-repos"]);
    // The user's name and password go by environment, as everywhere.
    command.env("RCLONE_USER", USER).env("RCLONE_PASS", PASSWORD).arg(folder);
    command
}

/// The form that every htpasswd reader knows without a slow hash.
fn sha1_base64(password: &str) -> String {
    BASE64.encode(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref())
}

/// The address in a line such as `start server on 127.0.0.1:33829`.
pub fn address_in(line: &str) -> Outcome<SocketAddr> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | ':');
    let found = line.split(|c: char| !is_part(c)).find_map(|word| word.parse().ok());
    found.ok_or_else(|| Failure::new(format!("no address in {line:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_what_servers_print() {
        let address: SocketAddr = "127.0.0.1:33829".parse().unwrap();
        for line in [
            "start server on 127.0.0.1:33829",
            "2026/11/22 10:00:00 NOTICE: Serving restic REST API on [http://127.0.0.1:33829/]",
            "2026-11-22T10:00:00.123Z INFO listening address=127.0.0.1:33829",
        ] {
            assert_eq!(address_in(line).unwrap(), address, "{line}");
        }
        assert!(address_in("nothing here").is_err());
    }

    #[test]
    fn the_password_file_holds_what_htpasswd_would_write() {
        assert_eq!(sha1_base64("password"), "W6ph5Mm5Pz8GgiULbPgzG37mj9g=");
    }
}
