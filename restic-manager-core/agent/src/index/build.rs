//! Makes the index of a snapshot by running restic.

use std::sync::Arc;

use restic_manager_core::clock::Clock;
use restic_manager_restic::{
    command::Invocation,
    process::{Finished, Runner, SpawnError, Streaming},
};

use super::{
    catalogue::{SnapshotKey, Totals},
    error::{IndexError, ListingError},
    listing::Listing,
    store::{Indexes, Keeper},
};

/// How a snapshot is listed.
#[derive(Clone, Debug)]
pub struct Commands {
    /// `restic ls --json`, of the whole snapshot.
    pub entries: Invocation,
    /// The same as bare paths, which is run where a name is not UTF-8.
    pub names: Invocation,
}

/// An index was not made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// restic was not started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// restic did not come to a good end, or was asked to stop.
    #[error("list the snapshot: {}", .0.outcome.cause)]
    Failed(Box<Finished>),
    /// What it listed cannot be kept.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Makes the index of a snapshot and keeps it. What was read is told to `progress` from time to time.
///
/// To cancel it, drop the future: restic is asked to stop and ends in the background, and nothing is left that is taken for
/// an index.
///
/// # Errors
/// When restic fails, or prints what is not the listing of this snapshot, or the disk refuses.
pub async fn build(
    runner: &Runner,
    commands: &Commands,
    indexes: &Arc<Indexes>,
    key: SnapshotKey,
    clock: &dyn Clock,
    mut progress: impl FnMut(Totals),
) -> Result<Totals, BuildError> {
    let plain = Listing::new(key, indexes.keeper());
    let listing = match read(runner, commands, plain, &mut progress).await {
        Err(BuildError::Index(IndexError::Listing(ListingError::NamesNeeded))) => {
            let exact = Listing::with_names(key, indexes.keeper());
            read(runner, commands, exact, &mut progress).await?
        }
        listing => listing?,
    };
    let (indexes, now) = (Arc::clone(indexes), clock.now());
    away(move || {
        let (catalogue, keeper) = listing.finish()?;
        indexes.commit(&catalogue, keeper, now)?;
        Ok(catalogue.totals)
    })
    .await
}

/// Runs restic, where names are needed twice at the same time, and reads what it prints until its good end.
async fn read(
    runner: &Runner,
    commands: &Commands,
    mut listing: Listing<Keeper>,
    progress: &mut impl FnMut(Totals),
) -> Result<Listing<Keeper>, BuildError> {
    let mut entries = runner.stream(&commands.entries).await?;
    let mut names = match listing.has_names() {
        true => Some(runner.stream(&commands.names).await?),
        false => None,
    };
    loop {
        let wanted = names.as_mut().filter(|_| listing.wants_names());
        let are_names = wanted.is_some();
        let Some(chunk) = wanted.unwrap_or(&mut entries).next_chunk().await else { break };
        let pushed = move || match are_names {
            true => listing.push_names(&chunk).map(|()| listing),
            false => listing.push(&chunk).map(|()| listing),
        };
        listing = away(pushed).await?;
        progress(listing.totals());
    }
    for run in [Some(entries), names].into_iter().flatten() {
        ended(run).await?;
    }
    Ok(listing)
}

/// Waits for the end of a run, which has to be a good one.
async fn ended(run: Streaming) -> Result<(), BuildError> {
    let finished = run.wait().await;
    let is_good = finished.outcome.cause.is_success() && finished.stop.is_none();
    if is_good { Ok(()) } else { Err(BuildError::Failed(Box::new(finished))) }
}

/// Does what takes the processor or the disk away from the runtime's thread.
async fn away<T, F>(act: F) -> Result<T, BuildError>
where
    F: FnOnce() -> Result<T, IndexError> + Send + 'static,
    T: Send + 'static,
{
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => Ok(done?),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
