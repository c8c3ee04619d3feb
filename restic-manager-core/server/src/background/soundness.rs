//! Whether the bytes of the database are sound: looked at when the server starts and once a day. Damage raises an alert, and
//! from then on nothing is changed.

use core::time::Duration;
use restic_manager_proto::vocabulary::AlertKind;
use restic_manager_store::{Audit, Error, Soundness, alerts::AlertSubject, retry};
use std::sync::Arc;

use super::rounds;
use crate::{domain::alerts, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(86_400);

pub(super) async fn watch(parts: Arc<Parts>) {
    rounds::at_once_and_every(&parts, INTERVAL, "look whether the database is sound", || look(&parts)).await;
}

async fn look(parts: &Parts) -> Result<(), Error> {
    if parts.damage.is_known() {
        return Ok(());
    }
    let found = tokio::select! {
        found = parts.store.inspect() => found?,
        () = parts.shutdown.requested() => return Ok(()),
    };
    match found {
        Soundness::Sound => found_sound(parts).await,
        Soundness::Damaged(what) => {
            found_damaged(parts, what).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn found_sound(parts: &Parts) -> Result<(), Error> {
    retry(async || {
        let mut change = parts.begin().await?;
        if alerts::resolve(&mut change, AlertKind::DatabaseDamaged, &AlertSubject::server()).await? {
            change.commit(Audit::Routine("the database was found sound")).await?;
        }
        Ok(())
    })
    .await
}

/// The alert is the last change; a database that does not take even that is said to be damaged all the same.
async fn found_damaged(parts: &Parts, what: String) {
    tracing::error!(what, "the database is damaged; nothing is changed any more, put a copy of it back");
    if let Err(error) = raise(parts, &what).await {
        tracing::error!(
            error = &error as &dyn core::error::Error,
            "could not raise the alert about the damage"
        );
    }
    parts.damage.note(what);
}

async fn raise(parts: &Parts, what: &str) -> Result<(), Error> {
    let finding = alerts::found(
        parts,
        AlertKind::DatabaseDamaged,
        AlertSubject::server(),
        "database",
        "The database is damaged, so the server changes nothing any more.",
        serde_json::json!({ "found": what }),
    );
    retry(async || {
        let mut change = parts.begin().await?;
        alerts::raise(&mut change, &finding).await?;
        change.commit(Audit::Routine("the database was found damaged")).await
    })
    .await
}
