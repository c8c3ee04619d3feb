use core::time::Duration;
use restic_manager_proto::vocabulary::{AlertKind, AlertState, AlertStep, Severity};

use super::samples::*;
use crate::{
    Error, ErrorKind, PageRequest, Store,
    alerts::{
        Acknowledgement, Alert, AlertFilter, AlertPlace, AlertTally, KEPT_STEPS, NewAlert, Passed, REMINDED_EVERY, REOPENED_WITHIN,
        RESTLESS, Raised, SETTLING,
    },
};

const KIND: AlertKind = AlertKind::AgentOverreach;
const OTHER: AlertKind = AlertKind::TokenReplay;

async fn raise(store: &dyn Store, found: &NewAlert) -> Result<Raised, Error> {
    change!(store, |tx| tx.alerts().raise(found))
}

fn taken_on(user: u32, second: u32) -> Acknowledgement {
    Acknowledgement { by: user_id(user), at: at(second), reason: format!("by {user}"), until: None }
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
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(1, 2)))?);
    raise(store, &found(3, KIND, 1)).await?;
    assert_eq!(stored(store, 1).await?.state, AlertState::Acknowledged, "the same is no news");
    let worse = raise(store, &NewAlert { severity: Severity::Critical, ..found(4, KIND, 1) }).await?;
    assert_eq!(worse, Raised::Worse(alert_id(1)));
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.severity), (AlertState::Open, Severity::Critical));
    assert_eq!((alert.acknowledged, alert.acknowledged_by), (None, None));
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Critical, 1)]);
    Ok(())
}

pub async fn a_rule_resolves_what_it_no_longer_finds(store: &dyn Store) -> Result<(), Error> {
    let subject = found(1, KIND, 1).subject;
    assert_eq!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(1)))?, None);
    raise(store, &found(1, KIND, 1)).await?;
    assert_eq!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(2)))?, Some(alert_id(1)));
    assert_eq!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(3)))?, None);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.resolved, alert.resolved_by), (AlertState::Resolved, Some(at(2)), None));
    let later = NewAlert { moment: at(3).after(REOPENED_WITHIN), ..found(4, KIND, 1) };
    assert_eq!(raise(store, &later).await?, Raised::First(alert_id(4)), "it came back");
    Ok(())
}

pub async fn people_take_on_and_close(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(1, 2)))?);
    assert!(!change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(2, 3)))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.acknowledged, alert.acknowledged_by), (Some(at(2)), Some(user_id(1))));
    assert!(change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(1), user_id(2), at(4)))?);
    assert!(!change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(1), user_id(1), at(5)))?);
    assert!(!change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(1, 6)))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.resolved, alert.resolved_by), (Some(at(4)), Some(user_id(2))));
    let nobody = change!(store, |tx| tx.alerts().acknowledge(alert_id(9), &taken_on(1, 1)));
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
    change!(store, |tx| tx.alerts().acknowledge(alert_id(2), &taken_on(1, 20)))?;
    change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(13), user_id(1), at(20)))?;
    let mut read = store.read().await?;
    let (open, grave) = (Some(AlertState::Open), Some(Severity::Critical));
    let cases = [
        (AlertFilter::default(), vec![14, 13, 12, 11, 4, 3, 2, 1]),
        (AlertFilter { state: open, ..AlertFilter::default() }, vec![14, 12, 11, 4, 3, 1]),
        (AlertFilter { severity: grave, ..AlertFilter::default() }, vec![14, 13, 12, 11]),
        (AlertFilter { kind: Some(KIND), ..AlertFilter::default() }, vec![4, 3, 2, 1]),
        (AlertFilter { state: open, severity: grave, ..AlertFilter::default() }, vec![14, 12, 11]),
        (AlertFilter { state: open, kind: Some(KIND), ..AlertFilter::default() }, vec![4, 3, 1]),
        (AlertFilter { severity: grave, kind: Some(KIND), ..AlertFilter::default() }, vec![]),
        (AlertFilter { state: open, severity: grave, kind: Some(OTHER), ..AlertFilter::default() }, vec![14, 12, 11]),
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
    change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(1, 5)))?;
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

fn steps(alert: &Alert) -> Vec<AlertStep> {
    alert.history.iter().map(|event| event.step).collect()
}

