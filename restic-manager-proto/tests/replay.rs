//! What fuzzing has kept, replayed: no input may panic, and what reads must read again as it is written.

use restic_manager_proto::{
    Timestamp, api,
    frame::Frame,
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
