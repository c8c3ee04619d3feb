//! Signed marks in the audit log: who holds the server's key vouches for every entry up to one of them.

use async_trait::async_trait;
use restic_manager_proto::Timestamp;

use crate::{Error, PublicKey, audit::AuditHead};

/// A mark. The store does not look at its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCheckpoint {
    /// The last entry that it covers.
    pub head: AuditHead,
    /// When it was signed.
    pub moment: Timestamp,
    /// Whose signature it is.
    pub signer: PublicKey,
    /// The signature.
    pub signature: [u8; 64],
}

/// Queries about checkpoints.
#[async_trait]
pub trait CheckpointQueries: Send {
    /// The one that covers most.
    async fn last(&mut self) -> Result<Option<AuditCheckpoint>, Error>;
    /// Those that cover an entry, the one that covers least first, `limit` at most.
    async fn covering(&mut self, sequence: u64, limit: usize) -> Result<Vec<AuditCheckpoint>, Error>;
}

/// Changes to checkpoints.
#[async_trait]
pub trait Checkpoints: CheckpointQueries {
    /// Adds one. `Taken` when there is one at this entry.
    async fn add(&mut self, checkpoint: &AuditCheckpoint) -> Result<(), Error>;
}
