//! One server at a time: a second one on the same database says who has it, and starts once the first is gone.
#![expect(clippy::unwrap_used, reason = "a test that fails may say so by panicking")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use restic_manager_testkit::postgres::Database;

/// A server on a data folder, as an operator starts it.
fn command(data: &Path, database: Option<&Database>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_restic-manager-server"));
    command
        .env("RM_DATA_DIR", data)
        .env("RM_LISTEN", "127.0.0.1:0")
        .env("RM_BASE_URL", "https://backup.example.com")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(database) = database {
        command.env("RM_DATABASE_URL", database.url());
    }
    command
}

/// Killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts a server and waits until it listens.
fn start(data: &Path, database: Option<&Database>) -> Running {
    let mut child = command(data, database).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let running = Running(child);
    let mut said = String::new();
    while !said.contains("listening on") {
        assert!(log.read_line(&mut said).unwrap() > 0, "it ended: {said}");
    }
    std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
    running
}

/// What a server says that does not start.
fn refusal(data: &Path, database: Option<&Database>) -> String {
    let output = command(data, database).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_second_server_on_one_postgres_is_refused_until_the_first_is_gone() {
    let database = Database::create().await;
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = start(one.path(), Some(&database));
    for file in ["secret.key", "identity.key", "database.mark"] {
        std::fs::copy(one.path().join(file), two.path().join(file)).unwrap();
    }
    let refused = refusal(two.path(), Some(&database));
    assert!(refused.contains("another server uses this database (from "), "{refused}");
    assert!(refused.contains("stop that one first"), "{refused}");
    // Killed, so that nothing was put in order.
    drop(first);
    drop(start(two.path(), Some(&database)));
}

#[test]
fn a_second_server_on_one_folder_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path(), None);
    let refused = refusal(folder.path(), None);
    assert!(refused.contains("stop the server first"), "{refused}");
    drop(first);
    drop(start(folder.path(), None));
}
