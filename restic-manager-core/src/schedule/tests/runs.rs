use crate::schedule::{Timetable, runs, shortest_gap};

fn shown(cron: &str, zone: &str, after: &str, count: usize) -> Vec<(String, String)> {
    let timetable = Timetable::parse(cron, zone).unwrap();
    let runs = runs(&timetable, after.parse().unwrap()).take(count);
    runs.map(|run| (run.local, run.note)).collect()
}

#[test]
fn a_time_that_the_clock_leaps_over_is_told() {
    let found = shown("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 1);
    let note = "the clock is put forward over 02:30 that day, so it runs right after";
    assert_eq!(found, [("2026-03-29 03:00 CEST".to_owned(), note.to_owned())]);
    let found = shown("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 1);
    assert!(found[0].1.starts_with("the clock is put forward over 02:15"), "{found:?}");
}

#[test]
fn a_time_that_the_clock_shows_twice_is_told() {
    let found = shown("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2);
    assert_eq!(found[0].0, "2026-10-25 02:30 CEST");
    assert_eq!(found[0].1, "the clock shows 02:30 twice that day; it runs the first time only");
    assert_eq!(found[1], ("2026-10-26 02:30 CET".to_owned(), String::new()));
    let found = shown("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", 1);
    assert!(found[0].1.contains("01:45 twice"), "{found:?}");
}

#[test]
fn other_days_need_no_word() {
    for zone in ["UTC", "Asia/Kathmandu", "America/New_York"] {
        for (local, note) in shown("30 2 * * *", zone, "2026-06-01T00:00:00Z", 30) {
            assert_eq!(note, "", "{zone} {local}");
        }
    }
}

#[test]
fn the_shortest_gap_is_that_of_all_schedules_together() {
    let gap = |crons: &[&str]| {
        let timetables: Vec<_> = crons.iter().map(|cron| Timetable::parse(cron, "UTC").unwrap()).collect();
        shortest_gap(&timetables, "2026-06-01T00:00:00Z".parse().unwrap()).map(|gap| gap.as_secs() / 3600)
    };
    assert_eq!(gap(&["0 2 * * *"]), Some(24));
    assert_eq!(gap(&["0 2 * * *", "0 14 * * *"]), Some(12));
    assert_eq!(gap(&["0 2 * * *", "0 2 * * *"]), Some(24), "the same time twice is one run");
    assert_eq!(gap(&[]), None);
}
