use restic_manager_proto::Timestamp;

use super::samples::*;
use crate::{Error, ErrorKind, PageRequest, Store};

pub async fn pages_join_and_repeats_are_passed_over(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    let rows = [previewed(3), previewed(1), previewed(2)];
    for _ in 0..2 {
        change!(store, |tx| tx.previews().add(job_id(1), &rows))?;
    }
    let mut read = store.read().await?;
    let first = read.previews().page(job_id(1), PageRequest::first(2)).await?;
    assert_eq!(first.items, [previewed(3), previewed(2)], "newest first");
    let request = PageRequest { limit: 2, after: first.next };
    assert_eq!(read.previews().page(job_id(1), request).await?.items, [previewed(1)]);
    assert_eq!(read.previews().page(job_id(2), PageRequest::first(2)).await?.items, []);
    drop(read);
    assert_kind(change!(store, |tx| tx.previews().add(job_id(9), &rows)), ErrorKind::NotFound);
    Ok(())
}

pub async fn old_ones_are_purged_in_batches(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    for number in 1..=2 {
        change!(store, |tx| tx.jobs().queue(&job(number, 1)))?;
        change!(store, |tx| tx.previews().add(job_id(number), &[previewed(1), previewed(2), previewed(3)]))?;
    }
    let second = Timestamp::from_milliseconds((2 << 16) | 0x8080);
    assert_eq!(change!(store, |tx| tx.previews().purge(second, 2))?, 2);
    assert_eq!(change!(store, |tx| tx.previews().purge(second, 9))?, 1);
    assert_eq!(change!(store, |tx| tx.previews().purge(second, 9))?, 0);
    let mut read = store.read().await?;
    assert_eq!(read.previews().page(job_id(1), PageRequest::first(9)).await?.items, []);
    assert_eq!(read.previews().page(job_id(2), PageRequest::first(9)).await?.items.len(), 3);
    Ok(())
}
