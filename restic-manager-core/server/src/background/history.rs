//! Forgets what happened long ago, a little at a time: others write in between.

use core::time::Duration;
use restic_manager_proto::Timestamp;
use restic_manager_store::{Audit, Error, retry};
use std::sync::Arc;

use super::rounds;
use crate::{
    config::Kept,
    parts::{Change, Parts},
};

const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// How much of one kind goes in one transaction.
const BATCH: usize = 200;

/// What is forgotten by its age, in this order.
#[derive(Clone, Copy, Debug)]
enum Part {
    Logs,
    Jobs,
    Previews,
    Enrolments,
    ApiTokens,
}

const PARTS: &[Part] = &[Part::Logs, Part::Jobs, Part::Previews, Part::Enrolments, Part::ApiTokens];

/// Until when each kind goes.
#[derive(Clone, Copy, Debug)]
struct Ends {
    logs: Timestamp,
    jobs: Timestamp,
    previews: Timestamp,
    tokens: Timestamp,
}

pub(super) async fn run(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "forget what happened long ago", || round(&parts)).await;
}

async fn round(parts: &Parts) -> Result<(), Error> {
    let ends = ends(parts).await?;
    for part in PARTS {
        while !parts.shutdown.is_requested() && forget(parts, *part, ends).await? == BATCH as u64 {}
    }
    Ok(())
}

async fn ends(parts: &Parts) -> Result<Ends, Error> {
    let (now, kept) = (parts.now(), parts.config.kept);
    let Kept { jobs, most_jobs, logs, most_logs, previews, tokens, .. } = kept;
    let mut read = parts.store.read().await?;
    let most_logs = read.logs().end_before(most_logs).await?;
    let most_jobs = read.jobs().end_before(most_jobs).await?;
    Ok(Ends {
        logs: later(now.before(logs), most_logs),
        jobs: later(now.before(jobs), most_jobs),
        previews: now.before(previews),
        tokens: now.before(tokens),
    })
}

/// The end that an age sets, or the one that a number does: that row goes, too.
fn later(age: Timestamp, last_too_many: Option<Timestamp>) -> Timestamp {
    let number = last_too_many.map(|end| end.after(Duration::from_millis(1)));
    number.map_or(age, |number| number.max(age))
}

async fn forget(parts: &Parts, part: Part, ends: Ends) -> Result<u64, Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        let forgotten = part.forget(&mut change, ends).await?;
        if forgotten > 0 {
            change.commit(Audit::Routine("what happened long ago was forgotten")).await?;
        }
        Ok(forgotten)
    })
    .await
}

impl Part {
    async fn forget(self, change: &mut Change<'_>, ends: Ends) -> Result<u64, Error> {
        match self {
            Self::Logs => change.logs().discard(ends.logs, BATCH).await,
            Self::Jobs => change.jobs().collect(ends.jobs, BATCH).await,
            Self::Previews => change.previews().purge(ends.previews, BATCH).await,
            Self::Enrolments => change.enrolments().purge(ends.tokens, BATCH).await,
            Self::ApiTokens => change.api_tokens().purge(ends.tokens, BATCH).await,
        }
    }
}

#[cfg(test)]
mod tests;
