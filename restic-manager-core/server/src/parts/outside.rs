//! How the outside watch was reached: the monitor elsewhere that notices when this server is gone.

use restic_manager_proto::Timestamp;
use std::sync::{Mutex, PoisonError};

/// What came of telling it.
#[derive(Debug, Default)]
pub(crate) struct Outside(Mutex<Pings>);

/// Pings since the server started.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pings {
    /// Answered as they should be.
    pub(crate) answered: u64,
    /// Sent, and not answered so.
    pub(crate) failed: u64,
    /// Not sent, because something here is not well.
    pub(crate) withheld: u64,
    /// When one was last answered.
    pub(crate) last: Option<Timestamp>,
}

impl Outside {
    pub(crate) fn note(&self, change: impl FnOnce(&mut Pings)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn pings(&self) -> Pings {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
