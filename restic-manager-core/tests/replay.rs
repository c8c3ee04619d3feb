//! What fuzzing has kept, replayed: no schedule may panic, and what reads must read again as it is written.

use restic_manager_core::schedule::{Cron, Timetable, Zone};
use restic_manager_proto::Timestamp;
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
