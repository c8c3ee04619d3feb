//! What fuzzing has kept, replayed: no input may panic, and what reads must read again as it is written.

use restic_manager_core::{
    notify::{Outcome, judge},
    schedule::{Cron, Timetable, Zone},
};
use restic_manager_proto::{Timestamp, vocabulary::ChannelKind};
use std::{fs, path::PathBuf};

#[test]
fn schedules() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/schedule");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&text);
        let (cron, zone) = text.split_once('\n').unwrap_or((&text, "UTC"));
        if let Ok(cron) = cron.parse::<Cron>() {
            assert_eq!(cron.to_string().parse(), Ok(cron));
        }
        if let Ok(zone) = zone.parse::<Zone>() {
            assert_eq!(zone.to_string().parse(), Ok(zone));
        }
        if let Ok(timetable) = Timetable::parse(cron, zone) {
            let start = Timestamp::from_milliseconds(1_767_225_600_000);
            let slots: Vec<_> = timetable.after(start).take(3).collect();
            assert!(slots.first().is_some_and(|first| *first > start) && slots.is_sorted());
        }
        count += 1;
    }
    assert!(count > 10, "the corpus is there");
}

#[test]
fn answers_of_other_ends() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/answer");
    let mut outcomes = Vec::new();
    for input in fs::read_dir(folder).unwrap() {
        let bytes = fs::read(input.unwrap().path()).unwrap();
        let [kind, high, low, rest @ ..] = bytes.as_slice() else { panic!("too short") };
        let kind = ChannelKind::ALL[usize::from(*kind) % ChannelKind::ALL.len()];
        let mut parts = rest.splitn(2, |byte| *byte == b'\n');
        let retry_after = parts.next().and_then(|text| core::str::from_utf8(text).ok());
        let status = u16::from_be_bytes([*high, *low]);
        outcomes.push(judge(kind, status, retry_after, parts.next().unwrap_or_default()));
    }
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| wanted(outcome)).count();
    assert_eq!(count(|outcome| *outcome == Outcome::Delivered), 1);
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Gone { .. })), 1);
    assert_eq!(count(|outcome| matches!(outcome, Outcome::Again { after: Some(_), .. })), 3);
}
