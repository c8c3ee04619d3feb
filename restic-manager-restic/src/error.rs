use std::fmt;

/// Why an output could not be read as a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentError {
    /// There is no JSON in the output.
    NoJson,
    /// There is JSON, but not of the shape asked for.
    Shape {
        /// What does not fit and where, in the words of the JSON parser.
        detail: String,
    },
    /// The output ended in the middle of the JSON.
    CutOff,
    /// One element is longer than the limit.
    ElementTooLong {
        /// The limit, in bytes.
        limit_bytes: usize,
    },
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoJson => f.write_str("the output holds no JSON; see what restic wrote to stderr"),
            Self::Shape { detail } => write!(f, "the output is JSON of another shape: {detail}"),
            Self::CutOff => f.write_str("the output ends in the middle of its JSON; see how restic exited"),
            Self::ElementTooLong { limit_bytes } => {
                write!(f, "one element is longer than {limit_bytes} bytes; raise the limit to read it")
            }
        }
    }
}

impl std::error::Error for DocumentError {}

/// A text in which no version of restic was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseVersionError;

impl fmt::Display for ParseVersionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no version such as `restic 0.19.1` was found; check that the program is restic")
    }
}

impl std::error::Error for ParseVersionError {}
