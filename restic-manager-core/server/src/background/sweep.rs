//! Forgets what means nothing any more: sessions and setup links that have died, allowances that are whole again,
//! announcements on which nobody decided, answers that nobody asks for again, maintenance and measurements of long ago.

use core::time::Duration;
use restic_manager_store::{Audit, Error, backup_days::BackupDay, retry};
use std::sync::Arc;

use super::rounds;
use crate::{
    domain::{maintenance, statistics},
    parts::Parts,
};

const INTERVAL: Duration = Duration::from_secs(60);
/// Measurements that are forgotten in one round.
const BATCH: usize = 500;

pub(super) async fn run(parts: Arc<Parts>) {
    rounds::every(&parts, INTERVAL, "forget what has expired", || sweep(&parts)).await;
}

async fn sweep(parts: &Parts) -> Result<(), Error> {
    let now = parts.now();
    retry(async || {
        let mut change = parts.begin().await?;
        let mut forgotten = change.limits().purge(now).await?;
        forgotten += change.setup_links().purge(now).await?;
        forgotten += change.sessions().purge(now).await?;
        forgotten += change.pending_hosts().purge(now).await?;
        forgotten += change.replies().purge(now).await?;
        forgotten += change.maintenance().purge(now.before(maintenance::KEPT)).await?;
        forgotten += change.silences().purge(now.before(maintenance::KEPT)).await?;
        forgotten += change.measurements().purge(now.before(statistics::KEPT), BATCH).await?;
        let oldest_day = BackupDay::of(now.before(statistics::KEPT));
        forgotten += change.backup_days().purge(oldest_day, BATCH).await?;
        if forgotten == 0 {
            return Ok(());
        }
        change.commit(Audit::Routine("what had expired was forgotten")).await
    })
    .await
}
