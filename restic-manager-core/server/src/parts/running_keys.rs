//! The idempotency keys of requests that are running now.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// Keys that are in use, each for its actor.
#[derive(Debug, Default)]
pub(crate) struct RunningKeys(Mutex<HashSet<(String, String)>>);

/// A key is in use while this is held.
pub(crate) struct RunningKey<'a> {
    keys: &'a RunningKeys,
    key: (String, String),
}

impl RunningKeys {
    /// Takes a key into use; `None` while it is.
    pub(crate) fn enter(&self, actor: &str, key: &str) -> Option<RunningKey<'_>> {
        let key = (actor.to_owned(), key.to_owned());
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        fresh.then_some(RunningKey { keys: self, key })
    }
}

impl Drop for RunningKey<'_> {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}
