//! The browser driver: npm packages from the committed lock file, outside the clone.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::cache::{Cache, place};
use super::system::ensure_program;
use crate::failure::Outcome;
use crate::{shell, workspace};

pub(super) fn ensure_modules(cache: &Cache) -> Outcome<PathBuf> {
    ensure_program("Node.js", &["node"], &["nodejs", "npm"])?;
    let npm = ensure_program("npm", &["npm"], &["nodejs", "npm"])?;
    let committed = workspace::root().join("bins/e2e/browser");
    let folder = cache.folder("tools/browser")?;
    let modules = folder.join("node_modules");
    let stamp = folder.join("installed-lock.json");
    let lock = fs::read(committed.join("package-lock.json"))?;
    if modules.exists() && fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(modules);
    }
    for file in ["package.json", "package-lock.json"] {
        place(&committed.join(file), &folder.join(file))?;
    }
    println!("fetching the browser driver …");
    let mut install = Command::new(npm);
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&folder);
    shell::output(install.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"))?;
    fs::write(&stamp, lock)?;
    Ok(modules)
}
