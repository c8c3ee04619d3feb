use std::fmt;

use tokio::io::AsyncRead;

/// What restic reads from standard input.
#[derive(Default)]
#[non_exhaustive]
pub enum Input {
    /// Nothing: the null device.
    #[default]
    Null,
    /// Data that is at hand.
    Bytes(Vec<u8>),
    /// Data that is still to come.
    ///
    /// If reading fails the run is cancelled before restic sees the end of the data, so that half of it is never taken
    /// for the whole.
    Reader(Box<dyn AsyncRead + Send + Unpin>),
}

impl Input {
    /// Data that is still to come.
    pub fn reader(reader: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self::Reader(Box::new(reader))
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}
