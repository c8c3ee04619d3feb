//! What the published crates promise: the listing of a public API, and what changed since a release.
//!
//! Both need a program of their own that takes minutes to build, so an ordinary run only uses it when it is there, and
//! says so when it is not.

use std::fs;

use crate::failure::{Failure, Outcome};
use crate::shell;
use crate::workspace::{self, PUBLISHED, cargo};

/// Crates whose listing is kept beside their manifest, so that a change of the API is seen in review.
const LISTED: &[&str] = &["restic-manager-restic"];
const LISTER: &str = "cargo-public-api";
const COMPARER: &str = "cargo-semver-checks";

/// `cargo xtask api`: writes the listings anew.
pub(crate) fn run(_: &[String]) -> Outcome {
    for package in LISTED {
        let path = workspace::root().join(package).join("api.txt");
        fs::write(&path, listing(package)?).map_err(|error| Failure::at(&path, &error))?;
        println!("wrote {package}/api.txt");
    }
    Ok(())
}

/// Fails when a listing is not what the code has.
pub(super) fn check_listings() -> Outcome {
    if !is_there("public-api") {
        println!(
            "{LISTER} is not here, so no listing was compared; `cargo install --locked {LISTER}` brings it"
        );
        return Ok(());
    }
    for package in LISTED {
        let kept = fs::read_to_string(workspace::root().join(package).join("api.txt")).unwrap_or_default();
        if kept != listing(package)? {
            return Err(Failure::new(format!(
                "{package}/api.txt is not the API: run `cargo xtask api`, look at the change, and commit it"
            )));
        }
    }
    println!("{} listings are current", LISTED.len());
    Ok(())
}

/// Compares each published crate with its last release, the newest tag `<crate>-v<version>`.
pub(super) fn check_semver() -> Outcome {
    for package in PUBLISHED {
        let mut tags = std::process::Command::new("git");
        tags.current_dir(workspace::root()).args([
            "tag",
            "--list",
            "--sort=-v:refname",
            &format!("{package}-v*"),
        ]);
        let tags = shell::output(&mut tags)?;
        let Some(release) = tags.lines().next() else {
            println!("{package}: nothing was released yet, so there is nothing to compare with");
            continue;
        };
        if !is_there("semver-checks") {
            return Err(Failure::new(format!("{COMPARER} is not here: cargo install --locked {COMPARER}")));
        }
        shell::run(cargo(&["semver-checks", "-p", package, "--baseline-rev"]).arg(release))?;
    }
    Ok(())
}

fn is_there(subcommand: &str) -> bool {
    shell::succeeds(&mut cargo(&[subcommand, "--version"]))
}

fn listing(package: &str) -> Outcome<String> {
    let mut command = cargo(&["public-api", "-p", package, "--all-features", "-sss"]);
    // It reads rustdoc's JSON, which the stable compiler writes only when told that it may.
    shell::output(command.current_dir(workspace::root().join(package)).env("RUSTC_BOOTSTRAP", "1"))
}
