//! Files that hold keys: made once with mode 0600, never overwritten by accident, refused when exposed or
//! damaged. A refusal names the file and the way back.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

use crate::Random;

const MAX_LEN: u64 = 64 * 1024;

/// A key file was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use the key file {path}: {problem}", path = path.display())]
pub struct KeyFileError {
    path: PathBuf,
    problem: KeyFileProblem,
}

impl KeyFileError {
    pub(crate) fn new(path: &Path, problem: KeyFileProblem) -> Self {
        Self { path: path.to_owned(), problem }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    #[must_use]
    pub const fn problem(&self) -> &KeyFileProblem {
        &self.problem
    }
}

/// What is wrong with a key file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// It is not there.
    #[error("it is not there; put back your copy, a new key would not open what the old one sealed")]
    Missing,
    /// It was to be made, but is there already.
    #[error("it exists already and is never overwritten")]
    AlreadyExists,
    /// Others than its owner may read or change it.
    #[error(
        "others may read or change it (mode {mode:04o}); run chmod 600 on it and consider its keys known"
    )]
    Exposed {
        /// Its permission bits.
        mode: u32,
    },
    /// Its content is not what this version writes.
    #[error("{detail}; put back your copy of it")]
    Damaged {
        /// What was found instead.
        detail: &'static str,
    },
    /// A change of it was begun and not finished, or goes on.
    #[error("{} stands beside it; if no other process changes keys right now, delete that file and try again", .leftover.display())]
    Busy {
        /// The file to look at.
        leftover: PathBuf,
    },
    /// The operating system refused.
    #[error("{0}")]
    Io(io::ErrorKind),
}

/// The content of a key file, when it is text of sensible size that nobody else can read.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    read_checked(path).map_err(|problem| KeyFileError::new(path, problem))
}

/// Makes a key file; whole or not at all, and never in place of another.
pub(crate) fn create(path: &Path, content: &str, random: &dyn Random) -> Result<(), KeyFileError> {
    let mut suffix = [0; 4];
    random.fill(&mut suffix);
    let temporary = sibling(path, &format!("{:08x}.tmp", u32::from_be_bytes(suffix)));
    let published = write_new(&temporary, content).and_then(|()| {
        // Unlike a rename, a link refuses to replace.
        let linked = fs::hard_link(&temporary, path);
        fs::remove_file(&temporary)?;
        linked?;
        sync_folder(path)
    });
    published.map_err(|error| KeyFileError::new(path, error.into()))
}

/// Replaces a key file as a whole; only one process can at a time.
pub(crate) fn replace(path: &Path, content: &str) -> Result<(), KeyFileError> {
    let leftover = sibling(path, "new");
    let replaced = match write_new(&leftover, content) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(KeyFileProblem::Busy { leftover }),
        written => written
            .and_then(|()| fs::rename(&leftover, path))
            .and_then(|()| sync_folder(path))
            .map_err(Into::into),
    };
    replaced.map_err(|problem| KeyFileError::new(path, problem))
}

fn read_checked(path: &Path) -> Result<Zeroizing<String>, KeyFileProblem> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(KeyFileProblem::Damaged { detail: "it is not a regular file" });
    }
    refuse_exposed(&metadata)?;
    // Room for all of it: growing would leave copies behind that nobody wipes.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize + 1));
    file.take(MAX_LEN + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(KeyFileProblem::Damaged { detail: "it is longer than 64 KiB" });
    }
    match core::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(KeyFileProblem::Damaged { detail: "it is not text" }),
    }
}

/// Reading by the group is let through: that is how systemd hands credentials to a service.
#[cfg(unix)]
fn refuse_exposed(metadata: &fs::Metadata) -> Result<(), KeyFileProblem> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = metadata.mode() & 0o7777;
    if mode & 0o037 == 0 { Ok(()) } else { Err(KeyFileProblem::Exposed { mode }) }
}

/// Elsewhere the folder's access list protects the file; the installer sets it.
#[cfg(not(unix))]
fn refuse_exposed(_: &fs::Metadata) -> Result<(), KeyFileProblem> {
    Ok(())
}

fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

impl From<io::Error> for KeyFileProblem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            kind => Self::Io(kind),
        }
    }
}
