use core::time::Duration;
use proptest::prelude::*;
use restic_manager_proto::vocabulary::ChannelKind;

use super::at;
use crate::notify::{GIVE_UP, Outcome, judge, next_attempt, without_secrets};

#[test]
fn answers_mean_what_services_say() {
    let is_delivered = |kind, status, body: &[u8]| judge(kind, status, None, body) == Outcome::Delivered;
    assert!(is_delivered(ChannelKind::Webhook, 204, b""));
    assert!(is_delivered(ChannelKind::Slack, 200, b"ok"));
    assert!(is_delivered(ChannelKind::Telegram, 200, br#"{"ok":true}"#));
    assert!(!is_delivered(ChannelKind::Telegram, 200, br#"{"ok":false}"#));
    assert!(!is_delivered(ChannelKind::Telegram, 200, b"<html>"));
    assert!(is_delivered(ChannelKind::Pushover, 200, br#"{"status":1}"#));
    assert!(!is_delivered(ChannelKind::Pushover, 200, br#"{"status":0}"#));
    assert!(!is_delivered(ChannelKind::Matrix, 200, b"{}"));
    let gone = judge(ChannelKind::Webhook, 410, None, b"go\naway");
    assert_eq!(gone, Outcome::Gone { why: "HTTP status 410: go away".to_owned() });
    let Outcome::Again { why, .. } = judge(ChannelKind::Webhook, 302, None, b"") else { panic!() };
    assert!(why.contains("redirects are not followed"), "{why}");
}

#[test]
fn the_other_end_says_when_to_come_again() {
    let after = |header, body: &str| match judge(ChannelKind::Discord, 429, header, body.as_bytes()) {
        Outcome::Again { after, .. } => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after(Some("120"), ""), Some(Duration::from_secs(120)));
    assert_eq!(after(None, r#"{"retry_after": 1.5}"#), Some(Duration::from_millis(1500)));
    assert_eq!(after(None, r#"{"parameters": {"retry_after": 7}}"#), Some(Duration::from_secs(7)));
    for header in ["-5", "NaN", "inf", "soon", "1e300"] {
        assert!(after(Some(header), "").is_none_or(|after| after <= Duration::from_secs(86_400)), "{header}");
    }
}

#[test]
fn waits_grow_and_end() {
    let (mut now, mut waits) = (at(0), Vec::new());
    for attempts in 1.. {
        let Some(next) = next_attempt(at(0), attempts, now, None) else { break };
        waits.push(next.since(now).as_secs());
        now = next;
    }
    assert_eq!(waits, [5, 60, 300, 900, 3600, 14_400, 21_600, 21_600, 21_600]);
    assert_eq!(next_attempt(at(0), 1, at(0), Some(Duration::from_secs(90))), Some(at(90)));
    assert_eq!(
        next_attempt(at(0), 1, at(0), Some(Duration::MAX)),
        Some(at(3600)),
        "it is not left alone for ever"
    );
}

#[test]
fn secrets_that_are_repeated_are_not_kept() {
    assert_eq!(without_secrets("no such bot 12:abc, 12:abc", ["12:abc", "x"]), "no such bot …, …");
}

proptest! {
    #[test]
    fn nothing_is_tried_after_a_day(attempts: u32, late in 0_i64..200_000, asked in proptest::option::of(0_u64..100_000)) {
        let next = next_attempt(at(0), attempts, at(late), asked.map(Duration::from_secs));
        prop_assert!(next.is_none_or(|next| next > at(late) && next <= at(0).after(GIVE_UP)));
    }

    #[test]
    fn any_answer_is_read(status: u16, header in proptest::option::of("\\PC{0,20}"), body: Vec<u8>) {
        for kind in ChannelKind::ALL {
            match judge(*kind, status, header.as_deref(), &body) {
                Outcome::Delivered => prop_assert!((200..300).contains(&status)),
                Outcome::Again { why, .. } | Outcome::Gone { why } => {
                    prop_assert!(why.len() < 500 && !why.chars().any(char::is_control), "{}", why);
                }
            }
        }
    }
}
