//! restic in several versions side by side, and the server that holds repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::{Cache, place};
use super::debian::{self, Archive};
use crate::failure::{Failure, Outcome};
use crate::shell;

/// The versions that tests expect, oldest first.
const WANTED: &[&str] = &["0.14.0", "0.18.0", "0.19.1"];

/// The folder that holds `restic-<version>` for each version.
pub(super) fn ensure_clients(cache: &Cache) -> Outcome<PathBuf> {
    let folder = cache.tools();
    let is_missing = |version: &&&str| !folder.join(format!("restic-{version}")).exists();
    let missing: Vec<&str> = WANTED.iter().filter(is_missing).copied().collect();
    if missing.is_empty() {
        return Ok(folder);
    }
    let archive = match Archive::open(cache) {
        Ok(archive) => archive,
        Err(reason) => {
            adopt_system_restic(&folder, &reason)?;
            return Ok(folder);
        }
    };
    for version in missing {
        match archive.unpack("restic", version) {
            Ok(root) => drop(adopt(&root.join("usr/bin/restic"), &folder, "restic")?),
            Err(reason) => tell_lacking(version, &reason)?,
        }
    }
    Ok(folder)
}

/// A version that no release of Debian holds any more is no accident when nobody watches: the README names it.
fn tell_lacking(version: &str, reason: &Failure) -> Outcome {
    let told = format!(
        "restic {version} cannot be had ({reason}): put what the releases hold now into WANTED of \
         bins/xtask/src/install/restic.rs and the README, and record it with `cargo xtask record`"
    );
    if shell::is_ci() {
        return Err(Failure::new(told));
    }
    eprintln!("notice: {told}");
    Ok(())
}

/// rest-server, or rclone, which serves the same protocol, where rest-server cannot be had.
pub(super) fn ensure_server(cache: &Cache) -> Outcome<PathBuf> {
    let folder = cache.tools();
    if let Some(found) = newest(&folder, "rest-server-")? {
        return Ok(found);
    }
    if let Some(found) =
        shell::find_program("rest-server").or_else(|| shell::find_program("restic-rest-server"))
    {
        return Ok(found);
    }
    let reason = match fetch_server(cache) {
        Ok(found) => return Ok(found),
        Err(reason) => reason,
    };
    if shell::find_program("rclone").is_none() {
        debian::install(&["rclone"]).map_err(|_| {
            Failure::new(format!(
                "rest-server could not be fetched ({reason}) and there is no rclone in its place"
            ))
        })?;
    }
    eprintln!("notice: rest-server could not be fetched ({reason}); `rclone serve restic` takes its place");
    shell::find_program("rclone").ok_or_else(|| Failure::new("rclone was installed but is not on the path"))
}

fn fetch_server(cache: &Cache) -> Outcome<PathBuf> {
    let archive = Archive::open(cache)?;
    let newest = archive.versions("restic-rest-server")?.pop();
    let newest = newest.ok_or_else(|| Failure::new("no release has restic-rest-server"))?;
    let root = archive.unpack("restic-rest-server", &newest)?;
    let binary = find_below(&root, &["usr/bin/rest-server", "usr/bin/restic-rest-server"])?;
    adopt(&binary, &cache.tools(), "rest-server")
}

fn adopt_system_restic(folder: &Path, reason: &Failure) -> Outcome {
    if shell::find_program("restic").is_none() {
        debian::install(&["restic"])
            .map_err(|failure| Failure::new(format!("restic is missing: {failure}")))?;
    }
    let binary = shell::find_program("restic").ok_or_else(|| Failure::new("restic is not on the path"))?;
    let kept = adopt(&binary, folder, "restic")?;
    eprintln!("notice: only {} can be tested here ({reason})", kept.display());
    Ok(())
}

/// Copies a program into the folder under the version that it reports.
fn adopt(binary: &Path, folder: &Path, name: &str) -> Outcome<PathBuf> {
    let flag = if name == "restic" { "version" } else { "--version" };
    let said = shell::output(Command::new(binary).arg(flag))?;
    let version = version_in(&said).ok_or_else(|| Failure::new(format!("no version in {said:?}")))?;
    let kept = folder.join(format!("{name}-{version}"));
    place(binary, &kept)?;
    Ok(kept)
}

/// Of the programs with this prefix the one of the highest version.
fn newest(folder: &Path, prefix: &str) -> Outcome<Option<PathBuf>> {
    let programs = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path());
    let of_prefix = programs.filter_map(|path| {
        let version = numbers(path.file_name()?.to_str()?.strip_prefix(prefix)?)?;
        shell::is_executable(&path).then_some((version, path))
    });
    Ok(of_prefix.max().map(|(_, path)| path))
}

/// `0.14.0` as numbers: 0.9 is before 0.14.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

fn find_below(root: &Path, candidates: &[&str]) -> Outcome<PathBuf> {
    let found = candidates.iter().map(|candidate| root.join(candidate)).find(|path| path.exists());
    found.ok_or_else(|| Failure::new(format!("the package holds none of {}", candidates.join(", "))))
}

/// The first word that looks like `1.2.3`.
fn version_in(said: &str) -> Option<&str> {
    said.split(|c: char| c.is_whitespace() || c == '(' || c == ',')
        .map(|word| word.trim_start_matches('v'))
        .find(|word| numbers(word).is_some_and(|numbers| numbers.len() == 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(numbers("0.9.8") < numbers("0.14.0"));
        assert_eq!(numbers("0.14.0.partial"), None);
    }

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(version_in("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n"), Some("0.14.0"));
        assert_eq!(
            version_in("rest-server version rest-server 0.14.0 compiled with go1.24\n"),
            Some("0.14.0")
        );
        assert_eq!(version_in("rest-server 0.13.0 (v0.13.0) compiled with"), Some("0.13.0"));
        assert_eq!(version_in("rest-server dev"), None);
    }
}
