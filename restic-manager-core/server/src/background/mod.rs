//! What happens by itself, with time. Each task decides by the rules of `core` and holds none of its own.

mod alerts;
mod audit;
mod deadlines;
mod last_seen;
mod leases;
mod rounds;
mod runs;
mod sweep;
mod upkeep;

pub(crate) use audit::Proof;

use std::sync::Arc;

use crate::shared::Shared;

/// Starts every task; each ends when the server is asked to stop.
pub(crate) fn start(shared: &Arc<Shared>) {
    shared.shutdown.spawn(alerts::forget(Arc::clone(shared)));
    shared.shutdown.spawn(audit::watch(Arc::clone(shared)));
    shared.shutdown.spawn(deadlines::watch(Arc::clone(shared)));
    shared.shutdown.spawn(last_seen::write(Arc::clone(shared)));
    shared.shutdown.spawn(sweep::run(Arc::clone(shared)));
    shared.shutdown.spawn(runs::watch(Arc::clone(shared)));
    shared.shutdown.spawn(leases::watch(Arc::clone(shared)));
    shared.shutdown.spawn(upkeep::watch(Arc::clone(shared)));
}
