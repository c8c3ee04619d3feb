use std::fmt;

use crate::Version;

/// Why a command was refused before anything was started.
///
/// No variant carries a value that was given: a wrong value may be a secret that slipped into the wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// A value holds a NUL byte, which no argument or variable can carry.
    Nul {
        /// The option, variable or operand.
        what: &'static str,
    },
    /// A value starts with a dash and could be read as an option.
    LeadingDash {
        /// The option, variable or operand.
        what: &'static str,
    },
    /// A value is empty where restic would take it as "not given" or as "everything".
    Empty {
        /// The option, variable or operand.
        what: &'static str,
    },
    /// A value has a form that restic would refuse or misread.
    Invalid {
        /// The option, variable or operand.
        what: &'static str,
        /// What is wrong and how it should look.
        reason: &'static str,
    },
    /// Two things that exclude each other.
    Conflict {
        /// The one.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Something needed was not given.
    Missing {
        /// The command.
        verb: &'static str,
        /// What it needs.
        what: &'static str,
    },
    /// This restic is too old for it.
    TooOld {
        /// The option or command.
        what: &'static str,
        /// The version that brought it.
        needs: Version,
        /// The version that would have run.
        has: Version,
    },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nul { what } => write!(f, "use {what}: it holds a NUL byte"),
            Self::LeadingDash { what } => {
                write!(f, "use {what}: it starts with a dash; write a path as ./-name")
            }
            Self::Empty { what } => write!(f, "use {what}: it is empty"),
            Self::Invalid { what, reason } => write!(f, "use {what}: {reason}"),
            Self::Conflict { first, second } => {
                write!(f, "combine {first} with {second}: give only one of them")
            }
            Self::Missing { verb, what } => write!(f, "run {verb} without {what}"),
            Self::TooOld { what, needs, has } => {
                write!(f, "use {what} with restic {has}: install restic {needs} or newer")
            }
        }
    }
}

impl std::error::Error for CommandError {}
