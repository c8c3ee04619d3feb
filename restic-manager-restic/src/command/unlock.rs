use super::{draft::Draft, invocation::Stdout, verb::Write};

/// `restic unlock`: removes locks.
///
/// Exit code 0 says nothing about whether there were any: list the locks before and after.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unlock {
    /// Remove locks of living processes too. Only when it is certain that none is at work.
    pub remove_all: bool,
}

impl Unlock {
    /// Removes locks whose owner is gone.
    ///
    /// restic finds an owner by host name and process id. A process of another user, or of another container with the
    /// same host name, is taken as gone although it lives.
    pub fn stale() -> Self {
        Self::default()
    }

    /// Removes every lock.
    pub fn all() -> Self {
        Self { remove_all: true }
    }
}

impl Write for Unlock {
    fn verb(&self) -> &'static str {
        "unlock"
    }

    fn write(&self, draft: &mut Draft) {
        draft.stdout(Stdout::Text);
        draft.flag_if(self.remove_all, "--remove-all");
    }
}
