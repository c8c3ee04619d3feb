//! Leases are kept alive, and those of lost holders looked after.

use core::time::Duration;
use std::sync::Arc;

use super::rounds;
use crate::{agents, shared::Shared};

const INTERVAL: Duration = Duration::from_secs(10);

pub(super) async fn watch(shared: Arc<Shared>) {
    let since = shared.now();
    rounds::every(&shared, INTERVAL, "look after leases", || agents::look_at_leases(&shared, since)).await;
}
