//! What a person or a server writes as a schedule: cron on the first line, zone on the second.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restic_manager_core::schedule::{Cron, Timetable, Zone};
use restic_manager_proto::Timestamp;

fuzz_target!(|text: &str| {
    let (cron, zone) = text.split_once('\n').unwrap_or((text, "UTC"));
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
});
