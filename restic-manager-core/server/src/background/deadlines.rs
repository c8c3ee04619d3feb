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
    rounds::every(&parts, INTERVAL, "look for overdue jobs", || end_overdue(&parts)).await;
}

pub(crate) async fn end_overdue(parts: &Parts) -> Result<(), Error> {
    let now = parts.now();
    let overdue = parts.store.read().await?.jobs().overdue(now, ROUND).await?;
    for row in overdue {
        let connected = parts.hub.last_seen(row.host).is_some();
        let decision = job::overdue(&end::job_facts(&row), connected, now);
        let is_over = !matches!(decision, Decision::Keep);
        end::apply(parts, row.id, decision, "").await?;
        if is_over {
            // Its agent runs it, or fired it itself and waits for the order. One that is away hears of it by its inventory.
            let _asked = parts.hub.cancel(row.host, row.id);
        }
    }
    retry(async || {
        let mut change = parts.begin().await?;
        if change.enrolments().expire(now).await? > 0 {
            change.commit(Audit::Routine("enrolment tokens expired")).await?;
        }
        Ok(())
    })
    .await
}
