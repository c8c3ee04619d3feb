//! Licences, sources, duplicate versions and advisories of what we depend on: cargo-deny, by the rules in `.deny.toml`.

use std::path::Path;
use std::process::Command;

use crate::failure::Outcome;
use crate::install::{self, Tool};
use crate::{shell, workspace};

/// An exception that nobody needs any more fails; that ours name a licence file and no expression is on purpose.
const LINTS: &[&str] = &[
    "--deny=unmatched-skip",
    "--deny=unnecessary-skip",
    "--deny=license-not-encountered",
    "--deny=license-exception-not-encountered",
    "--allow=no-license-field",
];

pub(super) fn check() -> Outcome {
    let installed = install::ensure(&[Tool::Deny])?;
    let program = installed.path(Tool::Deny)?;
    shell::run(deny(program).arg("check").args(LINTS).args(["bans", "licenses", "sources"]))?;
    if let Err(reason) = shell::output(deny(program).args(["fetch", "db"])) {
        println!("advisories: not checked, no database could be fetched: {}", last_line(&reason.to_string()));
        return Ok(());
    }
    shell::run(deny(program).args(["--offline", "check", "--disable-fetch", "advisories"]))
}

fn deny(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace::root()).args(["--color", "never", "--config", ".deny.toml"]);
    command
}

fn last_line(said: &str) -> &str {
    said.trim_end().lines().next_back().unwrap_or_default()
}
