use restic_manager_proto::vocabulary::PendingHostState;

use super::samples::*;
use crate::{
    Error, ErrorKind, Store,
    pending_hosts::{PendingHost, Sighting},
};

pub async fn a_key_waits_once(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.pending_hosts().add(&pending_host(2)))?;
    change!(store, |tx| tx.pending_hosts().add(&pending_host(1)))?;
    let same_key = PendingHost { public_key: pending_host(1).public_key, ..pending_host(3) };
    assert_kind(change!(store, |tx| tx.pending_hosts().add(&same_key)), ErrorKind::Taken);
    let sighting = Sighting {
        facts: facts("0.19.0"),
        address: None,
        network: "2001:db8::".to_owned(),
        seen: at(60),
    };
    change!(store, |tx| tx.pending_hosts().see(pending_host_id(1), &sighting))?;
    change!(store, |tx| tx.pending_hosts().note_last_seen(pending_host_id(2), at(61)))?;
    change!(store, |tx| tx.pending_hosts().note_last_seen(pending_host_id(9), at(61)))?;
    assert_kind(
        change!(store, |tx| tx.pending_hosts().see(pending_host_id(9), &sighting)),
        ErrorKind::NotFound,
    );
    let Sighting { facts, address, network, seen } = sighting;
    let first = PendingHost { facts, address, network, last_seen: seen, ..pending_host(1) };
    let second = PendingHost { last_seen: at(61), ..pending_host(2) };
    let mut read = store.read().await?;
    assert_eq!(read.pending_hosts().waiting().await?, [first.clone(), second]);
    assert_eq!(read.pending_hosts().with_key(&first.public_key).await?, Some(first));
    Ok(())
}

pub async fn a_decision_is_made_once(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=3 {
        change!(store, |tx| tx.pending_hosts().add(&pending_host(number)))?;
    }
    change!(store, |tx| tx.pending_hosts().accept(pending_host_id(1), host_id(7), at(9000)))?;
    change!(store, |tx| tx.pending_hosts().reject(pending_host_id(2), at(9001)))?;
    for decided in [1, 2] {
        let accepted =
            change!(store, |tx| tx.pending_hosts().accept(pending_host_id(decided), host_id(8), at(9002)));
        assert_kind(accepted, ErrorKind::Conflict);
        let rejected = change!(store, |tx| tx.pending_hosts().reject(pending_host_id(decided), at(9002)));
        assert_kind(rejected, ErrorKind::Conflict);
    }
    assert_kind(
        change!(store, |tx| tx.pending_hosts().reject(pending_host_id(9), at(9002))),
        ErrorKind::NotFound,
    );
    let accepted = PendingHost {
        state: PendingHostState::Accepted,
        host: Some(host_id(7)),
        expires: at(9000),
        ..pending_host(1)
    };
    let rejected = PendingHost { state: PendingHostState::Rejected, expires: at(9001), ..pending_host(2) };
    assert_eq!(change!(store, |tx| tx.pending_hosts().clear())?, 1, "what was decided is not cleared");
    let mut read = store.read().await?;
    assert_eq!(read.pending_hosts().find(pending_host_id(1)).await?, Some(accepted));
    assert_eq!(read.pending_hosts().find(pending_host_id(2)).await?, Some(rejected));
    assert_eq!(read.pending_hosts().waiting().await?, []);
    Ok(())
}

pub async fn the_first_look_stays(store: &dyn Store) -> Result<(), Error> {
    change!(store, |tx| tx.pending_hosts().add(&pending_host(1)))?;
    change!(store, |tx| tx.pending_hosts().look_at(pending_host_id(1), at(5)))?;
    change!(store, |tx| tx.pending_hosts().look_at(pending_host_id(1), at(6)))?;
    assert_kind(
        change!(store, |tx| tx.pending_hosts().look_at(pending_host_id(9), at(6))),
        ErrorKind::NotFound,
    );
    let found = store.read().await?.pending_hosts().find(pending_host_id(1)).await?;
    assert_eq!(found.and_then(|host| host.looked_at), Some(at(5)));
    Ok(())
}

pub async fn purging_forgets_the_expired(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=3 {
        change!(store, |tx| tx.pending_hosts().add(&pending_host(number)))?;
    }
    change!(store, |tx| tx.pending_hosts().reject(pending_host_id(1), at(9000)))?;
    assert_eq!(change!(store, |tx| tx.pending_hosts().purge(at(3603)))?, 1);
    assert!(change!(store, |tx| tx.pending_hosts().remove(pending_host_id(3)))?);
    assert!(!change!(store, |tx| tx.pending_hosts().remove(pending_host_id(3)))?);
    let mut read = store.read().await?;
    assert_eq!(read.pending_hosts().waiting().await?, []);
    assert!(read.pending_hosts().find(pending_host_id(1)).await?.is_some(), "it is remembered for longer");
    Ok(())
}
