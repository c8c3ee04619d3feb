//! A long listing is written in pieces, so that others write in between.
//!
//! Its snapshots are added and those that are gone are forgotten ahead of the commit that acknowledges it, which finds
//! little left to do and takes the listing as the whole truth. What breaks off in between is mended by the next listing:
//! it is sent again, because it was not acknowledged.

use restic_manager_proto::{RepositoryId, SnapshotSeen, Timestamp, agent::ReportItem};
use restic_manager_store::{Audit, Error, ErrorKind, hosts::Host, retry};
use std::collections::BTreeSet;

use crate::{limits::PIECE_SNAPSHOTS, parts::Parts};

/// A listing among the items of a batch.
struct Listing<'a> {
    repository: RepositoryId,
    at: Timestamp,
    snapshots: Vec<&'a SnapshotSeen>,
}

/// Writes the long listings among the items, all but what is new about them as a whole.
pub(super) async fn write_ahead(parts: &Parts, host: &Host, items: &[ReportItem]) -> Result<(), Error> {
    for listing in listings(items) {
        match listing.write(parts, host).await {
            // A host that was detached meanwhile still reports.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            written => written?,
        }
    }
    Ok(())
}

/// The listings that end in these items.
fn listings(items: &[ReportItem]) -> Vec<Listing<'_>> {
    let (mut listings, mut open) = (Vec::new(), Vec::new());
    for item in items {
        let ReportItem::Snapshots { repository, at, snapshots, part, last } = item else { continue };
        if *part == 0 {
            open.clear();
        }
        open.extend(snapshots);
        if *last {
            listings.push(Listing {
                repository: *repository,
                at: *at,
                snapshots: core::mem::take(&mut open),
            });
        }
    }
    listings
}

impl Listing<'_> {
    async fn write(&self, parts: &Parts, host: &Host) -> Result<(), Error> {
        let repository = self.repository;
        let known = parts.store.read().await?.snapshots().ids(host.id, repository).await?;
        let Difference { new, gone } = self.difference(known);
        // A clock that is ahead dates snapshots and their listing alike.
        let at = self.at.min(parts.now());
        for piece in all_but_the_last(&new) {
            retry(async || {
                let mut change = parts.begin().await?;
                change.snapshots().add_listed(host.id, repository, piece, at).await?;
                change.commit(Audit::Routine("a piece of a listing")).await
            })
            .await?;
        }
        for piece in all_but_the_last(&gone) {
            retry(async || {
                let mut change = parts.begin().await?;
                change.snapshots().forget(host.id, repository, piece).await?;
                change.commit(Audit::Routine("a piece of a listing")).await
            })
            .await?;
        }
        Ok(())
    }

    fn difference(&self, known: Vec<String>) -> Difference {
        let listed: BTreeSet<&str> = self.snapshots.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let is_known = known.iter().map(String::as_str).collect::<BTreeSet<_>>();
        let new = self.snapshots.iter().filter(|snapshot| !is_known.contains(snapshot.id.as_str()));
        let new = new.map(|&snapshot| snapshot.clone()).collect();
        let gone = known.iter().filter(|id| !listed.contains(id.as_str())).cloned().collect();
        Difference { new, gone }
    }
}

/// What a listing changes.
#[derive(Debug)]
struct Difference {
    new: Vec<SnapshotSeen>,
    gone: Vec<String>,
}

/// Pieces of rows; the last one goes with the commit that acknowledges the listing.
fn all_but_the_last<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let pieces = rows.len().div_ceil(PIECE_SNAPSHOTS);
    rows.chunks(PIECE_SNAPSHOTS).take(pieces.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(range: core::ops::Range<usize>) -> Vec<SnapshotSeen> {
        range
            .map(|number| SnapshotSeen::new(format!("{number:064}"), Timestamp::from_milliseconds(0)))
            .collect()
    }

    #[test]
    fn a_long_listing_is_written_in_pieces() {
        let repository = RepositoryId::from_bytes([1; 16]);
        let at = Timestamp::from_milliseconds(9);
        let part = |snapshots, part, last| ReportItem::Snapshots { repository, at, snapshots, part, last };
        let items =
            [part(seen(0..9), 0, false), part(seen(2000..3000), 0, false), part(seen(3000..6500), 1, true)];
        let [listing] = &listings(&items)[..] else { panic!("one listing ends here") };
        let known = seen(0..2500).into_iter().map(|snapshot| snapshot.id).collect();
        let Difference { new, gone } = listing.difference(known);
        assert_eq!((new.len(), gone.len()), (4000, 2000));
        let sizes = |pieces: Vec<usize>| (pieces.iter().sum::<usize>(), pieces.iter().copied().max());
        assert_eq!(sizes(all_but_the_last(&new).map(<[_]>::len).collect()), (3000, Some(PIECE_SNAPSHOTS)));
        assert_eq!(sizes(all_but_the_last(&gone).map(<[_]>::len).collect()), (1000, Some(PIECE_SNAPSHOTS)));
        assert_eq!(all_but_the_last(&new[..PIECE_SNAPSHOTS]).count(), 0, "a short one is one commit");
    }
}
