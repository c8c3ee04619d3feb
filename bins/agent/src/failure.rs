//! Why the program ends, as a text and as an exit code that a service manager can act on.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What went wrong, by what helps.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Trying again may help.
    Again(String),
    /// A person must change a file.
    Person(String),
    /// The server does not want this agent.
    Refused(String),
    /// An admin does not want this host.
    Rejected(String),
}

impl Failure {
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Again(_) => 1,
            Self::Person(_) => 3,
            Self::Refused(_) => 4,
            Self::Rejected(_) => 5,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Again(text) | Self::Person(text) | Self::Refused(text) | Self::Rejected(text) => {
                f.write_str(text)
            }
        }
    }
}

/// An error and its causes, as one line.
pub(crate) fn could_not(error: &dyn Error) -> String {
    let mut text = format!("could not {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
