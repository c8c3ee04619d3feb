//! Where the real programs are, as `cargo xtask` found them.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Paths of programs; each lookup fails with the command that brings the program.
#[derive(Debug, Clone, Copy)]
pub struct Tools;

impl Tools {
    /// A restic of this version.
    pub fn restic(version: &str) -> Outcome<PathBuf> {
        let path = Self::variable("RESTIC_MANAGER_RESTIC_DIR")?.join(format!("restic-{version}"));
        if path.exists() { Ok(path) } else { Err(Failure::new(format!("{} is not there", path.display()))) }
    }

    /// The newest restic that is there, by version.
    pub fn newest_restic() -> Outcome<PathBuf> {
        let folder = Self::variable("RESTIC_MANAGER_RESTIC_DIR")?;
        let newest = std::fs::read_dir(&folder)?
            .filter_map(Result::ok)
            .filter_map(|entry| Some((version_of(&entry.path())?, entry.path())))
            .max();
        let missing = || Failure::new(format!("no restic-<version> in {}", folder.display()));
        newest.map(|(_, path)| path).ok_or_else(missing)
    }

    /// rest-server, or rclone in its place.
    pub fn rest_server() -> Outcome<PathBuf> {
        Self::variable("RESTIC_MANAGER_REST_SERVER")
    }

    /// One of our own binaries.
    pub fn binary(name: &str) -> Outcome<PathBuf> {
        let path = Self::variable("RESTIC_MANAGER_BIN_DIR")?.join(name);
        if path.exists() { Ok(path) } else { Err(Failure::new(format!("{} was not built", path.display()))) }
    }

    /// A PostgreSQL superuser's URL in the cluster of this run.
    pub fn postgres_url() -> Outcome<String> {
        let url = Self::variable("RESTIC_MANAGER_POSTGRES_URL")?;
        Ok(url.to_string_lossy().into_owned())
    }

    /// A program of PostgreSQL.
    pub fn postgres(program: &str) -> Outcome<PathBuf> {
        Ok(Self::variable("RESTIC_MANAGER_POSTGRES_BIN")?.join(program))
    }

    /// Prometheus, or its tool `promtool`.
    pub fn prometheus(program: &str) -> Outcome<PathBuf> {
        Ok(Self::variable("RESTIC_MANAGER_PROMETHEUS_BIN")?.join(program))
    }

    /// SQLite's own program.
    pub fn sqlite() -> Outcome<PathBuf> {
        Self::variable("RESTIC_MANAGER_SQLITE")
    }

    /// What makes certificates.
    pub fn openssl() -> Outcome<PathBuf> {
        Self::variable("RESTIC_MANAGER_OPENSSL")
    }

    /// The browser.
    pub fn chromium() -> Outcome<PathBuf> {
        Self::variable("RESTIC_MANAGER_CHROMIUM")
    }

    /// The folder with the browser's driver.
    pub fn node_modules() -> Outcome<PathBuf> {
        Self::variable("RESTIC_MANAGER_NODE_MODULES")
    }

    fn variable(name: &str) -> Outcome<PathBuf> {
        std::env::var_os(name).map(PathBuf::from).ok_or_else(|| {
            Failure::new(format!("{name} is not set: run this by `cargo xtask test` or `demo`"))
        })
    }
}

fn version_of(path: &Path) -> Option<[u32; 3]> {
    let mut parts =
        path.file_name()?.to_str()?.strip_prefix("restic-")?.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(version_of(Path::new("/t/restic-0.19.1")) > version_of(Path::new("/t/restic-0.9.6")));
        assert_eq!(version_of(Path::new("/t/rest-server-0.14.0")), None);
        assert_eq!(version_of(Path::new("/t/restic.done")), None);
    }
}
