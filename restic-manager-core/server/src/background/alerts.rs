//! Alerts that are long over are forgotten; the audit log keeps who took them on and closed them.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::parts::Parts;

const INTERVAL: Duration = Duration::from_secs(3600);
/// How long a resolved alert is shown.
pub(super) const KEPT: Duration = Duration::from_secs(90 * 86_400);
/// Alerts that are forgotten in one transaction.
const BATCH: usize = 500;

pub(super) async fn forget(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "forget old alerts", || purge(&parts)).await;
}

async fn purge(parts: &Parts) -> Result<(), Error> {
    let before = parts.now().before(KEPT);
    loop {
        let gone = retry(async || {
            let mut transaction = parts.begin().await?;
            let gone = transaction.alerts().purge(before, BATCH).await?;
            if gone > 0 {
                transaction
                    .commit(Audit::Routine("alerts that were over for 90 days were forgotten"))
                    .await?;
            }
            Ok::<_, Error>(gone)
        })
        .await?;
        if gone < BATCH as u64 {
            return Ok(());
        }
    }
}
