//! Which background tasks are down, for `/readyz`.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

/// The names of the tasks that panicked and were not started again yet.
#[derive(Debug, Default)]
pub(crate) struct Down(Mutex<BTreeSet<&'static str>>);

impl Down {
    pub(crate) fn enter(&self, name: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    pub(crate) fn leave(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// One of them.
    pub(crate) fn first(&self) -> Option<&'static str> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first().copied()
    }
}
