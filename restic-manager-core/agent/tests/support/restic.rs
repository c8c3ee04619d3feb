use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use restic_manager_proto::{
    JobId, Opaque, RepositoryId, RepositorySecrets, SecretText, Timestamp,
    agent::{JobOrder, RepositoryOrder, SourceOrder, Task},
};

/// The real restic: the newest `restic-<version>` in the folder that `RESTIC_MANAGER_RESTIC_DIR` names, or `restic`
/// along the search path.
pub(crate) fn find_restic() -> PathBuf {
    let search = std::env::var_os("PATH").unwrap_or_default();
    std::env::var_os("RESTIC_MANAGER_RESTIC_DIR")
        .and_then(|folder| newest(Path::new(&folder)))
        .or_else(|| {
            std::env::split_paths(&search).map(|folder| folder.join("restic")).find(|path| path.is_file())
        })
        .expect("restic is needed: apt-get install -y restic, or cargo xtask test")
}

/// Every restic in the folder that `RESTIC_MANAGER_RESTIC_DIR` names, oldest first; else the one along the search path.
pub(crate) fn find_every_restic() -> Vec<PathBuf> {
    let folder = std::env::var_os("RESTIC_MANAGER_RESTIC_DIR").map(PathBuf::from);
    let entries = folder.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((numbers(path.file_name()?.to_str()?.strip_prefix("restic-")?)?, path))
        })
        .collect();
    found.sort();
    if found.is_empty() { vec![find_restic()] } else { found.into_iter().map(|(_, path)| path).collect() }
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let names =
        std::fs::read_dir(folder).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let newest = names.filter_map(|name| Some((numbers(name.strip_prefix("restic-")?)?, name))).max()?;
    Some(folder.join(newest.1))
}

fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

pub(crate) fn password() -> RepositorySecrets {
    RepositorySecrets::new(SecretText::new("correct horse battery"), None)
}

/// An order for a repository in a folder, to be made when it is missing.
pub(crate) fn repository_order(number: u8, task: Task, location: &Path) -> JobOrder {
    let location = location.to_str().expect("a path of text");
    let repository =
        RepositoryOrder::new(RepositoryId::from_bytes([3; 16]), location, true, Opaque::default());
    // Later than any test, whatever day it is.
    let deadline = Timestamp::from_milliseconds(1_795_316_400_000 + 20 * 366 * 86_400_000);
    JobOrder::new(JobId::from_bytes([number; 16]), task, deadline, repository, "web-1")
}

/// Runs restic by hand on a repository of the tests; gives what it prints.
pub(crate) fn restic<const N: usize>(repository: &Path, arguments: [&str; N]) -> String {
    let output = Command::new(find_restic())
        .args(arguments)
        .env_clear()
        .env("RESTIC_REPOSITORY", repository)
        .env("RESTIC_PASSWORD", password().password.expose())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .arg("--no-cache")
        .stdin(Stdio::null())
        .output()
        .expect("restic runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The backup of a source.
pub(crate) fn backup_of(source: SourceOrder) -> Task {
    Task::Backup { source: Box::new(source) }
}
