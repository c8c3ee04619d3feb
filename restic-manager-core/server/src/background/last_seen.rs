//! When connected hosts were last seen, written down together now and then instead of one by one.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::parts::Parts;

const INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn write(parts: Arc<Parts>) {
    let mut written = parts.now();
    while rounds::pause(&parts, INTERVAL).await {
        let now = parts.now();
        let noted = note(&parts, written).await;
        if noted.is_ok() {
            written = now;
        }
        rounds::report("note when hosts were last seen", noted);
    }
}

async fn note(parts: &Parts, since: restic_manager_proto::Timestamp) -> Result<(), Error> {
    let seen = parts.hub.seen_since(since);
    if seen.is_empty() {
        return Ok(());
    }
    retry(async || {
        let mut transaction = parts.begin().await?;
        for (host, at) in &seen {
            transaction.hosts().note_last_seen(*host, *at).await?;
        }
        transaction.commit(Audit::Routine("connected hosts were seen")).await
    })
    .await
}
