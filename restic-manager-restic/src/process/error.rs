use std::{io, time::Duration};

use thiserror::Error;

use crate::ParseVersionError;

/// Why a program was not started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// There is no such program.
    #[error("find restic: install it, or give the path of the program")]
    NotFound,
    /// The path is relative, so what it means could change.
    #[error("use a relative path for restic: give the absolute path")]
    NotAbsolute,
    /// It is a folder or may not be executed.
    #[error("execute restic: give the path of an executable file")]
    NotExecutable,
    /// The folder to run in is not there, or may not be entered.
    #[error("use the working directory: it is not there, or may not be entered")]
    WorkingDirectory,
    /// Its file is open for writing, as while it is being replaced.
    #[error("execute restic: its file is being written; try again when the upgrade is done")]
    Busy,
    /// The command reads data from standard input and none was given, or the other way round.
    #[error("start restic: give input data if and only if the command reads some")]
    Input,
    /// A secret is too long for a pipe.
    #[error("hand over a secret: it is longer than 4096 bytes")]
    SecretTooLong,
    /// The system refused.
    #[error("start restic: the system says {0}")]
    System(io::ErrorKind),
}

impl From<io::Error> for SpawnError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::NotExecutable,
            io::ErrorKind::ExecutableFileBusy => Self::Busy,
            kind => Self::System(kind),
        }
    }
}

/// Why the version of a program stays unknown.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VersionError {
    /// It was not started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It printed something else.
    #[error(transparent)]
    Parse(#[from] ParseVersionError),
    /// It was killed by a signal that nobody here sent; asking again may help.
    #[error("learn the version of restic: it was killed by a signal while it was asked")]
    Killed,
    /// It did not answer.
    #[error("learn the version of restic: no answer in {0:?}; check that the program is restic")]
    Silent(Duration),
}
