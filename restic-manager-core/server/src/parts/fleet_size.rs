//! How many hosts there are, counted now and then: for rules that ask for a part of the fleet.

use core::time::Duration;
use restic_manager_proto::Timestamp;
use std::sync::{Mutex, PoisonError};

/// How old a count may be.
const KEPT: Duration = Duration::from_secs(60);

/// The last count.
#[derive(Debug, Default)]
pub(crate) struct FleetSize(Mutex<Option<(usize, Timestamp)>>);

impl FleetSize {
    /// The last count, unless it is too old.
    pub(crate) fn known(&self, now: Timestamp) -> Option<usize> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.filter(|(_, counted)| now >= *counted && now.since(*counted) < KEPT).map(|(hosts, _)| hosts)
    }

    /// A new count.
    pub(crate) fn note(&self, hosts: usize, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((hosts, now));
    }
}
