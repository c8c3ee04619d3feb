use async_trait::async_trait;
use restic_manager_proto::JobId;
use std::sync::Arc;

use super::tables::{Tables, row};
use crate::{
    Error,
    drafts::{Draft, DraftQueries, Drafts},
};

#[async_trait]
impl DraftQueries for Tables {
    async fn find(&mut self, job: JobId) -> Result<Option<Draft>, Error> {
        Ok(self.drafts.get(&job).cloned())
    }
}

#[async_trait]
impl Drafts for Tables {
    async fn keep(&mut self, draft: &Draft) -> Result<(), Error> {
        row(&mut self.jobs, &draft.job, "job")?;
        Arc::make_mut(&mut self.drafts).insert(draft.job, draft.clone());
        Ok(())
    }

    async fn wipe(&mut self, job: JobId) -> Result<bool, Error> {
        Ok(Arc::make_mut(&mut self.drafts).remove(&job).is_some())
    }
}
