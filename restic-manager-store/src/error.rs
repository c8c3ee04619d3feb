//! One opaque error with a kind that says what the caller can do.

use core::fmt;

/// What went wrong, by what the caller can do about it. "Absent" is not among them: queries answer `Ok(None)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The row is not as the caller believes: another version, or a state that forbids the change. Read it again.
    Conflict,
    /// A name or token that must be unique is in use already.
    Taken,
    /// The row to change, or one that it refers to, does not exist.
    NotFound,
    /// The row cannot be removed while others use it.
    InUse,
    /// The transaction lost a race against another one. Run it again from the start; [`retry`](crate::retry()) does.
    Contention,
    /// The database cannot be reached, is full or refuses to write. Later it may work.
    Unavailable,
    /// The database was written by a newer version of this software.
    NewerSchema,
    /// The database was written by an older version, and was opened only to be looked at.
    OlderSchema,
    /// What is stored cannot be understood.
    Corrupt,
    /// The database was found damaged, and takes no changes until it was put right.
    Damaged,
}

/// A change or query that did not happen.
///
/// The promise covers [`Error::kind`]; texts and sources are for people and may change.
pub struct Error {
    kind: ErrorKind,
    subject: &'static str,
    source: Option<Box<dyn core::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a kind about a thing: a noun such as `"host"`, or for [`ErrorKind::Unavailable`] and
    /// [`ErrorKind::Corrupt`] what was being done or read.
    #[must_use]
    pub const fn new(kind: ErrorKind, subject: &'static str) -> Self {
        Self { kind, subject, source: None }
    }

    /// The same error with what lies beneath it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn core::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What it is about.
    #[must_use]
    pub const fn subject(&self) -> &'static str {
        self.subject
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject;
        match self.kind {
            ErrorKind::Conflict => write!(f, "the {subject} has changed meanwhile; read it again"),
            ErrorKind::Taken => write!(f, "the {subject} is in use already; choose another"),
            ErrorKind::NotFound => write!(f, "there is no such {subject}"),
            ErrorKind::InUse => write!(f, "the {subject} is still in use; remove what uses it first"),
            ErrorKind::Contention => write!(f, "{subject} lost a race against another change; try again"),
            ErrorKind::Unavailable => {
                write!(f, "the database did not serve {subject}; check that it runs and has space")
            }
            ErrorKind::NewerSchema => {
                write!(f, "the database has a newer schema ({subject}); start the version that made it")
            }
            ErrorKind::OlderSchema => write!(f, "the database has an older schema; {subject}"),
            ErrorKind::Corrupt => {
                write!(f, "the stored {subject} cannot be understood; restore the database from a copy")
            }
            ErrorKind::Damaged => {
                write!(f, "the database is damaged and does not take {subject}; put back a copy of it")
            }
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("subject", &self.subject)
            .field("source", &self.source)
            .finish()
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
