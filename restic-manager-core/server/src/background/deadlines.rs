//! No job waits or runs for ever, and no invitation outlives its hour.

use core::time::Duration;
use restic_manager_core::job::{self, Decision};
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use crate::{agents, shared::Shared};

const INTERVAL: Duration = Duration::from_secs(10);
/// Jobs that are looked at in one round.
const ROUND: usize = 200;

pub(super) async fn watch(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shared.shutdown.requested() => return,
        }
        if let Err(error) = look(&shared).await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not look for overdue jobs");
        }
    }
}

pub(crate) async fn look(shared: &Shared) -> Result<(), Error> {
    let now = shared.now();
    let overdue = shared.store.read().await?.jobs().overdue(now, ROUND).await?;
    for row in overdue {
        let connected = shared.agents.heard(row.host).is_some();
        match job::overdue(&agents::facts(&row), connected, now) {
            Decision::AskToCancel => {
                // It was connected a moment ago; if it left, the next round decides anew.
                let _asked = shared.agents.cancel(row.host, row.id);
            }
            decision => agents::apply(shared, row.id, decision, "").await?,
        }
    }
    retry(async || {
        let mut transaction = shared.store.begin().await?;
        if transaction.enrolments().expire(now).await? > 0 {
            transaction.commit(Audit::Routine("enrolment tokens expired")).await?;
        }
        Ok(())
    })
    .await
}
