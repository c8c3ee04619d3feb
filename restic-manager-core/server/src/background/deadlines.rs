//! No job waits or runs for ever, and no invitation outlives its hour.

use core::time::Duration;
use restic_manager_core::job::{self, Decision};
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::{domain::jobs::end, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(10);
/// Jobs that are looked at in one round.
const ROUND: usize = 200;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::every(&parts, INTERVAL, "look for overdue jobs", || look(&parts)).await;
}

pub(crate) async fn look(parts: &Parts) -> Result<(), Error> {
    let now = parts.now();
    let overdue = parts.store.read().await?.jobs().overdue(now, ROUND).await?;
    for row in overdue {
        let connected = parts.hub.last_seen(row.host).is_some();
        match job::overdue(&end::facts(&row), connected, now) {
            Decision::AskToCancel => {
                // It was connected a moment ago; if it left, the next round decides anew.
                let _asked = parts.hub.cancel(row.host, row.id);
            }
            decision => end::apply(parts, row.id, decision, "").await?,
        }
    }
    retry(async || {
        let mut transaction = parts.begin().await?;
        if transaction.enrolments().expire(now).await? > 0 {
            transaction.commit(Audit::Routine("enrolment tokens expired")).await?;
        }
        Ok(())
    })
    .await
}
