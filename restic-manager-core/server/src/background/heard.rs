//! When connected hosts were last heard, written down together now and then instead of one by one.

use core::time::Duration;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use crate::shared::Shared;

const INTERVAL: Duration = Duration::from_secs(60);

pub(super) async fn write(shared: Arc<Shared>) {
    let mut written = shared.now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shared.shutdown.requested() => return,
        }
        let now = shared.now();
        match note(&shared, written).await {
            Ok(()) => written = now,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn core::error::Error,
                    "could not note when hosts were last heard"
                );
            }
        }
    }
}

async fn note(shared: &Shared, since: restic_manager_proto::Timestamp) -> Result<(), Error> {
    let heard = shared.agents.heard_since(since);
    if heard.is_empty() {
        return Ok(());
    }
    retry(async || {
        let mut transaction = shared.store.begin().await?;
        for (host, at) in &heard {
            transaction.hosts().hear(*host, *at).await?;
        }
        transaction.commit(Audit::Routine("connected hosts were heard")).await
    })
    .await
}
