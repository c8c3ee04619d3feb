//! Licences, sources, duplicate versions and advisories of what we depend on: cargo-deny, by the rules in `.deny.toml`.

use std::path::Path;
use std::process::Command;

use crate::failure::Outcome;
use crate::install::{self, Tool};
use crate::{shell, workspace};

pub(super) fn check() -> Outcome {
    let installed = install::ensure(&[Tool::Deny])?;
    let program = installed.path(Tool::Deny)?;
    shell::run(deny(program).args([
        "--offline",
        "check",
        "--deny",
        "warnings",
        "bans",
        "licenses",
        "sources",
    ]))?;
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
