//! Once a run's time has passed, the host's row says when the one after it is.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::{domain::plan, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(15);
/// Hosts that are brought up to date in one transaction.
const ROUND: usize = 200;

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "note when hosts run next", || refresh_passed(&parts)).await;
}

async fn refresh_passed(parts: &Parts) -> Result<(), Error> {
    loop {
        let passed = retry(async || {
            let now = parts.now();
            let mut change = parts.begin().await?;
            let passed = change.hosts().run_passed(now, ROUND).await?;
            if passed.is_empty() {
                return Ok(0);
            }
            for host in &passed {
                plan::refresh(change.as_mut(), *host, now).await?;
            }
            change.commit(Audit::Routine("the time of a run passed")).await?;
            Ok::<_, Error>(passed.len())
        });
        if passed.await? < ROUND || parts.shutdown.is_requested() {
            return Ok(());
        }
    }
}
