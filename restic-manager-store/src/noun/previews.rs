//! What retention policies that were tried would keep and remove.

use async_trait::async_trait;
use restic_manager_proto::{JobId, PreviewedSnapshot, Timestamp};

use crate::{Error, Page, PageRequest};

/// A snapshot's place in the preview: newest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PreviewCursor {
    /// When the snapshot was made.
    pub time: Timestamp,
    /// Its id.
    pub id: String,
}

impl PreviewCursor {
    /// The place of a snapshot.
    #[must_use]
    pub fn of(snapshot: &PreviewedSnapshot) -> Self {
        Self { time: snapshot.time, id: snapshot.id.clone() }
    }
}

/// Queries about previews.
#[async_trait]
pub trait PreviewQueries: Send {
    /// What the preview that a job made says of snapshots, newest first.
    async fn page(
        &mut self,
        job: JobId,
        request: PageRequest<PreviewCursor>,
    ) -> Result<Page<PreviewedSnapshot, PreviewCursor>, Error>;
}

/// Changes to previews. They go with their job.
#[async_trait]
pub trait Previews: PreviewQueries {
    /// Adds to a job's preview; a snapshot that is in it already stays as it is. `NotFound` when there is no such job.
    async fn add(&mut self, job: JobId, snapshots: &[PreviewedSnapshot]) -> Result<(), Error>;
    /// Forgets what jobs found that were asked for before a moment, `limit` snapshots at most; says how many.
    async fn purge(&mut self, asked_before: Timestamp, limit: usize) -> Result<u64, Error>;
}
