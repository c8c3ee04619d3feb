use super::samples::*;
use crate::{Error, ErrorKind, SealedBlob, Store, drafts::Draft};

pub async fn one_is_kept_and_wiped(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    change!(store, |tx| tx.jobs().queue(&job(1, 1)))?;
    let draft = Draft { job: job_id(1), sealed: SealedBlob::new([1, 2, 3]) };
    change!(store, |tx| tx.drafts().keep(&draft))?;
    assert_eq!(store.read().await?.drafts().find(job_id(1)).await?, Some(draft.clone()));
    assert!(change!(store, |tx| tx.drafts().wipe(job_id(1)))?);
    assert!(!change!(store, |tx| tx.drafts().wipe(job_id(1)))?);
    assert_eq!(store.read().await?.drafts().find(job_id(1)).await?, None);
    let unknown = Draft { job: job_id(9), ..draft };
    assert_kind(change!(store, |tx| tx.drafts().keep(&unknown)), ErrorKind::NotFound);
    Ok(())
}
