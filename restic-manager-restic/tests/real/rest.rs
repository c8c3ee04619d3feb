//! Logins, with a real server that asks for them.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use restic_manager_restic::Cause;
use restic_manager_restic::command::{
    Backup, Connection, Copy, Init, Login, Password, Repository, Rest, Secret, Snapshots,
};
use restic_manager_restic::event::Snapshot;
use restic_manager_restic::{document, process};

use super::support::{PASSWORD, Place, Restic};

/// User, password, and the password as the server's file wants it. Both passwords need care in an address.
const FIRST: (&str, &str, &str) = ("me", "p@ss/w:rd 1", "{SHA}kyv87F8OYBGZo6cl7LSv9YogwgU=");
const SECOND: (&str, &str, &str) = ("you", "other", "{SHA}0JQeaNqPOBUf+Gph/Fn3xc+fyqI=");

#[tokio::test]
async fn a_login_with_odd_characters_is_accepted_and_a_wrong_one_refused() {
    let place = Place::new();
    place.write("file", b"content");
    let server = Server::start(&place.path("server"), FIRST);
    for restic in &Restic::all().await {
        let name = restic.version.to_string();
        let connection = Connection::new(server.repository(&name, FIRST.1), place.environment());
        succeed(&restic.run(&Init::new(), &connection).await);
        succeed(&restic.run(&Backup::paths([place.path("source")]), &connection).await);
        assert_eq!(count(restic, &connection).await, 1);
        let wrong = Connection::new(server.repository(&name, "wrong"), place.environment());
        let refused = restic.run(&Snapshots::new(), &wrong).await;
        assert_eq!(refused.outcome.cause, Cause::Permission, "restic {}: {refused:?}", restic.version);
        assert!(!format!("{refused:?}").contains(FIRST.1));
    }
}

#[tokio::test]
async fn a_copy_has_a_login_for_each_side() {
    let place = Place::new();
    place.write("file", b"content");
    let (first, second) =
        (Server::start(&place.path("first"), FIRST), Server::start(&place.path("second"), SECOND));
    for restic in &Restic::all().await {
        let name = restic.version.to_string();
        let from = Connection::new(first.repository(&name, FIRST.1), place.environment());
        let to = Connection::new(second.repository(&name, SECOND.1), place.environment());
        succeed(&restic.run(&Init::new(), &from).await);
        succeed(&restic.run(&Backup::paths([place.path("source")]), &from).await);
        succeed(&restic.run(&Init::new(), &to).await);
        succeed(&restic.run(&Copy::new(from.repository.clone()), &to).await);
        assert_eq!(count(restic, &to).await, 1);
    }
}

fn succeed(finished: &process::Finished) {
    assert!(finished.outcome.cause.is_success(), "{finished:?}");
}

async fn count(restic: &Restic, connection: &Connection) -> usize {
    let captured = restic.capture(&Snapshots::new(), connection).await;
    document::parse::<Vec<Snapshot>>(&captured.stdout).expect("snapshots").len()
}

/// A server of its own for a test, ended with it.
#[derive(Debug)]
struct Server {
    child: Child,
    address: String,
    user: &'static str,
}

impl Server {
    fn start(folder: &Path, (user, password, hash): (&'static str, &str, &str)) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let program = program();
        let mut command = Command::new(&program);
        if program.file_name().is_some_and(|name| name == "rclone") {
            command.args(["serve", "restic", "--addr", "127.0.0.1:0"]).arg(folder);
            command.env("RCLONE_USER", user).env("RCLONE_PASS", password);
        } else {
            fs::write(folder.join(".htpasswd"), format!("{user}:{hash}\n")).expect("a password file");
            command.args(["--listen", "127.0.0.1:0", "--path"]).arg(folder);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a server");
        let address = address_in(child.stderr.take().expect("a pipe"));
        Self { child, address, user }
    }

    fn repository(&self, name: &str, password: &str) -> Repository {
        let storage =
            Rest::new(format!("http://{}/{name}/", self.address)).with_login(Login::new(self.user, password));
        Repository::new(storage, Password::Text(Secret::new(PASSWORD)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> PathBuf {
    let given = env::var_os("RESTIC_MANAGER_REST_SERVER").map(PathBuf::from);
    let found = || {
        let path = env::var_os("PATH").unwrap_or_default();
        process::Program::find("rest-server", &path).ok().map(|program| program.path().to_owned())
    };
    given.or_else(found).expect("no rest-server was found: run `cargo xtask install`, or install rest-server")
}

/// The first address that the server tells; what it prints later is read by a thread, so that it never has to wait.
fn address_in(output: impl std::io::Read + Send + 'static) -> String {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let address = lines
        .find_map(|line| {
            line.split(['/', ' ']).find(|word| word.starts_with("127.0.0.1:")).map(str::to_owned)
        })
        .expect("an address");
    std::thread::spawn(move || lines.count());
    address
}
