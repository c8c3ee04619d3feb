//! The one way in which tasks wait for their next round.

use core::{future::Future, time::Duration};
use restic_manager_store::Error;

use crate::parts::Parts;

/// Does a round every `interval` until the server is asked to stop. One that fails is logged as what could not be done,
/// and the next comes all the same.
pub(super) async fn every<F: Future<Output = Result<(), Error>>>(
    parts: &Parts,
    interval: Duration,
    what: &'static str,
    mut round: impl FnMut() -> F,
) {
    while pause(parts, interval).await {
        report(what, round().await);
    }
}

/// The same with a first round at once.
pub(super) async fn at_once_and_every<F: Future<Output = Result<(), Error>>>(
    parts: &Parts,
    interval: Duration,
    what: &'static str,
    mut round: impl FnMut() -> F,
) {
    report(what, round().await);
    every(parts, interval, what, round).await;
}

/// Waits for the next round; says whether there is one.
pub(super) async fn pause(parts: &Parts, interval: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(interval) => true,
        () = parts.shutdown.requested() => false,
    }
}

pub(super) fn report(what: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::error!(error = &error as &dyn core::error::Error, "could not {what}");
    }
}
