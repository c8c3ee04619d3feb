//! What is on a disk at the place where something is to be restored.

use std::{fs, io, path::PathBuf};

use crate::index::{Kind, Moment};

/// What a path is now. Links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Permission, set-id and sticky bits.
    pub mode: u16,
    /// Number of its owner.
    pub uid: u32,
    /// Number of its group.
    pub gid: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Last change of the content.
    pub mtime: Moment,
    /// How many names it has.
    pub links: u64,
}

/// A disk that can be looked at.
pub trait Disk {
    /// What a path is; `None` when nothing is there.
    ///
    /// # Errors
    /// When the operating system refuses.
    fn look(&self, path: &[u8]) -> io::Result<Option<Found>>;

    /// Shows the names in a folder, in any order.
    ///
    /// # Errors
    /// When the operating system refuses, or `see` does.
    fn names(&self, folder: &[u8], see: &mut dyn FnMut(Vec<u8>) -> io::Result<()>) -> io::Result<()>;
}

/// The disk of this host.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn look(&self, path: &[u8]) -> io::Result<Option<Found>> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match fs::symlink_metadata(native(path)?) {
            Ok(metadata) => Ok(Some(found(&metadata))),
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn names(&self, folder: &[u8], see: &mut dyn FnMut(Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        for entry in fs::read_dir(native(folder)?)? {
            see(entry?.file_name().into_encoded_bytes())?;
        }
        Ok(())
    }
}

/// A path as the operating system takes it.
#[cfg(unix)]
pub(crate) fn native(path: &[u8]) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    Ok(std::ffi::OsStr::from_bytes(path).into())
}

/// A path as the operating system takes it.
#[cfg(not(unix))]
pub(crate) fn native(path: &[u8]) -> io::Result<PathBuf> {
    let text = std::str::from_utf8(path).map_err(|_| io::ErrorKind::InvalidFilename)?;
    Ok(text.into())
}

#[cfg(unix)]
fn found(metadata: &fs::Metadata) -> Found {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    let kind = metadata.file_type();
    let kinds = [
        (kind.is_file(), Kind::File),
        (kind.is_dir(), Kind::Dir),
        (kind.is_symlink(), Kind::Symlink),
        (kind.is_block_device(), Kind::Device),
        (kind.is_char_device(), Kind::CharDevice),
        (kind.is_fifo(), Kind::Fifo),
        (kind.is_socket(), Kind::Socket),
    ];
    Found {
        kind: kinds.into_iter().find_map(|(is, kind)| is.then_some(kind)).unwrap_or(Kind::Other),
        mode: (metadata.mode() & 0o7777) as u16,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: metadata.len(),
        mtime: Moment { seconds: metadata.mtime(), nanoseconds: metadata.mtime_nsec() as u32 },
        links: metadata.nlink(),
    }
}

/// Elsewhere there are no modes, owners or numbers of names to be had.
#[cfg(not(unix))]
fn found(metadata: &fs::Metadata) -> Found {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    let mtime = Moment {
        seconds: i64::try_from(since.as_secs()).unwrap_or_default(),
        nanoseconds: since.subsec_nanos(),
    };
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Dir,
        kind if kind.is_symlink() => Kind::Symlink,
        _ => Kind::Other,
    };
    Found { kind, mode: 0, uid: 0, gid: 0, size: metadata.len(), mtime, links: 1 }
}
