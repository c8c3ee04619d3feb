//! The folder that keeps fetched programs between runs and between clones.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `RESTIC_MANAGER_CACHE`, else `restic-manager` below the user's cache folder.
    pub(crate) fn open() -> Outcome<Self> {
        let root =
            Self::locate(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))?;
        let tools = root.join("tools");
        fs::create_dir_all(&tools).map_err(|error| Failure::at(&tools, &error))?;
        Ok(Self { root })
    }

    /// Where finished tools are.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.join("tools")
    }

    /// A folder for work in progress or state of an installer, created when missing.
    pub(crate) fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).map_err(|error| Failure::at(&folder, &error))?;
        Ok(folder)
    }

    /// Held while installing, so that two runs do not write the same file.
    pub(crate) fn lock(&self) -> Outcome<File> {
        let path = self.root.join("lock");
        let file = File::create(&path).map_err(|error| Failure::at(&path, &error))?;
        file.lock().map_err(|error| Failure::at(&path, &error))?;
        Ok(file)
    }

    fn locate(variable: impl Fn(&str) -> Option<PathBuf>) -> Outcome<PathBuf> {
        variable("RESTIC_MANAGER_CACHE")
            .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("restic-manager")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".cache/restic-manager")))
            .ok_or_else(|| Failure::new("no cache folder: set RESTIC_MANAGER_CACHE"))
    }
}

/// Puts a finished file in place in one step: a run that is killed never leaves half of one.
pub(super) fn place(from: &Path, to: &Path) -> Outcome {
    let partial = to.with_extension("partial");
    fs::copy(from, &partial).map_err(|error| Failure::at(from, &error))?;
    fs::rename(&partial, to).map_err(|error| Failure::at(to, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_variable_wins() {
        let all = |name: &str| Some(PathBuf::from(format!("/{name}")));
        assert_eq!(Cache::locate(all).unwrap(), Path::new("/RESTIC_MANAGER_CACHE"));
        let without_own = |name: &str| all(name).filter(|_| name != "RESTIC_MANAGER_CACHE");
        assert_eq!(Cache::locate(without_own).unwrap(), Path::new("/XDG_CACHE_HOME/restic-manager"));
        let home_only = |name: &str| all(name).filter(|_| name == "HOME");
        assert_eq!(Cache::locate(home_only).unwrap(), Path::new("/HOME/.cache/restic-manager"));
        assert!(Cache::locate(|_| None).is_err());
    }
}
