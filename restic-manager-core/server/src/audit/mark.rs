//! What the server last knew of its database, in a file beside its identity: so that a database which went back in time, or
//! whose audit log was rewritten together with its checkpoints, is noticed.

use core::{fmt, str::FromStr};
use restic_manager_proto::Timestamp;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::checkpoint::Checkpoint;

/// What the file begins with.
const FORMAT: &str = "restic-manager-database-1";
/// Far more than a mark takes.
const MOST_BYTES: u64 = 4096;

/// How far a database had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its generation: a number in the database that only grows.
    pub generation: u64,
    /// When that was.
    pub moment: Timestamp,
    /// The newest end of the audit log that was seen to be whole.
    pub checkpoint: Option<Checkpoint>,
}

/// How a database stands to its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has its own consequence")]
pub enum Standing {
    /// It has come as far as the mark, or farther.
    Fits,
    /// Neither has seen the other, nor anything else.
    New,
    /// It is older than its mark.
    Older,
    /// It had a mark, and there is none.
    Unmarked,
}

/// Compares a mark with the generation that a database holds.
#[must_use]
pub fn compare(mark: Option<&Mark>, generation: Option<u64>) -> Standing {
    match (mark, generation) {
        (None, None | Some(0)) => Standing::New,
        (None, Some(_)) => Standing::Unmarked,
        (Some(mark), found) if found.unwrap_or(0) < mark.generation => Standing::Older,
        (Some(_), _) => Standing::Fits,
    }
}

/// A text is not a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not what this version writes")]
pub struct ParseMarkError;

/// The file of a mark cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("use the mark of the database, {path}: {problem}", path = path.display())]
pub struct MarkFileError {
    path: PathBuf,
    problem: String,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = self.moment.as_milliseconds();
        writeln!(f, "{FORMAT}\ngeneration {}\nmoment {moment}", self.generation)?;
        self.checkpoint.iter().try_for_each(|checkpoint| writeln!(f, "checkpoint {checkpoint}"))
    }
}

impl FromStr for Mark {
    type Err = ParseMarkError;

    fn from_str(text: &str) -> Result<Self, ParseMarkError> {
        let mut lines = text.strip_suffix('\n').ok_or(ParseMarkError)?.split('\n');
        let mut line = |name: &str| lines.next().map(|line| line.strip_prefix(name).ok_or(ParseMarkError));
        let mut needed = |name: &str| line(name).unwrap_or(Err(ParseMarkError));
        if !needed(FORMAT)?.is_empty() {
            return Err(ParseMarkError);
        }
        let generation = needed("generation ")?.parse().map_err(|_| ParseMarkError)?;
        let moment = needed("moment ")?.parse().map_err(|_| ParseMarkError)?;
        let checkpoint = line("checkpoint ").transpose()?.map(str::parse).transpose();
        let checkpoint = checkpoint.map_err(|_| ParseMarkError)?;
        if lines.next().is_some() {
            return Err(ParseMarkError);
        }
        Ok(Self { generation, moment: Timestamp::from_milliseconds(moment), checkpoint })
    }
}

/// Where a mark is kept.
#[derive(Clone, Debug)]
pub struct MarkFile(PathBuf);

impl MarkFile {
    /// At a path, which need not exist.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The mark, if there is one.
    ///
    /// # Errors
    /// When it cannot be read, or holds something else.
    pub fn read(&self) -> Result<Option<Mark>, MarkFileError> {
        match read(&self.0) {
            Ok(text) => text.parse().map(Some).map_err(|error| self.failed(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Puts a mark in the place of the one before, whole or not at all; it is on the disk when this returns.
    ///
    /// # Errors
    /// When the disk does not take it; the one before stays.
    pub fn write(&self, mark: &Mark) -> Result<(), MarkFileError> {
        write(&self.0, &mark.to_string()).map_err(|error| self.failed(&error))
    }

    fn failed(&self, problem: &dyn fmt::Display) -> MarkFileError {
        MarkFileError { path: self.0.clone(), problem: problem.to_string() }
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // A folder can be opened and synced on Unix alone.
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::{Identity, SeededRandom};
    use restic_manager_store::audit::AuditHead;

    fn mark(generation: u64) -> Mark {
        Mark { generation, moment: Timestamp::from_milliseconds(1_795_316_400_000), checkpoint: None }
    }

    fn signed() -> Mark {
        let identity = Identity::generate(&SeededRandom::new(1));
        let head = AuditHead { sequence: 41, hash: [7; 32] };
        Mark { checkpoint: Some(Checkpoint::sign(&identity, head, mark(1).moment)), ..mark(7) }
    }

    #[test]
    fn a_database_is_older_new_unmarked_or_fits() {
        for (known, found, standing) in [
            (None, None, Standing::New),
            (None, Some(0), Standing::New),
            (None, Some(1), Standing::Unmarked),
            (Some(mark(5)), None, Standing::Older),
            (Some(mark(5)), Some(4), Standing::Older),
            (Some(mark(5)), Some(5), Standing::Fits),
            (Some(mark(5)), Some(6), Standing::Fits),
        ] {
            assert_eq!(compare(known.as_ref(), found), standing, "{known:?} {found:?}");
        }
    }

    #[test]
    fn a_mark_reads_back_and_what_is_no_mark_is_refused() {
        for mark in [mark(0), signed()] {
            let text = mark.to_string();
            assert_eq!(text.parse(), Ok(mark));
            for cut in 0..text.len() {
                assert!(
                    text[..cut].parse::<Mark>().is_ok_and(|_| text[..cut].ends_with("000\n"))
                        || text[..cut].parse::<Mark>().is_err(),
                    "{:?}",
                    &text[..cut]
                );
            }
            assert!(format!("{text}more\n").parse::<Mark>().is_err());
            assert!(text.replacen("-1\n", "-2\n", 1).parse::<Mark>().is_err());
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("database.mark");
        let file = MarkFile::new(&path);
        assert_eq!(file.read().unwrap(), None);
        fs::write(folder.path().join("database.mark.new"), "half of an earlier try").unwrap();
        for mark in [signed(), mark(8)] {
            file.write(&mark).unwrap();
            assert_eq!(file.read().unwrap(), Some(mark));
        }
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o077,
            0
        );
        fs::write(&path, "nonsense").unwrap();
        let refused = file.read().unwrap_err().to_string();
        assert!(
            refused.contains("database.mark") && refused.contains("not what this version writes"),
            "{refused}"
        );
    }
}
