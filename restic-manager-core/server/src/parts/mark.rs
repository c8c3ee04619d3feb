//! The mark of the database, as this process last wrote or read it.

use std::sync::{Mutex, PoisonError};

use crate::audit::{Checkpoint, Mark, MarkFile, MarkFileError};

/// Where the mark is kept, and what it says. Without a file there is none, and nothing is compared.
#[derive(Debug, Default)]
pub(crate) struct DatabaseMark {
    file: Option<MarkFile>,
    last: Mutex<Option<Mark>>,
}

impl DatabaseMark {
    pub(crate) fn at(file: Option<MarkFile>) -> Self {
        Self { file, last: Mutex::default() }
    }

    /// Whether there is to be one.
    pub(crate) const fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What the file says; at the start.
    pub(crate) fn load(&self) -> Result<Option<Mark>, MarkFileError> {
        let mark = self.file.as_ref().map(MarkFile::read).transpose()?.flatten();
        self.set(mark);
        Ok(mark)
    }

    /// What was last written or read.
    pub(crate) fn last(&self) -> Option<Mark> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest end of the audit log that was seen to be whole.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        self.last()?.checkpoint
    }

    /// Writes a newer one, on a thread that may wait for the disk.
    pub(crate) async fn write(&self, mark: Mark) -> Result<(), MarkFileError> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        // A write that panicked wrote nothing that counts: the one before stays.
        let Ok(written) = tokio::task::spawn_blocking(move || file.write(&mark)).await else { return Ok(()) };
        written?;
        self.set(Some(mark));
        Ok(())
    }

    fn set(&self, mark: Option<Mark>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = mark;
    }
}
