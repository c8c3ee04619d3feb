//! What is known of the audit log's proof, for pages.

use restic_manager_proto::Timestamp;
use restic_manager_store::audit::AuditHead;
use std::sync::{Mutex, PoisonError};

/// How the last readings of the audit log went.
#[derive(Debug, Default)]
pub(crate) struct AuditProof(Mutex<LastReading>);

#[derive(Clone, Debug, Default)]
pub(crate) struct LastReading {
    /// The last entry that was read and found whole, and when.
    pub(crate) verified: Option<(AuditHead, Timestamp)>,
    /// When all of it was last read from the start and found whole.
    pub(crate) whole: Option<Timestamp>,
    /// What is wrong, in one sentence.
    pub(crate) fault: Option<String>,
}

impl AuditProof {
    pub(crate) fn last(&self) -> LastReading {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut LastReading)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
