use restic_manager_proto::vocabulary::{Action, Outcome};

use super::samples::*;
use crate::{
    Audit, Error, PageRequest, Store,
    audit::{AuditEntry, AuditHead, AuditRange, AuditScope},
};

async fn all(store: &dyn Store) -> Result<Vec<AuditEntry>, Error> {
    store.read().await?.audit().since(1, 1000).await
}

fn assert_chained(entries: &[AuditEntry]) {
    let mut head = AuditHead::START;
    for entry in entries {
        assert!(entry.follows(head), "broken at {}", entry.sequence);
        head = entry.head();
    }
}

pub async fn a_commit_appends_its_entries(store: &dyn Store) -> Result<(), Error> {
    let entries = vec![entry(1, Action::HostUpdate), entry(2, Action::HostDelete)];
    store.begin().await?.commit(Audit::Entries(entries.clone())).await?;
    store.begin().await?.commit(Audit::entry(entry(3, Action::Login))).await?;
    store.begin().await?.commit(ROUTINE).await?;
    let stored = all(store).await?;
    assert_eq!(stored.iter().map(|row| row.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(stored[0].entry, entries[0]);
    assert_eq!(stored[2].entry, entry(3, Action::Login));
    assert_eq!(store.read().await?.audit().head().await?, stored[2].head());
    Ok(())
}

pub async fn the_chain_holds_and_shows_tampering(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(store.read().await?.audit().head().await?, AuditHead::START);
    for number in 1..5 {
        commit_entry(store, &entry(number, Action::JobCreate)).await?;
    }
    let stored = all(store).await?;
    assert_chained(&stored);
    let mut forged = stored[2].clone();
    forged.entry.actor.name = Some("Eve".into());
    assert!(!forged.follows(stored[1].head()));
    assert!(!stored[3].follows(stored[1].head()), "a missing entry shows");
    Ok(())
}

pub async fn a_dropped_transaction_has_no_entry(store: &dyn Store) -> Result<(), Error> {
    let mut tx = begin(store).await?;
    tx.meta().put("fact", "undone").await?;
    drop(tx);
    assert_eq!(all(store).await?, []);
    Ok(())
}

pub async fn scopes_show_their_entries(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=6 {
        let action = if number % 2 == 0 { Action::Login } else { Action::Logout };
        commit_entry(store, &entry(number, action)).await?;
    }
    let mut read = store.read().await?;
    let cases = [
        (AuditScope::Everything, vec![6, 5, 4, 3, 2, 1]),
        (AuditScope::Action(Action::Login), vec![6, 4, 2]),
        (AuditScope::Actor("user-1".into()), vec![5, 3, 1]),
        (AuditScope::Subject { kind: "host".into(), id: "host-0".into() }, vec![6, 3]),
        (AuditScope::Subject { kind: "user".into(), id: "host-0".into() }, vec![]),
    ];
    for (scope, expected) in cases {
        let page = read.audit().page(&scope, PageRequest::first(10)).await?;
        assert_eq!(page.items.iter().map(|row| row.sequence).collect::<Vec<_>>(), expected, "{scope:?}");
    }
    Ok(())
}

pub async fn a_time_shows_its_entries(store: &dyn Store) -> Result<(), Error> {
    // The clock was set back after the third entry.
    for (number, second) in [(1, 10), (2, 20), (3, 30), (4, 20), (5, 25), (6, 40)] {
        let mut entry = entry(number, Action::Login);
        entry.moment = at(second);
        if number % 2 == 1 {
            entry.outcome = Outcome::Refused;
        }
        commit_entry(store, &entry).await?;
    }
    let mut read = store.read().await?;
    let range = |since, until| AuditRange { since: at(since), until: at(until) };
    let cases = [
        (AuditScope::Everything, AuditRange::ALL, vec![6, 3, 5, 4, 2, 1]),
        (AuditScope::Everything, range(20, 30), vec![3, 5, 4, 2]),
        (AuditScope::Action(Action::Login), range(11, 25), vec![5, 4, 2]),
        (AuditScope::Outcome(Outcome::Refused), range(0, 29), vec![5, 1]),
        (AuditScope::Actor("user-0".into()), range(20, 20), vec![4, 2]),
        (AuditScope::Subject { kind: "host".into(), id: "host-0".into() }, range(31, 99), vec![6]),
    ];
    for (scope, range, expected) in cases {
        let (mut seen, mut request) = (Vec::new(), PageRequest::first(2));
        loop {
            let page = read.audit().page_of(&scope, range, request).await?;
            seen.extend(page.items.iter().map(|row| row.sequence));
            match page.next {
                Some(next) => request = PageRequest::after(next, 2),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{scope:?} {range:?}");
    }
    assert_eq!(read.audit().entry(4).await?.map(|row| row.entry.moment), Some(at(20)));
    assert_eq!(read.audit().entry(9).await?, None);
    Ok(())
}

pub async fn pages_join(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=5 {
        commit_entry(store, &entry(number, Action::Login)).await?;
    }
    let mut read = store.read().await?;
    let first = read.audit().page(&AuditScope::Everything, PageRequest::first(3)).await?;
    assert_eq!((first.items.len(), first.next), (3, Some(first.items[2].cursor())));
    let after = PageRequest::after(first.items[2].cursor(), 3);
    let second = read.audit().page(&AuditScope::Everything, after).await?;
    assert_eq!(second.items.iter().map(|row| row.sequence).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(second.next, None);
    Ok(())
}

pub async fn concurrent_entries_keep_the_chain(store: &dyn Store) -> Result<(), Error> {
    let entries: Vec<_> = (1..=4).map(|number| entry(number, Action::Login)).collect();
    let (a, b, c, d) = tokio::join!(
        commit_entry(store, &entries[0]),
        commit_entry(store, &entries[1]),
        commit_entry(store, &entries[2]),
        commit_entry(store, &entries[3]),
    );
    a.and(b).and(c).and(d)?;
    let stored = all(store).await?;
    assert_eq!(stored.len(), 4);
    assert_chained(&stored);
    Ok(())
}

pub async fn hostile_text_keeps_the_chain(store: &dyn Store) -> Result<(), Error> {
    let mut hostile = entry(1, Action::LoginRefused);
    hostile.actor.name = Some("nul \0 newline \n rtl \u{202e}".into());
    hostile.detail = serde_json::json!({"nul \0": "\0", "quote": "\"\\"});
    commit_entry(store, &hostile).await?;
    let stored = all(store).await?;
    assert_chained(&stored);
    assert_eq!(stored[0].entry.actor.name.as_deref(), Some("nul \u{fffd} newline \n rtl \u{202e}"));
    assert_eq!(stored[0].entry.detail, hostile.detail);
    Ok(())
}
