//! Ids, moments, opaque values and words.

use restic_manager_proto::{
    HostId, Opaque, SecretText, Timestamp,
    api::{self, Endpoint, Method},
    frame::{Frame, FrameError, MAX_FRAME_BYTES},
    vocabulary::{Action, Cause, JobState, Role},
};
use std::time::Duration;

#[test]
fn ids_sort_by_time() {
    let early = HostId::from_parts(Timestamp::from_milliseconds(1_000), [255; 10]);
    let late = HostId::from_parts(Timestamp::from_milliseconds(1_001), [0; 10]);
    assert!(early < late);
    assert!(early.to_string() < late.to_string());
    assert_eq!(HostId::from_bytes(*late.as_bytes()), late);
}

#[test]
fn a_wrong_id_says_what_an_id_looks_like() {
    let error = "42".parse::<HostId>().unwrap_err();
    assert!(error.to_string().contains("01932f6e-"), "{error}");
}

#[test]
fn a_moment_stops_at_the_ends_of_time() {
    assert_eq!(Timestamp::from_milliseconds(i64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.after(Duration::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MIN.before(Duration::MAX), Timestamp::MIN);
    for end in [Timestamp::MIN, Timestamp::MAX] {
        assert_eq!(end.to_string().parse(), Ok(end));
    }
    assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
}

#[test]
fn a_moment_of_any_offset_becomes_utc() {
    let there: Timestamp = "2026-11-22T08:30:00.208379658+05:30".parse().unwrap();
    assert_eq!(there.to_string(), "2026-11-22T03:00:00.208Z");
}

#[test]
fn debug_shows_no_secret() {
    let secret = SecretText::new("hunter2hunter2");
    let login = api::session::Login { name: "ada".into(), password: secret.clone() };
    assert!(!format!("{secret:?} {login:?} {:?}", Opaque::new(*b"hunter2")).contains("hunter2"));
}

#[test]
fn an_error_quotes_nothing_of_a_frame() {
    let text = r#"{"type":"proof","id":1,"body":{"token":5,"signature":"hunter2"}}"#;
    let error = Frame::decode(text).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn a_frame_over_the_limit_is_refused_both_ways() {
    let long = format!(r#"{{"type":"x","id":1,"body":"{}"}}"#, "a".repeat(MAX_FRAME_BYTES));
    assert_eq!(Frame::decode(&long), Err(FrameError::TooLong { length: long.len() }));
}

#[test]
fn each_word_reads_as_it_is_written() {
    fn check<T: std::str::FromStr + Copy + PartialEq + std::fmt::Debug + std::fmt::Display>(words: &[T]) {
        for word in words {
            assert_eq!(word.to_string().parse::<T>().ok(), Some(*word));
        }
    }
    check(Action::ALL);
    check(Cause::ALL);
    check(JobState::ALL);
    let error = "boss".parse::<Role>().unwrap_err().to_string();
    assert!(error.contains("operator"), "{error}");
}

#[test]
fn each_role_includes_the_lesser_ones() {
    assert!(Role::Admin.includes(Role::Viewer) && Role::Operator.includes(Role::Operator));
    assert!(!Role::Viewer.includes(Role::Operator));
}

#[test]
fn a_body_with_an_unknown_field_is_refused_by_name() {
    let body =
        r#"{"name":"x","includes":["/"],"repository":"01932f6e-1c2d-7a4b-8e9f-0123456789ab","colour":1}"#;
    let error = serde_json::from_str::<api::source_groups::SourceGroupChange>(body).unwrap_err();
    assert!(error.to_string().contains("colour"), "{error}");
}

#[test]
fn a_code_of_a_newer_server_is_kept_apart() {
    let code: api::Code = serde_json::from_str(r#""teapot""#).unwrap();
    assert_eq!(code, api::Code::Unknown);
    assert!(api::Code::ALL.iter().all(|code| (400..600).contains(&code.status())));
}

#[test]
fn an_endpoint_says_what_it_is() {
    assert_eq!(api::hosts::Update::SUMMARY.trim(), "Changes a host's name, tags, presence mode and limits.");
    const { assert!(api::hosts::Update::CONDITIONAL && !api::hosts::Show::CONDITIONAL) };
    assert_eq!(api::jobs::Create::METHOD, Method::Post);
}
