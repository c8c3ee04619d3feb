//! A repository whose making was broken off: keys are all there is of it, so that it neither opens nor can be made.
//!
//! restic itself cannot look into it. In a folder of this host that is done here; elsewhere it is a matter of the storage.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Most files that are looked at.
const MOST_FILES: usize = 64;
/// What a repository has besides its keys, from the moment on at which it was whole.
const WHOLE: [&str; 4] = ["data", "index", "locks", "snapshots"];

/// Why keys are not removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCleared {
    /// It is somewhere else.
    #[error(
        "the repository is no folder of this host, so its keys are removed at the storage: everything below `keys`"
    )]
    Elsewhere,
    /// It may be a repository after all.
    #[error("nothing was removed, because there is more than keys: {}", .0.display())]
    More(PathBuf),
    /// The operating system refused.
    #[error("could not look into or clear {}: {source}", .place.display())]
    Io { place: PathBuf, source: io::Error },
}

/// Removes the keys of an unfinished repository; says how many. Blocks on the disk.
pub(super) fn clear(location: &str) -> Result<usize, NotCleared> {
    let place = Path::new(location);
    if location.contains(':') || !place.is_absolute() {
        return Err(NotCleared::Elsewhere);
    }
    if fs::symlink_metadata(place.join("config")).is_ok() {
        return Err(NotCleared::More(place.join("config")));
    }
    for folder in WHOLE {
        if let Some(file) = files(&place.join(folder))?.into_iter().next() {
            return Err(NotCleared::More(file));
        }
    }
    let keys = files(&place.join("keys"))?;
    if let Some(other) = keys.iter().find(|key| !is_key(key)) {
        return Err(NotCleared::More(other.clone()));
    }
    for key in &keys {
        fs::remove_file(key).map_err(|source| NotCleared::Io { place: key.clone(), source })?;
    }
    Ok(keys.len())
}

/// Keys are files named by the 64 digits of a digest.
fn is_key(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_file = fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
    is_file && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What lies in a folder and in those below it that is no folder itself; a few of very many.
fn files(folder: &Path) -> Result<Vec<PathBuf>, NotCleared> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let refused = |source| NotCleared::Io { place: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(refused)?,
        };
        for entry in entries {
            let entry = entry.map_err(refused)?;
            let is_folder = entry.file_type().map_err(refused)?.is_dir();
            if is_folder { &mut folders } else { &mut found }.push(entry.path());
            if found.len() >= MOST_FILES {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half_made() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["data/00", "data/ff", "index", "keys", "locks", "snapshots"] {
            fs::create_dir_all(folder.path().join(name)).expect("a folder");
        }
        fs::write(folder.path().join("keys").join("ab".repeat(32)), "{}").expect("a key");
        folder
    }

    fn cleared(folder: &tempfile::TempDir) -> Result<usize, NotCleared> {
        clear(folder.path().to_str().expect("a path"))
    }

    #[test]
    fn keys_go_where_they_are_all_there_is() {
        let folder = half_made();
        assert_eq!(cleared(&folder).expect("cleared"), 1);
        assert_eq!(cleared(&folder).expect("nothing is left"), 0);
        assert!(folder.path().join("data/ff").is_dir());
    }

    #[test]
    fn whatever_else_is_there_keeps_the_keys() {
        let digest = "cd".repeat(32);
        for more in ["config", "data/00/x", "index/x", "snapshots/x", "locks/x", "keys/x", "keys/sub/x"] {
            let folder = half_made();
            let more = folder.path().join(more);
            fs::create_dir_all(more.parent().expect("a folder")).expect("a folder");
            fs::write(&more, "x").expect("a file");
            assert!(matches!(cleared(&folder), Err(NotCleared::More(found)) if found == more), "{more:?}");
            assert!(folder.path().join("keys").join("ab".repeat(32)).exists(), "{more:?}");
        }
        let folder = half_made();
        let link = folder.path().join("keys").join(&digest);
        std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link");
        assert!(matches!(cleared(&folder), Err(NotCleared::More(found)) if found == link));
    }

    #[test]
    fn another_storage_is_not_looked_into() {
        for location in ["rest:http://nas/main", "sftp:me@nas:/main", "main"] {
            assert!(matches!(clear(location), Err(NotCleared::Elsewhere)), "{location}");
        }
    }
}
