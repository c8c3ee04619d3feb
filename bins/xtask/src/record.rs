//! `cargo xtask record [version…]`: the restic crate's corpus, anew from each restic that is there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::install::{self, Tool};
use crate::{shell, workspace};

const SCRIPT: &str = "restic-manager-restic/tests/recorded/record.sh";
const NEEDS: &[Tool] = &[Tool::Restic, Tool::RestServer];

/// One version after the other: the script has the machine's namespaces to itself. Root only, some minutes each.
pub(crate) fn run(versions: &[String]) -> Outcome {
    let installed = install::ensure(NEEDS)?;
    let programs = programs(installed.path(Tool::Restic)?, versions)?;
    let server = installed.path(Tool::RestServer)?;
    for program in programs {
        let mut command = Command::new("bash");
        command.arg(workspace::root().join(SCRIPT)).env("RESTIC", program);
        // rclone speaks the protocol, but its words are not what is recorded.
        if server.file_name().is_some_and(|name| name != "rclone") {
            command.env("REST_SERVER", server);
        }
        shell::run(command.current_dir(workspace::root()))?;
    }
    Ok(())
}

fn programs(folder: &Path, versions: &[String]) -> Outcome<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| shell::is_executable(path) && version_of(path).is_some())
        .collect();
    found.sort();
    for version in versions {
        if !found.iter().any(|path| version_of(path) == Some(version)) {
            return Err(Failure::new(format!("there is no restic {version} in {}", folder.display())));
        }
    }
    found.retain(|path| {
        versions.is_empty() || versions.iter().any(|version| version_of(path) == Some(version))
    });
    Ok(found)
}

fn version_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.strip_prefix("restic-")
}
