//! When connected hosts were last seen, written down together now and then instead of one by one.

use core::time::Duration;
use restic_manager_core::task::Rhythm;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds::Rounds;
use crate::parts::Parts;

const RHYTHM: Rhythm = Rhythm { every: Duration::from_secs(60), longest: Duration::from_secs(10 * 60) };

/// Hosts that are written in one transaction: others write in between, and a race that is lost costs little.
const BATCH: usize = 200;

pub(super) async fn write(parts: Arc<Parts>) {
    let rounds = Rounds::begin(&parts, RHYTHM, "note when hosts were last seen");
    let mut written = parts.now();
    while rounds.wait().await {
        let round = async {
            let now = parts.now();
            note(&parts, written).await?;
            written = now;
            Ok(())
        };
        rounds.once(round).await;
    }
}

async fn note(parts: &Parts, since: restic_manager_proto::Timestamp) -> Result<(), Error> {
    for seen in parts.hub.seen_since(since).chunks(BATCH) {
        retry(async || {
            let mut change = parts.begin().await?;
            change.hosts().note_all_seen(seen).await?;
            change.commit(Audit::Routine("connected hosts were seen")).await
        })
        .await?;
    }
    Ok(())
}
