//! Snapshots that were seen.

use restic_manager_proto::api::{
    Page, Reference,
    snapshots::{BySnapshot, List, Show, Snapshot},
};
use restic_manager_store::{
    Read,
    snapshots::{Snapshot as Row, SnapshotCursor, SnapshotScope},
};
use std::collections::HashMap;

use super::page;
use crate::{
    call::{Cx, Request},
    failure::Failure,
};

pub(crate) async fn show(cx: Cx, request: Request<Show>) -> Result<Snapshot, Failure> {
    let by = request.path;
    let mut read = cx.read().await?;
    let snapshot = find(read.as_mut(), &by).await?;
    let listed = read.attachments().find(by.host, by.repository).await?.and_then(|row| row.listed);
    let name = read.repositories().find(by.repository).await?.map(|row| row.name).unwrap_or_default();
    Ok(Snapshot {
        repository: Reference { id: by.repository, name },
        seen_at: listed.unwrap_or(snapshot.first_seen),
        snapshot: snapshot.seen,
    })
}

/// A snapshot that was seen and is not known to be gone.
pub(super) async fn find(read: &mut dyn Read, by: &BySnapshot) -> Result<Row, Failure> {
    let found = read.snapshots().find(by.host, by.repository, &by.snapshot).await?;
    found.ok_or_else(|| Failure::not_found("snapshot"))
}

/// History stays readable: a removed host's too.
pub(crate) async fn list(cx: Cx, request: Request<List>) -> Result<Page<Snapshot>, Failure> {
    let (id, query) = (request.path.host, request.query);
    let wanted = page::request(query.limit, query.after.as_ref(), |(time, id, host, repository)| {
        SnapshotCursor { time, id, host, repository }
    })?;
    let mut read = cx.read().await?;
    let host = read.hosts().find(id).await?.ok_or_else(|| Failure::not_found("host"))?;
    let scope = match query.repository {
        Some(repository) => SnapshotScope::HostRepository(host.id, repository),
        None => SnapshotScope::Host(host.id),
    };
    let found = read.snapshots().page(scope, wanted).await?;
    let listed: HashMap<_, _> = read
        .attachments()
        .of_host(host.id)
        .await?
        .into_iter()
        .map(|row| (row.repository, row.listed))
        .collect();
    let mut names = HashMap::new();
    let mut items = Vec::with_capacity(found.items.len());
    for snapshot in found.items {
        let repository = snapshot.repository;
        if let std::collections::hash_map::Entry::Vacant(slot) = names.entry(repository) {
            slot.insert(read.repositories().find(repository).await?.map(|row| row.name).unwrap_or_default());
        }
        items.push(Snapshot {
            repository: Reference {
                id: repository,
                name: names.get(&repository).cloned().unwrap_or_default(),
            },
            seen_at: listed.get(&repository).copied().flatten().unwrap_or(snapshot.first_seen),
            snapshot: snapshot.seen,
        });
    }
    page::finish(items, found.next, |key| (key.time, key.id, key.host, key.repository))
}
