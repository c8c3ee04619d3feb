//! No secret in plaintext, anywhere but in memory and in the hands of restic.

use std::fs;
use std::path::{Path, PathBuf};

use restic_manager_e2e::{
    ADMIN_PASSWORD, Outcome, REPOSITORY_PASSWORD, STORAGE_PASSWORD, World, WorldOptions,
};

use crate::support::{SLOW_MEGABYTES, expect_success, full_speed, running_backup, sample, whole_log};

#[tokio::test]
async fn passwords_are_in_no_file_no_log_no_process_list_and_on_no_wire() -> Outcome {
    let world = World::with(WorldOptions { log: "trace".to_owned(), ..WorldOptions::default() }).await?;
    let files = sample(&world, "files", SLOW_MEGABYTES)?;
    let agent = world.enrol("web-1", &[&files]).await?;
    let job = running_backup(&world, agent.host()?).await?;
    let live = command_lines();
    full_speed(&world);
    let ended = world.ended(job.id).await?;
    expect_success(&ended)?;
    assert!(
        live.iter().any(|line| line.contains("restic") && line.contains("backup")),
        "restic was looked at"
    );

    let log = serde_json::to_string(&whole_log(&world, job.id).await?)?;
    let shown = serde_json::to_string(&ended)?;
    let kept = files_below(&[&world.path("server"), agent.folder()])?;
    assert!(kept.len() > 3, "databases and state were looked at");
    assert!(world.server.front().passed() > 1000, "the agent's connection was looked at");
    assert!(world.server.text().len() > 1000 && agent.text().len() > 100, "logs were looked at");
    for secret in [REPOSITORY_PASSWORD, STORAGE_PASSWORD, ADMIN_PASSWORD] {
        assert!(!live.iter().any(|line| line.contains(secret)), "{secret} is in the process list");
        assert!(!world.server.text().contains(secret), "{secret} is in the server's log");
        assert!(!agent.text().contains(secret), "{secret} is in the agent's log");
        assert!(!log.contains(secret) && !shown.contains(secret), "{secret} is in the job");
        assert!(
            !world.server.front().has_passed(secret.as_bytes()),
            "{secret} passed between agent and server"
        );
        for (path, content) in &kept {
            assert!(!holds(content, secret.as_bytes()), "{secret} is in {}", path.display());
        }
    }
    Ok(())
}

#[test]
fn the_search_finds_what_is_there() {
    assert!(holds(b"..needle..", b"needle"));
    assert!(!holds(b"..needl", b"needle"));
    assert!(command_lines().iter().any(|line| line.contains("secrets")), "the process list holds this test");
}

/// Arguments of every process.
pub(crate) fn command_lines() -> Vec<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

pub(crate) fn files_below(roots: &[&Path]) -> Outcome<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = roots.iter().map(|root| root.to_path_buf()).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(content) = fs::read(&path) {
                found.push((path, content));
            }
        }
    }
    Ok(found)
}

pub(crate) fn holds(content: &[u8], needle: &[u8]) -> bool {
    content.windows(needle.len()).any(|window| window == needle)
}
