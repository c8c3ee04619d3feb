//! Programs of Cargo's own world, built once into the cache folder.

use std::path::PathBuf;
use std::process::Command;

use super::cache::Cache;
use crate::failure::Outcome;
use crate::shell;

pub(super) fn ensure_nextest(cache: &Cache) -> Outcome<PathBuf> {
    // Any version will do: what it says at the end has been the same for years.
    shell::find_program("cargo-nextest").map_or_else(|| ensure(cache, "cargo-nextest", "0.9.143"), Ok)
}

pub(super) fn ensure_deny(cache: &Cache) -> Outcome<PathBuf> {
    ensure(cache, "cargo-deny", "0.20.2")
}

/// The program in this version: from the path, from an earlier run, or built now.
fn ensure(cache: &Cache, name: &str, version: &str) -> Outcome<PathBuf> {
    let is_wanted = |program: &PathBuf| {
        // Cargo passes its subcommands their own name first.
        let subcommand = name.trim_start_matches("cargo-");
        shell::output(Command::new(program).args([subcommand, "--version"]))
            .is_ok_and(|said| says(&said, version))
    };
    let root = cache.folder(&format!("tools/{name}-{version}"))?;
    let built = root.join("bin").join(name);
    if let Some(found) =
        [Some(built.clone()), shell::find_program(name)].into_iter().flatten().find(is_wanted)
    {
        return Ok(found);
    }
    println!("building {name} {version}, once; this takes some minutes …");
    let mut command = shell::cargo();
    command.args(["install", "--locked", "--force", "--version", version, name, "--root"]).arg(&root);
    // A build folder of its own: ours is locked while this program runs.
    shell::run(command.env("CARGO_TARGET_DIR", root.join("build")))?;
    // What is left of building only takes room.
    let _ = std::fs::remove_dir_all(root.join("build"));
    Ok(built)
}

fn says(said: &str, version: &str) -> bool {
    said.split_whitespace().any(|word| word == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_not_the_one_wanted() {
        assert!(says("cargo-deny 0.20.2\n", "0.20.2"));
        assert!(!says("cargo-deny 0.20.21\n", "0.20.2") && !says("", "0.20.2"));
    }
}
