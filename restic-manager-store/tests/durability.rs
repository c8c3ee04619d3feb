//! What was acknowledged survives SIGKILL: a child process commits and says so, and is killed in the middle of it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use restic_manager_store::{
    Audit, Store,
    sqlite::{SqliteOptions, SqliteStore},
};

const PATH: &str = "RESTIC_MANAGER_STORE_TEST_WRITE_TO";
const WRITERS: usize = 8;

#[tokio::test]
async fn acknowledged_changes_survive_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged = Vec::new();
    for round in 1..=4 {
        acknowledged.extend(write_and_kill(&path, round * 60));
        let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
        let mut read = store.read().await.unwrap();
        for name in &acknowledged {
            let value = read.meta().value(name).await.unwrap();
            assert_eq!(value.as_deref(), Some("written"), "{name} was acknowledged");
        }
        drop(read);
        store.close().await.unwrap();
    }
}

/// Runs a writer until it has acknowledged so many changes, then kills it. Answers all that it acknowledged.
fn write_and_kill(path: &Path, enough: usize) -> Vec<String> {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["durability::writes_when_asked_to", "--exact", "--nocapture", "--test-threads=1"])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(writer.stdout.take().unwrap()).lines() {
        // The last line may be cut off: only whole ones end in a full stop.
        let line = line.unwrap();
        if let Some(name) = line.strip_prefix("acknowledged ").and_then(|line| line.strip_suffix('.')) {
            acknowledged.push(name.to_owned());
        }
        if acknowledged.len() == enough {
            writer.kill().unwrap();
        }
    }
    assert!(!writer.wait().unwrap().success());
    assert!(acknowledged.len() >= enough, "{} acknowledged", acknowledged.len());
    acknowledged
}

/// The child process of the test above; as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_when_asked_to() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = SqliteStore::open(SqliteOptions::new(path)).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            for number in 0.. {
                let name = format!("{}-{writer}-{number}", std::process::id());
                let mut tx = store.begin().await.unwrap();
                tx.meta().put(&name, "written").await.unwrap();
                if number % 5 == 4 {
                    continue;
                }
                tx.commit(Audit::Routine("test")).await.unwrap();
                writeln!(std::io::stdout(), "acknowledged {name}.").unwrap();
            }
        });
    }
    while writers.join_next().await.is_some() {}
}
