use std::{path::PathBuf, time::Duration};

use crate::event::Limits;

/// How a child is run. The defaults suit a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How long restic may take to end after it was asked to; then it is killed. Removing a lock needs running uploads
    /// to end first, so a minute is normal.
    pub grace: Duration,
    /// How long the system may take to end it once it was killed; then it is given up, and ends when the system lets it.
    pub reap: Duration,
    /// How long the whole run may take; `None` for as long as it needs.
    pub deadline: Option<Duration>,
    /// How nice the child is to others.
    pub priority: Priority,
    /// Status events come at most this often; the newest wins. Other events are never left out.
    pub progress_interval: Duration,
    /// Limits of the decoders.
    pub limits: Limits,
    /// How many events wait for the caller before restic has to.
    pub queue: usize,
    /// How much of the end of standard error is kept, in bytes.
    pub stderr_bytes: usize,
    /// How long to wait for the pipes to close once restic has ended, before whoever holds them is killed.
    pub drain: Duration,
    /// The working directory; `None` for the caller's. Relative paths to save start here.
    pub working_directory: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(60),
            reap: Duration::from_secs(10),
            deadline: None,
            priority: Priority::default(),
            progress_interval: Duration::from_secs(1),
            limits: Limits::default(),
            queue: 256,
            stderr_bytes: 64 * 1024,
            drain: Duration::from_secs(5),
            working_directory: None,
        }
    }
}

/// How much of the machine a child may take from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Priority {
    /// Unix niceness added to the child's, 0 to 19. On Windows 1 to 9 is "below normal", 10 and more "idle".
    pub niceness: u8,
    /// Its turn at the disk (Linux only).
    pub io: IoPriority,
}

/// A child's turn at the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum IoPriority {
    /// As the machine decides.
    #[default]
    Default,
    /// After all others of the usual class.
    Low,
    /// Only when nobody else wants it.
    Idle,
}
