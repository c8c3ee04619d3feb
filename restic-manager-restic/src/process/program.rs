use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::error::SpawnError;

/// An executable file, found once and named by its absolute path from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The file at an absolute path.
    ///
    /// # Errors
    ///
    /// The path is relative, or there is no executable file.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, SpawnError> {
        let path = path.into();
        if !path.is_absolute() {
            return Err(SpawnError::NotAbsolute);
        }
        let metadata = path.metadata()?;
        if metadata.is_file() && is_executable(&metadata) {
            Ok(Self { path })
        } else {
            Err(SpawnError::NotExecutable)
        }
    }

    /// The first executable of that name in the folders of a search path, usually the variable `PATH`.
    ///
    /// Relative folders are passed over: they would let the working directory decide what runs.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn find(name: &str, search_path: &OsStr) -> Result<Self, SpawnError> {
        let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        std::env::split_paths(search_path)
            .filter(|folder| folder.is_absolute())
            .find_map(|folder| Self::at(folder.join(&name)).ok())
            .ok_or(SpawnError::NotFound)
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_and_folders_are_no_programs() {
        assert_eq!(Program::at("restic"), Err(SpawnError::NotAbsolute));
        assert_eq!(Program::at(std::env::temp_dir()), Err(SpawnError::NotExecutable));
        assert_eq!(Program::at(std::env::temp_dir().join("no such file")), Err(SpawnError::NotFound));
    }

    #[cfg(unix)]
    #[test]
    fn the_search_path_is_searched_in_order_and_relative_folders_are_passed_over() {
        let found = Program::find("sh", OsStr::new(".:/nonexistent:/bin:/usr/bin")).expect("a shell");
        assert_eq!(found.path(), Path::new("/bin/sh"));
        assert_eq!(Program::find("sh", OsStr::new("bin:.")), Err(SpawnError::NotFound));
    }
}
