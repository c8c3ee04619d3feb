//! The one way in which tasks wait for their next round, and in which it is noted how their rounds end.

use core::{future::Future, time::Duration};
use restic_manager_core::task::Rhythm;
use restic_manager_store::Error;

use crate::parts::Parts;

/// The longest that a round may take, unless its task says otherwise. One that takes longer waits for what never comes.
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// The rounds of one task.
pub(super) struct Rounds<'p> {
    parts: &'p Parts,
    rhythm: Rhythm,
    /// What they do, which names the task wherever its rounds are told of.
    what: &'static str,
}

impl<'p> Rounds<'p> {
    /// From now on rounds are expected.
    pub(super) fn begin(parts: &'p Parts, rhythm: Rhythm, what: &'static str) -> Self {
        parts.tasks.enter(what, rhythm);
        Self { parts, rhythm, what }
    }

    /// One round. What takes too long is given up: nothing that was not committed is kept of it.
    pub(super) async fn once(&self, round: impl Future<Output = Result<(), Error>>) {
        let Self { parts, rhythm, what } = self;
        parts.tasks.begin(what);
        let outcome = tokio::time::timeout(rhythm.longest, round).await;
        match &outcome {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(error = error as &dyn core::error::Error, "could not {what}"),
            Err(_) => {
                tracing::error!("gave up to {what}: it took longer than {} seconds", rhythm.longest.as_secs())
            }
        }
        parts.tasks.end(what, matches!(outcome, Ok(Ok(()))).then(|| parts.now()));
    }

    /// Waits for the next round; says whether there is one.
    pub(super) async fn wait(&self) -> bool {
        pause(self.parts, self.rhythm.every).await
    }
}

/// Does a round every `interval` until the server is asked to stop. One that fails is logged as what could not be done,
/// and the next comes all the same.
pub(super) async fn every<F: Future<Output = Result<(), Error>>>(
    parts: &Parts,
    interval: Duration,
    what: &'static str,
    mut round: impl FnMut() -> F,
) {
    let rounds = Rounds::begin(parts, Rhythm { every: interval, longest: LONGEST }, what);
    while rounds.wait().await {
        rounds.once(round()).await;
    }
}

/// The same with a first round at once.
pub(super) async fn at_once_and_every<F: Future<Output = Result<(), Error>>>(
    parts: &Parts,
    interval: Duration,
    what: &'static str,
    mut round: impl FnMut() -> F,
) {
    let rounds = Rounds::begin(parts, Rhythm { every: interval, longest: LONGEST }, what);
    rounds.once(round()).await;
    while rounds.wait().await {
        rounds.once(round()).await;
    }
}

/// Waits; says whether there is something to wait for: the server was not asked to stop.
pub(super) async fn pause(parts: &Parts, interval: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(interval) => true,
        () = parts.shutdown.requested() => false,
    }
}

/// Logs what could not be done.
pub(super) fn report(what: &str, outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        tracing::error!(error = &error as &dyn core::error::Error, "could not {what}");
    }
}
