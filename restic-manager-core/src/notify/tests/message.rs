use restic_manager_proto::{
    QuietHours,
    vocabulary::{NoticeKind, Severity, Timing},
};

use super::{at, item};
use crate::notify::{
    GROUP_AGAIN, GROUP_WAIT, Item, MOST_ITEMS, compose, due, join, minute_of_day, next_digest, quiet_until,
    zone,
};

fn said(kind: NoticeKind, items: Vec<Item>, count: u64) -> (String, String) {
    let message = compose("id".to_owned(), kind, items, count, 1, "https://backup.example.com", at(60));
    (message.title, message.body)
}

#[test]
fn one_alert_is_told_with_what_to_do() {
    let (title, body) = said(NoticeKind::Raised, vec![item(1, NoticeKind::Raised)], 1);
    assert_eq!(title, "nas-1: check failed");
    assert!(body.contains("the check found") && body.contains("What to do: Open the job's log."), "{body}");
    assert_eq!(
        said(NoticeKind::Resolved, vec![item(1, NoticeKind::Resolved)], 1).0,
        "Over: nas-1: check failed"
    );
    assert_eq!(
        said(NoticeKind::Reminder, vec![item(1, NoticeKind::Reminder)], 1).0,
        "Still: nas-1: check failed"
    );
    assert!(said(NoticeKind::Test, vec![], 0).1.contains("nothing is wrong"));
}

#[test]
fn many_are_one_message_that_says_how_many() {
    let items: Vec<_> = (1..=20).map(|number| item(number, NoticeKind::Raised)).collect();
    let (title, body) = said(NoticeKind::Raised, items, 10_000);
    assert_eq!(title, "10000 alerts, check failed (nas-1, nas-2, nas-3, …)");
    assert!(body.ends_with("… and 9980 more"), "{body}");
    assert!(body.len() < 20 * 1024);
}

#[test]
fn what_is_new_leads_and_no_name_breaks_a_line() {
    let mixed = vec![item(1, NoticeKind::Resolved), item(2, NoticeKind::Raised)];
    assert!(said(NoticeKind::Resolved, mixed, 2).0.starts_with("2 alerts"));
    let named = Item { subject: "a\r\nBcc: x".to_owned(), ..item(1, NoticeKind::Raised) };
    assert_eq!(said(NoticeKind::Raised, vec![named], 1).0, "a  Bcc: x: check failed");
}

#[test]
fn the_newest_change_of_an_alert_is_told() {
    let mut items = Vec::new();
    assert!(join(&mut items, item(1, NoticeKind::Raised)));
    assert!(!join(&mut items, item(1, NoticeKind::Resolved)), "it is the same alert");
    assert_eq!(items, [item(1, NoticeKind::Resolved)]);
    for number in 2..=200 {
        assert!(join(&mut items, item(number, NoticeKind::Raised)));
    }
    assert_eq!(items.len(), MOST_ITEMS);
}

#[test]
fn a_group_waits_and_comes_seldom() {
    assert_eq!(due(at(0), None, None), at(0).after(GROUP_WAIT));
    assert_eq!(due(at(100), Some(at(90)), None), at(90).after(GROUP_AGAIN));
    assert_eq!(due(at(0), None, Some(at(9000))), at(9000));
}

#[test]
fn quiet_hours_end_by_the_clock_of_their_zone() {
    let quiet =
        QuietHours { from: "22:00".to_owned(), until: "07:00".to_owned(), unless: Severity::Critical };
    let berlin = zone("Europe/Berlin");
    let moment = |text: &str| text.parse().unwrap();
    let until = |severity, now: &str| quiet_until(&quiet, &berlin, severity, moment(now));
    assert_eq!(until(Severity::Warning, "2026-11-22T22:30:00Z"), Some(moment("2026-11-23T06:00:00Z")));
    assert_eq!(until(Severity::Warning, "2026-11-23T05:59:59Z"), Some(moment("2026-11-23T06:00:00Z")));
    assert_eq!(until(Severity::Warning, "2026-11-23T06:00:00Z"), None);
    assert_eq!(until(Severity::Critical, "2026-11-22T22:30:00Z"), None);
    assert_eq!(until(Severity::Warning, "2026-11-22T20:59:59Z"), None, "one minute to ten");
}

#[test]
fn digests_come_at_their_minute() {
    let zone = zone("UTC");
    let next = |timing, now: &str| {
        next_digest(timing, "07:00", &zone, now.parse().unwrap()).map(|at| at.to_string())
    };
    assert_eq!(next(Timing::Daily, "2026-11-22T07:00:00Z").unwrap(), "2026-11-23T07:00:00Z");
    assert_eq!(next(Timing::Daily, "2026-11-22T06:59:59Z").unwrap(), "2026-11-22T07:00:00Z");
    assert_eq!(next(Timing::Weekly, "2026-11-24T06:00:00Z").unwrap(), "2026-11-30T07:00:00Z");
    assert_eq!(next(Timing::Now, "2026-11-24T06:00:00Z"), None);
    for wrong in ["7:00", "24:00", "07:60", "0700", "-1:00", "+7:00", ""] {
        assert_eq!(minute_of_day(wrong), None, "{wrong}");
    }
}
