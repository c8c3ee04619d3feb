use restic_manager_proto::vocabulary::{AlertKind, AlertState, Severity};

use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, Store,
    alerts::{Alert, AlertFilter, AlertTally, NewAlert, Raised},
};

const KIND: AlertKind = AlertKind::AgentOverreach;
const OTHER: AlertKind = AlertKind::TokenReplay;

async fn raise(store: &dyn Store, found: &NewAlert) -> Result<Raised, Error> {
    change!(store, |tx| tx.alerts().raise(found))
}

async fn stored(store: &dyn Store, number: u32) -> Result<Alert, Error> {
    Ok(store.read().await?.alerts().find(alert_id(number)).await?.expect("the alert is there"))
}

async fn tallies(store: &dyn Store) -> Result<Vec<(AlertState, Severity, u64)>, Error> {
    let tallies = store.read().await?.alerts().tallies().await?;
    Ok(tallies.iter().map(|AlertTally { state, severity, alerts }| (*state, *severity, *alerts)).collect())
}

pub async fn one_lasts_per_kind_and_subject(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(raise(store, &found(1, KIND, 1)).await?, Raised::First(alert_id(1)));
    assert_eq!(raise(store, &found(2, KIND, 1)).await?, Raised::Again(alert_id(1)));
    assert_eq!(raise(store, &found(3, OTHER, 1)).await?, Raised::First(alert_id(3)));
    assert_eq!(raise(store, &found(4, KIND, 2)).await?, Raised::First(alert_id(4)));
    let alert = stored(store, 1).await?;
    assert_eq!((alert.count, alert.first_seen, alert.last_seen), (2, at(1), at(2)));
    assert_eq!((alert.summary.as_str(), &alert.detail), ("finding 2", &found(2, KIND, 1).detail));
    let subject = found(1, KIND, 1).subject;
    assert_eq!(store.read().await?.alerts().unresolved(KIND, &subject).await?, Some(alert));
    // A clock that was set back does not make it older.
    raise(store, &NewAlert { moment: at(0), ..found(5, KIND, 1) }).await?;
    assert_eq!(stored(store, 1).await?.last_seen, at(2));
    let taken = NewAlert { id: alert_id(1), ..found(6, OTHER, 2) };
    assert_kind(raise(store, &taken).await, ErrorKind::Taken);
    Ok(())
}

pub async fn what_worsens_is_open_again(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), user_id(1), at(2)))?);
    raise(store, &found(3, KIND, 1)).await?;
    assert_eq!(stored(store, 1).await?.state, AlertState::Acknowledged, "the same is no news");
    raise(store, &NewAlert { severity: Severity::Critical, ..found(4, KIND, 1) }).await?;
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.severity), (AlertState::Open, Severity::Critical));
    assert_eq!((alert.acknowledged, alert.acknowledged_by), (None, None));
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Critical, 1)]);
    Ok(())
}

pub async fn a_rule_resolves_what_it_no_longer_finds(store: &dyn Store) -> Result<(), Error> {
    let subject = found(1, KIND, 1).subject;
    assert!(!change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(1)))?);
    raise(store, &found(1, KIND, 1)).await?;
    assert!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(2)))?);
    assert!(!change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(3)))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.resolved, alert.resolved_by), (AlertState::Resolved, Some(at(2)), None));
    assert_eq!(raise(store, &found(4, KIND, 1)).await?, Raised::First(alert_id(4)), "it came back");
    Ok(())
}

pub async fn people_take_on_and_close(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), user_id(1), at(2)))?);
    assert!(!change!(store, |tx| tx.alerts().acknowledge(alert_id(1), user_id(2), at(3)))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.acknowledged, alert.acknowledged_by), (Some(at(2)), Some(user_id(1))));
    assert!(change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(1), user_id(2), at(4)))?);
    assert!(!change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(1), user_id(1), at(5)))?);
    assert!(!change!(store, |tx| tx.alerts().acknowledge(alert_id(1), user_id(1), at(6)))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.resolved, alert.resolved_by), (Some(at(4)), Some(user_id(2))));
    let nobody = change!(store, |tx| tx.alerts().acknowledge(alert_id(9), user_id(1), at(1)));
    assert_kind(nobody, ErrorKind::NotFound);
    let nobody = change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(9), user_id(1), at(1)));
    assert_kind(nobody, ErrorKind::NotFound);
    Ok(())
}

