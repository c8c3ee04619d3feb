//! The generation of the database: a number that grows while a server runs, and the mark beside the database that knows it.
//!
//! The number is committed first and the mark follows, so a mark is never ahead of its own database, however either is
//! interrupted. A database that is behind its mark is another one: an older copy, or one that lost its newest changes.

use restic_manager_proto::vocabulary::AlertKind;
use restic_manager_store::{
    Audit, Error, Transaction, alerts::AlertSubject, audit::AuditHead, meta::MetaQueries, retry,
};

use super::alerts;
use crate::{
    audit::{Checkpoint, Mark},
    parts::Parts,
};

const GENERATION: &str = "generation";

/// The generation of a database; none where no server has kept a mark of it. One that cannot be read is as old as can be.
pub(crate) async fn generation(meta: &mut dyn MetaQueries) -> Result<Option<u64>, Error> {
    Ok(meta.value(GENERATION).await?.map(|text| text.parse().unwrap_or(0)))
}

/// The next one, noted.
pub(crate) async fn next(transaction: &mut dyn Transaction) -> Result<u64, Error> {
    let next = generation(transaction.meta()).await?.unwrap_or(0) + 1;
    transaction.meta().put(GENERATION, &next.to_string()).await?;
    Ok(next)
}

/// Moves the database and its mark on. `whole` is the end of the audit log as far as it was found whole.
pub(crate) async fn advance(parts: &Parts, whole: Option<AuditHead>) -> Result<(), Error> {
    if !parts.mark.is_kept() {
        return Ok(());
    }
    let known = parts.mark.last().map_or(0, |mark| mark.generation);
    let found = retry(async || {
        let mut change = parts.begin().await?;
        let next = next(change.as_mut()).await?;
        // A step back while this server runs: the mark stays as it is, and the next start asks.
        if next <= known {
            return Ok(next);
        }
        change.commit(Audit::Routine("the database's generation grew")).await?;
        Ok::<_, Error>(next)
    });
    let found = found.await?;
    if found <= known {
        return tell_older(parts, known).await;
    }
    write(parts, found, whole).await;
    Ok(())
}

/// Writes the mark of a generation that is committed. A disk that does not take it leaves the one before, which is true.
pub(crate) async fn write(parts: &Parts, generation: u64, whole: Option<AuditHead>) {
    let (now, known) = (parts.now(), parts.mark.checkpoint());
    let covered = known.map_or(0, |known| known.head().sequence);
    let newer = whole.filter(|head| head.sequence > covered);
    let checkpoint = newer.map(|head| Checkpoint::sign(&parts.identity, head, now)).or(known);
    if let Err(error) = parts.mark.write(Mark { generation, moment: now, checkpoint }).await {
        tracing::warn!(
            error = &error as &dyn core::error::Error,
            "could not write the mark of the database; until it can be, less is noticed when the database goes back in time"
        );
    }
}

async fn tell_older(parts: &Parts, known: u64) -> Result<(), Error> {
    tracing::error!(known, "the database went back in time while the server runs");
    let finding = alerts::found(
        parts,
        AlertKind::ServerRestored,
        AlertSubject::server(),
        "database",
        "The database is older than this server knew it: it was put back, or lost its newest changes, while the server ran.",
        serde_json::json!({ "known_generation": known }),
    );
    retry(async || {
        let mut change = parts.begin().await?;
        alerts::raise(&mut change, &finding).await?;
        change.commit(Audit::Routine("the database went back in time")).await
    })
    .await
}