pub async fn what_is_taken_on_for_a_time_is_open_again(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    let how = Acknowledgement { until: Some(at(50)), ..taken_on(1, 2) };
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &how))?);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.reason.as_str(), alert.acknowledged_until, alert.due), ("by 1", Some(at(50)), Some(at(50))));
    assert_eq!(store.read().await?.alerts().due(at(49), 9).await?, []);
    assert_eq!(store.read().await?.alerts().due(at(50), 9).await?, [alert]);
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), at(49)))?, None);
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), at(50)))?, Some(Passed::Lapsed));
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.acknowledged_by, alert.due), (AlertState::Open, None, Some(at(50).after(REMINDED_EVERY))));
    assert_eq!(steps(&alert), [AlertStep::Raised, AlertStep::Acknowledged, AlertStep::Lapsed]);
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Warning, 1)]);
    Ok(())
}

pub async fn what_nobody_takes_on_is_told_again_each_day(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    raise(store, &NewAlert { cause: Some(alert_id(1)), ..found(2, OTHER, 2) }).await?;
    raise(store, &found(1, KIND, 1)).await?;
    let first = at(1).after(REMINDED_EVERY);
    let due = async |now| store.read().await?.alerts().due(now, 9).await;
    assert_eq!(due(first.before(Duration::from_secs(1))).await?, []);
    assert_eq!(due(first).await?.iter().map(|alert| alert.id).collect::<Vec<_>>(), [alert_id(1)]);
    // Late, as after the server was away for days: once, and a day later again.
    let late = first.after(3 * REMINDED_EVERY);
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), late))?, Some(Passed::Unheeded));
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), late))?, None);
    let next = late.after(REMINDED_EVERY);
    assert_eq!(stored(store, 1).await?.due, Some(next));
    assert_eq!(steps(&stored(store, 1).await?), [AlertStep::Raised], "its history is not filled with them");
    // What stands below a cause is told with that one, and by itself once it stands alone.
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(2), next))?, None);
    change!(store, |tx| tx.alerts().set_cause(alert_id(2), None, next))?;
    assert_eq!(stored(store, 2).await?.due, Some(next.after(REMINDED_EVERY)));
    // Who takes it on, and its end, end that.
    assert!(change!(store, |tx| tx.alerts().acknowledge(alert_id(1), &taken_on(1, 2)))?);
    assert!(change!(store, |tx| tx.alerts().close(alert_id(2), next))?);
    assert_eq!((stored(store, 1).await?.due, stored(store, 2).await?.due), (None, None));
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), at(9_000_000)))?, None);
    Ok(())
}

pub async fn what_comes_and_goes_settles(store: &dyn Store) -> Result<(), Error> {
    let subject = found(1, KIND, 1).subject;
    raise(store, &found(1, KIND, 1)).await?;
    for round in 1..=RESTLESS {
        assert_eq!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(10 * round)))?, Some(alert_id(1)));
        let again = raise(store, &found(10 * round + 5, KIND, 1)).await?;
        assert_eq!(again, Raised::Reopened(alert_id(1)), "the same matter");
    }
    assert_eq!(change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(100)))?, None, "not so fast");
    let settles = at(100).after(SETTLING);
    let alert = stored(store, 1).await?;
    assert_eq!((alert.state, alert.settles, alert.due), (AlertState::Open, Some(settles), Some(settles)));
    assert_eq!(raise(store, &found(110, KIND, 1)).await?, Raised::Again(alert_id(1)), "nobody is told again");
    assert_eq!(stored(store, 1).await?.settles, None);
    change!(store, |tx| tx.alerts().resolve(KIND, &subject, at(120)))?;
    let settles = at(120).after(SETTLING);
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), settles.before(Duration::from_secs(1))))?, None);
    assert_eq!(change!(store, |tx| tx.alerts().advance(alert_id(1), settles))?, Some(Passed::Settled));
    assert_eq!(stored(store, 1).await?.state, AlertState::Resolved);
    // What a person ended is another matter when it comes back.
    raise(store, &found(5, KIND, 2)).await?;
    change!(store, |tx| tx.alerts().resolve_by_hand(alert_id(5), user_id(1), at(6)))?;
    assert_eq!(raise(store, &found(7, KIND, 2)).await?, Raised::First(alert_id(7)));
    let subject = found(1, KIND, 2).subject;
    assert_eq!(store.read().await?.alerts().dismissed(KIND, &subject).await?, Some(at(6)));
    // However often it happens, its history stays small.
    for number in 1..100 {
        let severity = if number % 2 == 0 { Severity::Critical } else { Severity::Warning };
        raise(store, &NewAlert { severity, ..found(200 + number, KIND, 2) }).await?;
    }
    let history = stored(store, 7).await?.history;
    assert_eq!(history.len(), KEPT_STEPS.0 + KEPT_STEPS.1);
    assert_eq!((history[0].step, history.last().map(|last| last.at)), (AlertStep::Raised, Some(at(298))));
    Ok(())
}

