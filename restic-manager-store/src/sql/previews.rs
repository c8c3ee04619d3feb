use async_trait::async_trait;
use restic_manager_proto::{JobId, PreviewedSnapshot, Timestamp};

use super::{Connection, Sql, value::values};
use crate::{
    Error, ErrorKind, Page, PageRequest,
    jobs::JobScope,
    previews::{PreviewCursor, PreviewQueries, Previews},
};

#[async_trait]
impl<C: Connection> PreviewQueries for Sql<C> {
    async fn page(
        &mut self,
        job: JobId,
        request: PageRequest<PreviewCursor>,
    ) -> Result<Page<PreviewedSnapshot, PreviewCursor>, Error> {
        let end = PreviewCursor { time: Timestamp::MAX, id: "\u{10ffff}".to_owned() };
        let after = request.after.unwrap_or(end);
        let sql = "SELECT previewed FROM previews WHERE job = $1 AND (time, id) < ($2, $3) \
                   ORDER BY time DESC, id DESC LIMIT $4";
        let values = values![job, after.time, after.id, request.limit + 1];
        let found = self.column(sql, values, "preview").await?;
        Ok(Page::from_overfull(found, request.limit, PreviewCursor::of))
    }
}

#[async_trait]
impl<C: Connection> Previews for Sql<C> {
    async fn add(&mut self, job: JobId, snapshots: &[PreviewedSnapshot]) -> Result<(), Error> {
        if !self.any("SELECT id FROM jobs WHERE id = $1", values![job]).await? {
            return Err(Error::new(ErrorKind::NotFound, "job"));
        }
        for snapshot in snapshots {
            let sql = "INSERT INTO previews (job, id, time, previewed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            self.execute(sql, values![job, snapshot.id, snapshot.time, snapshot]).await?;
        }
        Ok(())
    }

    async fn purge(&mut self, asked_before: Timestamp, limit: usize) -> Result<u64, Error> {
        let sql = "DELETE FROM previews WHERE (job, id) IN \
                   (SELECT job, id FROM previews WHERE job < $1 ORDER BY job, id LIMIT $2)";
        self.execute(sql, values![JobScope::first_id(asked_before), limit]).await
    }
}