pub async fn filters_and_pages_agree(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=4 {
        raise(store, &found(number, KIND, number)).await?;
        let grave = NewAlert { severity: Severity::Critical, ..found(number + 10, OTHER, number) };
        raise(store, &grave).await?;
    }
    change!(store, |tx| tx.alerts().acknowledge(alert_id(2), user_id(1), at(20)))?;
    change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(13), user_id(1), at(20)))?;
    let mut read = store.read().await?;
    let (open, grave) = (Some(AlertState::Open), Some(Severity::Critical));
    let cases = [
        (AlertFilter::default(), vec![14, 13, 12, 11, 4, 3, 2, 1]),
        (AlertFilter { state: open, ..AlertFilter::default() }, vec![14, 12, 11, 4, 3, 1]),
        (AlertFilter { severity: grave, ..AlertFilter::default() }, vec![14, 13, 12, 11]),
        (AlertFilter { kind: Some(KIND), ..AlertFilter::default() }, vec![4, 3, 2, 1]),
        (AlertFilter { state: open, severity: grave, kind: None }, vec![14, 12, 11]),
        (AlertFilter { state: open, severity: None, kind: Some(KIND) }, vec![4, 3, 1]),
        (AlertFilter { state: None, severity: grave, kind: Some(KIND) }, vec![]),
        (AlertFilter { state: open, severity: grave, kind: Some(OTHER) }, vec![14, 12, 11]),
    ];
    for (filter, expected) in cases {
        let (mut seen, mut request) = (Vec::new(), PageRequest::first(2));
        loop {
            let page = read.alerts().page(filter, request).await?;
            seen.extend(page.items.iter().map(|alert| alert.id));
            match page.next {
                Some(next) => request = PageRequest::after(next, 2),
                None => break,
            }
        }
        assert_eq!(seen, expected.into_iter().map(alert_id).collect::<Vec<_>>(), "{filter:?}");
    }
    Ok(())
}

pub async fn tallies_follow(store: &dyn Store) -> Result<(), Error> {
    assert_eq!(tallies(store).await?, []);
    for number in 1..=3 {
        raise(store, &found(number, KIND, number)).await?;
    }
    raise(store, &found(4, KIND, 3)).await?;
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Warning, 3)]);
    change!(store, |tx| tx.alerts().acknowledge(alert_id(1), user_id(1), at(5)))?;
    let expected = [(AlertState::Open, Severity::Warning, 2), (AlertState::Acknowledged, Severity::Warning, 1)];
    assert_eq!(tallies(store).await?, expected);
    change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(1), user_id(1), at(6)))?;
    change!(store, |tx| tx.alerts().resolve(KIND, &found(2, KIND, 2).subject, at(6)))?;
    raise(store, &NewAlert { severity: Severity::Info, ..found(7, KIND, 3) }).await?;
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Info, 1)]);
    let mut tx = begin(store).await?;
    tx.alerts().raise(&found(8, OTHER, 1)).await?;
    drop(tx);
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Info, 1)], "undone");
    Ok(())
}

pub async fn purging_spares_what_lasts(store: &dyn Store) -> Result<(), Error> {
    for number in 1..=4 {
        raise(store, &found(number, KIND, number)).await?;
        if number < 4 {
            let end = at(10 - number);
            change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(number), user_id(1), end))?;
        }
    }
    assert_eq!(change!(store, |tx| tx.alerts().purge(at(9), 1))?, 1);
    assert!(store.read().await?.alerts().find(alert_id(3)).await?.is_none(), "the oldest end first");
    assert_eq!(change!(store, |tx| tx.alerts().purge(at(9), 9))?, 1);
    assert_eq!(change!(store, |tx| tx.alerts().purge(at(9), 9))?, 0);
    let kept = store.read().await?.alerts().page(AlertFilter::default(), PageRequest::first(9)).await?;
    assert_eq!(kept.items.iter().map(|alert| alert.id).collect::<Vec<_>>(), [alert_id(4), alert_id(1)]);
    Ok(())
}