pub async fn one_cause_has_its_own_below_it(store: &dyn Store) -> Result<(), Error> {
    raise(store, &NewAlert { severity: Severity::Critical, ..found(1, OTHER, 1) }).await?;
    for number in 2..=4 {
        raise(store, &NewAlert { cause: Some(alert_id(1)), ..found(number, KIND, number) }).await?;
    }
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Critical, 1)], "one matter");
    let mut read = store.read().await?;
    let all = read.alerts().page(AlertFilter::default(), PageRequest::first(9)).await?.items;
    assert_eq!(all.iter().map(|alert| alert.id).collect::<Vec<_>>(), [alert_id(1)]);
    let filter = AlertFilter { place: AlertPlace::Below(alert_id(1)), ..AlertFilter::default() };
    let below = read.alerts().page(filter, PageRequest::first(2)).await?;
    assert_eq!(below.items.iter().map(|alert| alert.id).collect::<Vec<_>>(), [alert_id(4), alert_id(3)]);
    let all = AlertFilter { place: AlertPlace::Anywhere, kind: Some(KIND), ..AlertFilter::default() };
    assert_eq!(read.alerts().page(all, PageRequest::first(9)).await?.items.len(), 3);
    assert_eq!(read.alerts().below(alert_id(1), 2).await?, [alert_id(2), alert_id(3)]);
    assert_eq!(read.alerts().opened_from(KIND, alert_id(0), 9).await?, 0, "they have a cause");
    assert_eq!(read.alerts().opened_from(OTHER, alert_id(1), 9).await?, 1);
    assert_eq!(read.alerts().opened_from(OTHER, alert_id(1), 0).await?, 0);
    assert_eq!(read.alerts().opened_from(OTHER, alert_id(2), 9).await?, 0);
    drop(read);
    change!(store, |tx| tx.alerts().resolve(KIND, &found(2, KIND, 2).subject, at(9)))?;
    assert_eq!(store.read().await?.alerts().below(alert_id(1), 9).await?, [alert_id(3), alert_id(4)]);
    change!(store, |tx| tx.alerts().resolve(OTHER, &found(1, OTHER, 1).subject, at(10)))?;
    let due = store.read().await?.alerts().due(at(10), 9).await?;
    assert_eq!(due.iter().map(|alert| alert.id).collect::<Vec<_>>(), [alert_id(1)], "the rest is to be seen to");
    change!(store, |tx| tx.alerts().set_cause(alert_id(3), None, at(10)))?;
    assert!(change!(store, |tx| tx.alerts().close(alert_id(4), at(11)))?);
    change!(store, |tx| tx.alerts().settle_up(alert_id(1)))?;
    assert_eq!(store.read().await?.alerts().due(at(99), 9).await?, []);
    assert_eq!(tallies(store).await?, [(AlertState::Open, Severity::Warning, 1)], "released");
    Ok(())
}

pub async fn what_is_about_a_thing_is_found(store: &dyn Store) -> Result<(), Error> {
    raise(store, &found(1, KIND, 1)).await?;
    raise(store, &found(2, OTHER, 1)).await?;
    let elsewhere = NewAlert { subject: found(0, KIND, 7).subject, ..found(3, KIND, 1) };
    raise(store, &elsewhere).await?;
    raise(store, &found(4, KIND, 2)).await?;
    change!(store, |tx| tx.alerts().close(alert_id(2), at(5)))?;
    let ids = |alerts: Vec<Alert>| alerts.into_iter().map(|alert| alert.id).collect::<Vec<_>>();
    let mut read = store.read().await?;
    assert_eq!(ids(read.alerts().lasting(&found(0, KIND, 1).subject, 9).await?), [alert_id(1)]);
    assert_eq!(ids(read.alerts().lasting_on(host_id(1), 9).await?), [alert_id(1), alert_id(3)]);
    assert_eq!(ids(read.alerts().lasting_on(host_id(1), 1).await?), [alert_id(1)]);
    Ok(())
}
