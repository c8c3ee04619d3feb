//! The steps that are one or two calls of Cargo.

use std::process::Command;

use crate::failure::{Failure, Outcome};
use crate::workspace::{self, Metadata, PUBLISHED, cargo, root};
use crate::{shell, test};

/// Everything below the restic crate when it only parses.
const PARSE_ONLY_LIMIT: usize = 12;

pub(super) fn format() -> Outcome {
    shell::run(&mut cargo(&["fmt", "--all", "--check"]))
}

pub(super) fn lock() -> Outcome {
    shell::output(&mut cargo(&["metadata", "--locked", "--format-version=1"])).map(drop)
}

pub(super) fn parse_only() -> Outcome {
    let mut tree = cargo(&["tree", "-p", "restic-manager-restic", "--no-default-features", "-e", "normal"]);
    let listed = shell::output(tree.args(["--prefix", "none", "--format", "{p}"]))?;
    let mut crates: Vec<&str> = listed.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    crates.retain(|line| !line.is_empty() && !line.starts_with("restic-manager-restic "));
    crates.sort_unstable();
    crates.dedup();
    println!("{} crates: {}", crates.len(), crates.join(", "));
    if crates.len() <= PARSE_ONLY_LIMIT {
        return Ok(());
    }
    Err(Failure::new(format!("the default build of restic-manager-restic may use {PARSE_ONLY_LIMIT} crates")))
}

/// Package by package: features unify over what is built together, and would hide a missing one.
pub(super) fn clippy() -> Outcome {
    let metadata = Metadata::load()?;
    for package in metadata.packages() {
        lint(&["-p", package.name(), "--all-targets", "--all-features"])?;
        if PUBLISHED.contains(&package.name()) {
            lint(&["-p", package.name(), "--no-default-features"])?;
        }
    }
    Ok(())
}

fn lint(selection: &[&str]) -> Outcome {
    let mut command = cargo(&["clippy", "--quiet"]);
    shell::run(command.args(selection).args(["--", "-D", "warnings"]))
}

pub(super) fn docs() -> Outcome {
    let mut command = cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--all-features"]);
    shell::run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// On the stable compiler: only running the targets needs more.
pub(super) fn fuzz() -> Outcome {
    if !workspace::root().join("fuzz/Cargo.toml").exists() {
        println!("no fuzz targets yet");
        return Ok(());
    }
    let target = Metadata::load()?.target_directory()?.join("fuzz");
    let mut command = cargo(&["check", "--quiet", "--locked", "--manifest-path", "fuzz/Cargo.toml"]);
    shell::run(command.env("CARGO_TARGET_DIR", target))
}

/// From a clean tree only: what is not committed is not published.
///
/// In a build folder of the commit's own: Cargo keeps what it unpacked of our crates in its home by the path of that
/// folder, and would check the next commit's crates against this one's.
pub(super) fn publish() -> Outcome {
    let mut git = Command::new("git");
    let commit = shell::output(git.current_dir(root()).args(["rev-parse", "HEAD"]))?;
    let folder = Metadata::load()?.target_directory()?.join(format!("publish-{}", commit.trim()));
    let mut command = cargo(&["publish", "--dry-run"]);
    command.arg("--target-dir").arg(&folder);
    for package in PUBLISHED {
        command.args(["-p", package]);
    }
    let outcome = shell::run(&mut command);
    // What is left there only takes room.
    let _ = std::fs::remove_dir_all(folder);
    outcome
}

pub(super) fn test() -> Outcome {
    test::run(&[])
}
