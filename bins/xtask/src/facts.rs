//! `cargo xtask facts`: what a user of the restic crate takes on: its dependencies, its build, its documentation.

use std::time::Instant;

use crate::failure::Outcome;
use crate::shell;
use crate::workspace::{Metadata, cargo};

const PACKAGE: &str = "restic-manager-restic";

pub(crate) fn run(_: &[String]) -> Outcome {
    println!("Dependencies of the default build:\n");
    shell::run(&mut cargo(&["tree", "-p", PACKAGE, "-e", "normal"]))?;
    build("default build", &["--no-default-features"])?;
    build("with `process`", &["--features", "process"])?;
    println!("\nDocumentation:\n");
    let coverage = [
        "rustdoc",
        "--quiet",
        "-p",
        PACKAGE,
        "--all-features",
        "--",
        "-Z",
        "unstable-options",
        "--show-coverage",
    ];
    // The stable compiler counts only when told that it may.
    shell::run(cargo(&coverage).env("RUSTC_BOOTSTRAP", "1"))
}

/// A release build from nothing, dependencies included.
#[expect(clippy::disallowed_methods, reason = "measures a build")]
fn build(what: &str, features: &[&str]) -> Outcome {
    let folder = Metadata::load()?.target_directory()?.join("facts");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let mut command = cargo(&["build", "--quiet", "--release", "-p", PACKAGE]);
    let start = Instant::now();
    shell::output(command.args(features).env("CARGO_TARGET_DIR", &folder))?;
    println!("\nRelease build from nothing, {what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
