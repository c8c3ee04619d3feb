//! What fuzzing has kept, replayed: no input may panic, and what reads must read again as it is written.

use restic_manager_proto::{
    SecretText, Timestamp, TransportCredential, api,
    frame::Frame,
    policy::{Act, HostPolicy},
    rules::{self, Location, Storage},
    session::{Limits, Session},
};
use std::{fs, path::PathBuf};

fn corpus(target: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| String::from_utf8_lossy(&fs::read(entry.unwrap().path()).unwrap()).into_owned())
        .collect();
    assert!(!inputs.is_empty(), "the corpus of {target} is empty");
    inputs
}

#[test]
fn frames() {
    for text in corpus("frame") {
        if let Ok(frame) = Frame::decode(&text) {
            let again = frame.encode().unwrap();
            assert_eq!(Frame::decode(&again), Ok(frame));
        }
    }
}

#[test]
fn sessions() {
    for text in corpus("session") {
        let mut session = Session::accept(Timestamp::from_milliseconds(0), Limits::default());
        for line in text.lines() {
            session.receive(Timestamp::from_milliseconds(0), line);
            while session.poll().is_some() {}
        }
    }
}

#[test]
fn bodies() {
    for text in corpus("api_body") {
        drop(serde_json::from_str::<api::enrolments::NewEnrolment>(&text));
        drop(serde_json::from_str::<api::repositories::NewRepository>(&text));
        drop(serde_json::from_str::<api::source_groups::SourceGroupChange>(&text));
        drop(serde_json::from_str::<api::jobs::NewJob>(&text));
        drop(serde_json::from_str::<api::pending_hosts::Acceptance>(&text));
    }
}

#[test]
fn locations_patterns_and_keys_are_judged_without_a_panic() {
    for text in corpus("location") {
        let mut lines = text.splitn(3, '\n');
        let (pattern, location, key) = (lines.next(), lines.next(), lines.next());
        let mut policy = HostPolicy::default();
        (policy.rclone, policy.repositories) = (true, pattern.map(|pattern| vec![pattern.to_owned()]));
        let allowed = policy.decide(&Act::UseRepository { location: location.unwrap_or_default() });
        assert!(allowed.is_err() || Location::parse(location.unwrap_or_default()).is_ok(), "{text}");
        let service_account = SecretText::new(key.unwrap_or_default());
        let google = TransportCredential::Google { project_id: "p".to_owned(), service_account };
        let judged = rules::credential(&google, Storage::Google);
        assert!(judged.is_err() || !text.contains("external"), "{text}");
    }
}
