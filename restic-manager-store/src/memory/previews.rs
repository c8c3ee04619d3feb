use async_trait::async_trait;
use restic_manager_proto::{JobId, PreviewedSnapshot, Timestamp};
use std::{cmp::Reverse, sync::Arc};

use super::tables::{Tables, page, row};
use crate::{
    Error, Page, PageRequest,
    jobs::JobScope,
    previews::{PreviewCursor, PreviewQueries, Previews},
};

#[async_trait]
impl PreviewQueries for Tables {
    async fn page(
        &mut self,
        job: JobId,
        request: PageRequest<PreviewCursor>,
    ) -> Result<Page<PreviewedSnapshot, PreviewCursor>, Error> {
        let mut rows: Vec<_> =
            self.previews.iter().filter(|((of, _), _)| *of == job).map(|(_, snapshot)| snapshot).collect();
        rows.sort_by_cached_key(|snapshot| Reverse(PreviewCursor::of(snapshot)));
        let past = |snapshot: &PreviewedSnapshot, after: &PreviewCursor| PreviewCursor::of(snapshot) < *after;
        Ok(page(rows.into_iter(), &request, past, PreviewCursor::of))
    }
}

#[async_trait]
impl Previews for Tables {
    async fn add(&mut self, job: JobId, snapshots: &[PreviewedSnapshot]) -> Result<(), Error> {
        row(&mut self.jobs, &job, "job")?;
        let rows = Arc::make_mut(&mut self.previews);
        for snapshot in snapshots {
            rows.entry((job, snapshot.id.clone())).or_insert_with(|| snapshot.clone());
        }
        Ok(())
    }

    async fn purge(&mut self, asked_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let end = (JobScope::first_id(asked_before), String::new());
        let doomed: Vec<_> = self.previews.range(..end).take(limit).map(|(key, _)| key.clone()).collect();
        let rows = Arc::make_mut(&mut self.previews);
        Ok(doomed.iter().filter(|key| rows.remove(key).is_some()).count() as u64)
    }
}
