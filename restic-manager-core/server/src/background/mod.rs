//! What happens by itself, with time. Each task decides by the rules of `core` and holds none of its own.

mod alerts;
mod audit;
mod deadlines;
mod deliveries;
mod disk;
mod expiries;
#[cfg(test)]
mod fixture;
mod history;
mod last_seen;
mod leases;
mod notices;
#[cfg(test)]
mod outage;
mod outside;
mod rounds;
mod runs;
mod soundness;
mod sweep;
mod upkeep;

use core::{panic::AssertUnwindSafe, time::Duration};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::sync::Arc;

use crate::parts::Parts;

/// How long a task that panicked stays down.
const DOWN: Duration = Duration::from_secs(10);

type Task = fn(Arc<Parts>) -> BoxFuture<'static, ()>;

/// Every task, and its name in the log and in `/readyz`.
const TASKS: &[(&str, Task)] = &[
    ("alerts", |parts| alerts::watch(parts).boxed()),
    ("old alerts", |parts| alerts::forget(parts).boxed()),
    ("audit", |parts| audit::watch(parts).boxed()),
    ("deadlines", |parts| deadlines::watch(parts).boxed()),
    ("deliveries", |parts| deliveries::watch(parts).boxed()),
    ("disk", |parts| disk::watch(parts).boxed()),
    ("expiries", |parts| expiries::watch(parts).boxed()),
    ("notices", |parts| notices::watch(parts).boxed()),
    ("last seen", |parts| last_seen::write(parts).boxed()),
    ("soundness", |parts| soundness::watch(parts).boxed()),
    ("history", |parts| history::run(parts).boxed()),
    ("sweep", |parts| sweep::run(parts).boxed()),
    ("runs", |parts| runs::watch(parts).boxed()),
    ("leases", |parts| leases::watch(parts).boxed()),
    ("upkeep", |parts| upkeep::watch(parts).boxed()),
    ("outside watch", |parts| outside::watch(parts).boxed()),
];

/// Starts every task; each ends when the server is asked to stop.
pub(crate) fn start(parts: &Arc<Parts>) {
    for &(name, task) in TASKS {
        parts.shutdown.spawn(keep_up(Arc::clone(parts), name, task));
    }
}

/// What is left to do when everything has ended.
pub(crate) async fn finish(parts: &Parts) {
    audit::finish(parts).await;
}

/// Runs a task to its end. One that panics is said to be down for a while, and started again.
async fn keep_up(parts: Arc<Parts>, name: &'static str, task: Task) {
    while AssertUnwindSafe(task(Arc::clone(&parts))).catch_unwind().await.is_err() {
        tracing::error!(task = name, "a background task panicked; it is started again in 10 seconds");
        parts.down.enter(name);
        if !rounds::pause(&parts, DOWN).await {
            return;
        }
        parts.down.leave(name);
    }
}
