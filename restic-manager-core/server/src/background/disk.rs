//! How much room is left on the disk of the server's data: a full one stops everything, this alert too.

use core::time::Duration;
use restic_manager_core::alert::disk;
use restic_manager_proto::vocabulary::{AlertKind, Severity};
use restic_manager_store::{Audit, Error, alerts::AlertSubject, retry};
use std::{io, path::PathBuf, sync::Arc};

use super::rounds;
use crate::{domain::alerts, parts::Parts};

const INTERVAL: Duration = Duration::from_secs(60);
const MIB: u64 = 1 << 20;

pub(super) async fn watch(parts: Arc<Parts>) {
    let Some(folder) = parts.config.data_folder.clone() else { return };
    rounds::at_once_and_every(&parts, INTERVAL, "look how full the disk is", || look(&parts, folder.clone()))
        .await;
}

async fn look(parts: &Parts, folder: PathBuf) -> Result<(), Error> {
    let room = tokio::task::spawn_blocking(move || room(&folder)).await.map_err(io::Error::other);
    match room.flatten() {
        Ok((free, size)) => note(parts, free, size).await,
        Err(error) => {
            tracing::warn!(error = &error as &dyn core::error::Error, "could not see how full the disk is");
            Ok(())
        }
    }
}

/// Bytes of the disk of a folder that this program may still use, and all of them.
fn room(folder: &std::path::Path) -> io::Result<(u64, u64)> {
    let found = rustix::fs::statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((bytes(found.f_bavail), bytes(found.f_blocks)))
}

/// Raises or resolves the alert. What lasts is raised again only when it became graver.
async fn note(parts: &Parts, free: u64, size: u64) -> Result<(), Error> {
    let (kind, about) = (AlertKind::DiskNearlyFull, AlertSubject::server());
    let lasts = parts.store.read().await?.alerts().unresolved(kind, &about).await?;
    let known = lasts.as_ref().filter(|alert| alert.settles.is_none()).map(|alert| alert.severity);
    match (disk(free, size), known) {
        (None, None) => Ok(()),
        (None, Some(_)) => settle(parts, None).await,
        (Some(now), Some(before)) if now <= before => Ok(()),
        (Some(now), _) => settle(parts, Some((now, free, size))).await,
    }
}

async fn settle(parts: &Parts, found: Option<(Severity, u64, u64)>) -> Result<(), Error> {
    let (kind, about) = (AlertKind::DiskNearlyFull, AlertSubject::server());
    retry(async || {
        let mut change = parts.begin().await?;
        match found {
            None => drop(alerts::resolve(&mut change, kind, &about).await?),
            Some((severity, free, size)) => {
                let summary = format!(
                    "The disk of the server's data has {} MiB left, of {} MiB.",
                    free / MIB,
                    size / MIB
                );
                let detail = serde_json::json!({ "free": free, "size": size });
                let finding = alerts::found(parts, kind, about.clone(), "disk", summary, detail);
                alerts::raise(&mut change, &restic_manager_store::alerts::NewAlert { severity, ..finding })
                    .await?;
            }
        }
        change.commit(Audit::Routine("the disk of the server's data was looked at")).await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    #[tokio::test]
    async fn a_disk_that_fills_up_is_told_once_and_again_when_it_is_graver() {
        let (server, _) = fixture::server().await;
        let parts = server.parts();
        let (gib, warning, critical) = (1 << 30, Severity::Warning, Severity::Critical);
        for (free, expected, count) in [
            (50 * gib, None, 0),
            (9 * gib, Some(warning), 1),
            (8 * gib, Some(warning), 1),
            (gib / 2, Some(critical), 2),
            (9 * gib, Some(critical), 2),
            (50 * gib, None, 0),
        ] {
            note(parts, free, 100 * gib).await.unwrap();
            let mut read = parts.store.read().await.unwrap();
            let about = AlertSubject::server();
            let lasts = read.alerts().unresolved(AlertKind::DiskNearlyFull, &about).await.unwrap();
            assert_eq!(lasts.as_ref().map(|alert| alert.severity), expected, "{free}");
            assert_eq!(lasts.map_or(0, |alert| alert.count), count, "{free}");
        }
    }

    #[test]
    fn a_folder_has_room_on_a_disk_and_one_that_is_not_there_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let (free, size) = room(folder.path()).unwrap();
        assert!(free <= size && size > MIB, "{free} of {size}");
        assert!(room(&folder.path().join("missing")).is_err());
    }
}
