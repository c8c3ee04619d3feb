//! Leases are kept alive, and those of lost holders looked after.

use core::time::Duration;
use std::sync::Arc;

use crate::{agents, shared::Shared};

const INTERVAL: Duration = Duration::from_secs(10);

pub(super) async fn watch(shared: Arc<Shared>) {
    let since = shared.now();
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = shared.shutdown.requested() => return,
        }
        if let Err(error) = agents::look_at_leases(&shared, since).await {
            tracing::error!(error = &error as &dyn core::error::Error, "could not look after leases");
        }
    }
}
