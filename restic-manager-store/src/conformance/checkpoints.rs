use super::samples::*;
use crate::{
    Error, ErrorKind, PublicKey, Store,
    audit::AuditHead,
    checkpoints::AuditCheckpoint,
};

fn checkpoint(sequence: u64) -> AuditCheckpoint {
    AuditCheckpoint {
        head: AuditHead { sequence, hash: [sequence as u8; 32] },
        moment: at(sequence as u32),
        signer: PublicKey::new([7; 32]),
        signature: [sequence as u8; 64],
    }
}

pub async fn the_last_and_those_that_cover(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(store.read().await?.checkpoints().last().await?, None);
    for sequence in [20, 3, 11] {
        change!(store, |tx| tx.checkpoints().add(&checkpoint(sequence)))?;
    }
    let mut read = store.read().await?;
    assert_eq!(read.checkpoints().last().await?, Some(checkpoint(20)));
    assert_eq!(read.checkpoints().covering(4, 9).await?, [checkpoint(11), checkpoint(20)]);
    assert_eq!(read.checkpoints().covering(11, 1).await?, [checkpoint(11)]);
    assert_eq!(read.checkpoints().covering(21, 9).await?, []);
    Ok(())
}

pub async fn one_per_entry(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.checkpoints().add(&checkpoint(3)))?;
    let again = AuditCheckpoint { moment: at(9), ..checkpoint(3) };
    assert_kind(change!(store, |tx| tx.checkpoints().add(&again)), ErrorKind::Taken);
    assert_eq!(store.read().await?.checkpoints().last().await?, Some(checkpoint(3)));
    Ok(())
}
