//! How this crate keeps files: a folder that one agent owns, and files that are whole or not there.
//!
//! A file is written beside its place, synced, renamed into place, and the folder is synced; what a crash leaves
//! beside its place is removed when the folder is opened next. A file that cannot be understood is an error that
//! names it; nothing is ever reset silently.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// Held by the one agent that works in a folder, and touched by nobody else.
const LOCK: &str = "lock";
/// Held by the same agent, and looked at by whoever wants to know whether one works there.
const RUNNING: &str = "running";
const TEMPORARY: &str = "tmp";

/// A file or folder of the agent cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("use {}: {problem}", path.display())]
pub struct FileError {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: FileProblem,
}

/// What is wrong with a file or folder.
#[derive(Debug, thiserror::Error)]
pub enum FileProblem {
    /// The operating system refused.
    #[error("{0}")]
    Io(io::Error),
    /// Another agent works in this folder.
    #[error("another agent works in this folder; stop it first, or give this one a folder of its own")]
    InUse,
    /// Its content is not what an agent writes.
    #[error("it is damaged: {what}; {way_back}")]
    Damaged {
        /// What was found.
        what: String,
        /// What to do.
        way_back: &'static str,
    },
}

impl FileError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), problem: FileProblem::Io(error) }
    }

    /// Whether it may be over by itself: the disk is full, or somebody else is just there.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use io::ErrorKind::{
            Interrupted, QuotaExceeded, ReadOnlyFilesystem, ResourceBusy, StorageFull, TimedOut,
        };
        match &self.problem {
            FileProblem::Io(error) => matches!(
                error.kind(),
                StorageFull | QuotaExceeded | ReadOnlyFilesystem | ResourceBusy | Interrupted | TimedOut
            ),
            FileProblem::InUse => true,
            FileProblem::Damaged { .. } => false,
        }
    }

    pub(crate) fn damaged(path: &Path, what: impl Into<String>, way_back: &'static str) -> Self {
        Self { path: path.to_owned(), problem: FileProblem::Damaged { what: what.into(), way_back } }
    }
}

/// The agent's state folder, owned by this process for as long as the value lives.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _locks: [File; 2],
}

impl StateFolder {
    /// Makes the folder when it is missing, takes it, and removes what a crash left half written.
    ///
    /// # Errors
    /// When another agent has it, or the operating system refuses.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        make_folder(path)?;
        let lock_path = path.join(LOCK);
        let lock = open_lock(&lock_path)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(FileError { path: path.to_owned(), problem: FileProblem::InUse });
            }
            Err(TryLockError::Error(error)) => return Err(FileError::io(&lock_path, error)),
        }
        // Who looks holds it for a moment only.
        let running_path = path.join(RUNNING);
        let running = open_lock(&running_path)?;
        running.lock().map_err(|error| FileError::io(&running_path, error))?;
        remove_leftovers(path)?;
        Ok(Self { path: path.to_owned(), _locks: [lock, running] })
    }

    /// Whether an agent works in a folder now.
    #[must_use]
    pub fn is_in_use(path: &Path) -> bool {
        let Ok(lock) = File::open(path.join(RUNNING)) else { return false };
        matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// The content of a file of at most `limit` bytes; `None` when there is none.
///
/// # Errors
/// When it is longer, not text, or the operating system refuses.
pub fn read(path: &Path, limit: u64) -> Result<Option<String>, FileError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| FileError::io(path, error))?,
    };
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| FileError::io(path, error))?;
    if content.len() as u64 > limit {
        let what = format!("it is longer than {limit} bytes");
        return Err(FileError::damaged(path, what, "put back your copy of it"));
    }
    String::from_utf8(content)
        .map(Some)
        .map_err(|_| FileError::damaged(path, "it is not text", "put back your copy of it"))
}

/// Puts a file in place as a whole, readable by its owner alone; it is on the disk when this returns.
///
/// # Errors
/// When the operating system refuses; the file is then as it was.
pub fn write(path: &Path, content: &[u8]) -> Result<(), FileError> {
    Staged::new(path, content)?.commit()
}

/// Puts a file in place as a whole, readable by its owner alone. A crash may take it, or leave it empty: only for what is
/// checked when it is read and can be made anew.
pub(crate) fn place(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let beside = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    let mut file = open_private(&beside, &mut options)?;
    file.write_all(content)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(|error| FileError::io(path, error))
}

/// A file that is on the disk beside its place. It is gone with this value, unless it is committed.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    beside: PathBuf,
}

impl Staged {
    /// Writes it, readable by its owner alone.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn new(path: &Path, content: &[u8]) -> Result<Self, FileError> {
        let staged = Self { path: path.to_owned(), beside: beside(path) };
        write_synced(&staged.beside, content).map_err(|error| FileError::io(path, error))?;
        Ok(staged)
    }

    /// Puts it in its place; it is there for good when this returns.
    ///
    /// # Errors
    /// When the operating system refuses; the file is then as it was.
    pub fn commit(&self) -> Result<(), FileError> {
        fs::rename(&self.beside, &self.path)
            .and_then(|()| sync_folder(self.path.parent()))
            .map_err(|error| FileError::io(&self.path, error))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // There is none any more when it was committed; else it is removed when the folder is opened next.
        drop(fs::remove_file(&self.beside));
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::io(path, error)),
        _ => Ok(()),
    }
}

/// Makes a folder for the owner alone; one that is there stays as it is.
///
/// # Errors
/// When the operating system refuses.
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| FileError::io(path, error))
}

fn open_lock(path: &Path) -> Result<File, FileError> {
    open_private(path, OpenOptions::new().write(true).create(true).truncate(false))
}

/// Opens a file that only its owner may read.
pub(crate) fn open_private(path: &Path, options: &mut OpenOptions) -> Result<File, FileError> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path).map_err(|error| FileError::io(path, error))
}

/// Removes files that a crash left beside their places.
pub(crate) fn remove_leftovers(folder: &Path) -> Result<(), FileError> {
    let entries = fs::read_dir(folder).map_err(|error| FileError::io(folder, error))?;
    for entry in entries {
        let path = entry.map_err(|error| FileError::io(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == TEMPORARY) {
            fs::remove_file(&path).map_err(|error| FileError::io(&path, error))?;
        }
    }
    Ok(())
}

/// Makes the names in a folder durable.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Elsewhere a rename is durable with the file itself.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: Option<&Path>) -> io::Result<()> {
    Ok(())
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(TEMPORARY);
    path.with_file_name(name)
}
