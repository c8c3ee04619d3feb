//! What a job tries before anybody keeps it: the location and the secrets of a connection test.

use async_trait::async_trait;
use restic_manager_proto::JobId;

use crate::{Error, SealedBlob};

/// What one job tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The job.
    pub job: JobId,
    /// What it tries.
    pub sealed: SealedBlob,
}

/// Queries about drafts.
#[async_trait]
pub trait DraftQueries: Send {
    /// What a job tries.
    async fn find(&mut self, job: JobId) -> Result<Option<Draft>, Error>;
}

/// Changes to drafts. They end with their job.
#[async_trait]
pub trait Drafts: DraftQueries {
    /// Keeps a draft until its job ends. `NotFound` when there is no such job.
    async fn keep(&mut self, draft: &Draft) -> Result<(), Error>;
    /// Wipes a draft; says whether there was one.
    async fn wipe(&mut self, job: JobId) -> Result<bool, Error>;
}
