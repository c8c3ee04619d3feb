//! When connected hosts were last seen, written down together now and then instead of one by one.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::shared::Shared;

const INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn write(shared: Arc<Shared>) {
    let mut written = shared.now();
    while rounds::pause(&shared, INTERVAL).await {
        let now = shared.now();
        let noted = note(&shared, written).await;
        if noted.is_ok() {
            written = now;
        }
        rounds::report("note when hosts were last seen", noted);
    }
}

async fn note(shared: &Shared, since: restic_manager_proto::Timestamp) -> Result<(), Error> {
    let seen = shared.agents.seen_since(since);
    if seen.is_empty() {
        return Ok(());
    }
    retry(async || {
        let mut transaction = shared.store.begin().await?;
        for (host, at) in &seen {
            transaction.hosts().note_last_seen(*host, *at).await?;
        }
        transaction.commit(Audit::Routine("connected hosts were seen")).await
    })
    .await
}
