//! Whether the database was found damaged. It stays so until the server is started again on a sound one.

use std::sync::OnceLock;

/// What was found, once.
#[derive(Debug, Default)]
pub(crate) struct Damage(OnceLock<String>);

impl Damage {
    /// Notes damage: from now on nothing is changed.
    pub(crate) fn note(&self, what: String) {
        // What was found first stays; it is damaged either way.
        let _ = self.0.set(what);
    }

    /// Whether there is any.
    pub(crate) fn is_known(&self) -> bool {
        self.0.get().is_some()
    }
}
