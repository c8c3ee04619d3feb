//! The test runner.

use std::path::PathBuf;

use super::cache::Cache;
use crate::failure::Outcome;
use crate::shell;

/// The `cargo-nextest` program: the system's, or one built into the cache folder.
pub(super) fn ensure(cache: &Cache) -> Outcome<PathBuf> {
    if let Some(found) = shell::find_program("cargo-nextest") {
        return Ok(found);
    }
    let root = cache.folder("tools/nextest")?;
    let binary = root.join("bin/cargo-nextest");
    if !binary.exists() {
        println!("building cargo-nextest, once; this takes some minutes …");
        let mut command = shell::cargo();
        shell::run(command.args(["install", "--locked", "cargo-nextest", "--root"]).arg(&root))?;
    }
    Ok(binary)
}
