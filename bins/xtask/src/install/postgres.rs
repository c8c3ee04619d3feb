//! The server programs of PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::debian;
use crate::failure::{Failure, Outcome};
use crate::shell;

/// The folder of `initdb` and `postgres`.
pub(super) fn ensure(_: &Cache) -> Outcome<PathBuf> {
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install(&["postgresql"])
        .map_err(|failure| Failure::new(format!("the PostgreSQL server is missing: {failure}")))?;
    find().ok_or_else(|| {
        Failure::new("PostgreSQL was installed but has no initdb; set RESTIC_MANAGER_POSTGRES_BIN")
    })
}

fn find() -> Option<PathBuf> {
    let named = std::env::var_os("RESTIC_MANAGER_POSTGRES_BIN").map(PathBuf::from);
    let beside = shell::find_program("postgres").and_then(|program| fs::canonicalize(program).ok());
    let beside = beside.and_then(|program| program.parent().map(Path::to_path_buf));
    named.into_iter().chain(packaged()).chain(beside).find(|folder| {
        ["initdb", "postgres"].iter().all(|program| shell::is_executable(&folder.join(program)))
    })
}

/// Debian's folders, newest version first.
fn packaged() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|left, right| right.cmp(left));
    versions.into_iter().map(|(_, folder)| folder).collect()
}
