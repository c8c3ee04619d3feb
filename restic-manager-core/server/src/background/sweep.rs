//! Forgets what means nothing any more: sessions and setup links that have died, allowances that are whole again,
//! announcements on which nobody decided.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use crate::shared::Shared;

const INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shared.shutdown.requested() => return,
        }
        if let Err(error) = sweep(&shared).await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not forget what has expired");
        }
    }
}

async fn sweep(shared: &Shared) -> Result<(), Error> {
    let now = shared.now();
    retry(async || {
        let mut transaction = shared.store.begin().await?;
        let mut forgotten = transaction.limits().purge(now).await?;
        forgotten += transaction.setup_links().purge(now).await?;
        forgotten += transaction.sessions().purge(now).await?;
        forgotten += transaction.pending_hosts().purge(now).await?;
        if forgotten == 0 {
            return Ok(());
        }
        transaction.commit(Audit::Routine("what had expired was forgotten")).await
    })
    .await
}
