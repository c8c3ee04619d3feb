//! Programs that only the system's package manager can bring.

use std::path::PathBuf;

use super::cache::Cache;
use super::debian;
use crate::failure::{Failure, Outcome};
use crate::shell;

const CHROMIUM_NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

pub(super) fn ensure_chromium(_: &Cache) -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("RESTIC_MANAGER_CHROMIUM").map(PathBuf::from) {
        return Ok(named);
    }
    ensure_program("Chromium", CHROMIUM_NAMES, &["chromium", "fonts-dejavu-core"])
}

pub(super) fn ensure_sqlite(_: &Cache) -> Outcome<PathBuf> {
    ensure_program("sqlite3", &["sqlite3"], &["sqlite3"])
}

pub(super) fn ensure_openssl(_: &Cache) -> Outcome<PathBuf> {
    ensure_program("openssl", &["openssl"], &["openssl"])
}

/// The first of these programs on the path, installed when there is none.
pub(super) fn ensure_program(what: &str, names: &[&str], packages: &[&str]) -> Outcome<PathBuf> {
    let find = || names.iter().find_map(|name| shell::find_program(name));
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install(packages).map_err(|failure| Failure::new(format!("{what} is missing: {failure}")))?;
    find().ok_or_else(|| Failure::new(format!("{what} was installed but is not on the path")))
}
