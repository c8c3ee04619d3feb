//! Leases are kept alive, and those of lost holders looked after.

use core::time::Duration;
use std::sync::Arc;

use super::rounds;
use crate::{agents, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(10);

pub(super) async fn watch(parts: Arc<Parts>) {
    let since = parts.now();
    rounds::every(&parts, INTERVAL, "look after leases", || agents::look_at_leases(&parts, since)).await;
}
