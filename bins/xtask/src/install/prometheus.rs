//! Prometheus and promtool, side by side in one folder: unpacked beside the system, because the package starts a service.

use std::path::{Path, PathBuf};

use super::cache::{Cache, place};
use super::debian::Archive;
use crate::failure::{Failure, Outcome};
use crate::shell;

const PROGRAMS: &[&str] = &["prometheus", "promtool"];

/// The folder of both programs: the one that is named, that on the path, the one of an earlier run, or fetched now.
pub(super) fn ensure(cache: &Cache) -> Outcome<PathBuf> {
    let named = std::env::var_os("RESTIC_MANAGER_PROMETHEUS_BIN").map(PathBuf::from);
    let kept = cache.folder("tools/prometheus")?;
    if let Some(found) =
        named.into_iter().chain(on_path()).chain([kept.clone()]).find(|folder| has_both(folder))
    {
        return Ok(found);
    }
    let archive = Archive::open(cache)?;
    let newest = archive.versions("prometheus")?.into_iter().next();
    let version = newest.ok_or_else(|| Failure::new("no release has prometheus"))?;
    let root = archive.unpack("prometheus", &version)?;
    for program in PROGRAMS {
        place(&root.join("usr/bin").join(program), &kept.join(program))?;
    }
    if has_both(&kept) { Ok(kept) } else { Err(Failure::new("prometheus was fetched and cannot be run")) }
}

fn on_path() -> Option<PathBuf> {
    shell::find_program("promtool").and_then(|program| program.parent().map(Path::to_path_buf))
}

fn has_both(folder: &Path) -> bool {
    PROGRAMS.iter().all(|program| shell::is_executable(&folder.join(program)))
}
