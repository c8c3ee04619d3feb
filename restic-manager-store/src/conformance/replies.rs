use super::samples::*;
use crate::{Error, ErrorKind, Store, replies::Reply};

fn reply(actor: &str, number: u32) -> Reply {
    Reply {
        actor: actor.into(),
        key: "key".into(),
        fingerprint: [number as u8; 32],
        status: 201,
        body: vec![0, 159, 146, 150],
        created: at(number),
        expires: at(number + 10),
    }
}

pub async fn a_key_is_used_once(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.replies().remember(&reply("ada", 1)))?;
    change!(store, |tx| tx.replies().remember(&reply("bob", 2)))?;
    assert_kind(change!(store, |tx| tx.replies().remember(&reply("ada", 3))), ErrorKind::Taken);
    let mut read = store.read().await?;
    assert_eq!(read.replies().find("ada", "key").await?, Some(reply("ada", 1)));
    assert_eq!(read.replies().find("ada", "other").await?, None);
    assert_eq!((read.replies().count("ada").await?, read.replies().count("eve").await?), (1, 0));
    Ok(())
}

pub async fn purging_forgets_the_expired(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.replies().remember(&reply("ada", 1)))?;
    change!(store, |tx| tx.replies().remember(&reply("bob", 2)))?;
    assert_eq!(change!(store, |tx| tx.replies().purge(at(12)))?, 1);
    let mut read = store.read().await?;
    assert_eq!(read.replies().find("ada", "key").await?, None);
    assert_eq!(read.replies().find("bob", "key").await?, Some(reply("bob", 2)));
    Ok(())
}
