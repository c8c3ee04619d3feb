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

use std::sync::Arc;

use crate::parts::Parts;

/// Starts every task; each ends when the server is asked to stop.
pub(crate) fn start(parts: &Arc<Parts>) {
    parts.shutdown.spawn(alerts::forget(Arc::clone(parts)));
    parts.shutdown.spawn(audit::watch(Arc::clone(parts)));
    parts.shutdown.spawn(deadlines::watch(Arc::clone(parts)));
    parts.shutdown.spawn(last_seen::write(Arc::clone(parts)));
    parts.shutdown.spawn(sweep::run(Arc::clone(parts)));
    parts.shutdown.spawn(runs::watch(Arc::clone(parts)));
    parts.shutdown.spawn(leases::watch(Arc::clone(parts)));
    parts.shutdown.spawn(upkeep::watch(Arc::clone(parts)));
}
