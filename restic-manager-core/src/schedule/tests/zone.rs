use core::time::Duration;
use jiff::{ToSpan as _, civil::DateTime};
use proptest::prelude::*;
use restic_manager_proto::Timestamp;

use super::at;
use crate::schedule::{Cron, Timetable, Zone};

fn slots(cron: &str, zone: &str, after: &str, through: &str) -> Vec<String> {
    let timetable = Timetable::parse(cron, zone).expect("a timetable");
    timetable.between(at(after), at(through)).map(|slot| slot.to_string()).collect()
}

#[test]
fn a_time_that_the_clock_leaps_over_comes_at_the_first_moment_after() {
    // Berlin, 29 March 2026: 2:00 becomes 3:00 at 1:00 UTC.
    let nightly = slots("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z");
    assert_eq!(nightly, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    // All that fall into the leap are one, and the same as the one at its end.
    let often = slots("*/20 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:20:00Z");
    assert_eq!(often, ["2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z"]);
    // New York, 8 March 2026: 2:00 becomes 3:00 at 7:00 UTC.
    let nightly = slots("5 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z");
    assert_eq!(nightly, ["2026-03-08T07:00:00Z", "2026-03-09T06:05:00Z"]);
    // Lord Howe, 4 October 2026: 2:00 becomes 2:30.
    let nightly = slots("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00:00Z", "2026-10-05T00:00:00Z");
    assert_eq!(nightly, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
}

#[test]
fn a_time_that_the_clock_shows_twice_comes_the_first_time() {
    // Berlin, 25 October 2026: 3:00 becomes 2:00 at 1:00 UTC.
    let nightly = slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
    assert_eq!(nightly, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // What comes each hour pauses for the hour that comes twice.
    let hourly = slots("0 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z");
    assert_eq!(hourly, ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T03:00:00Z"]);
    // From within the second pass the search goes on after it.
    let hourly = slots("0 * * * *", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z");
    assert_eq!(hourly, ["2026-10-25T02:00:00Z"]);
    // New York, 1 November 2026: 2:00 becomes 1:00 at 6:00 UTC. Lord Howe, 5 April 2026: 2:00 becomes 1:30.
    let nightly = slots("30 1 * * *", "America/New_York", "2026-11-01T00:00:00Z", "2026-11-02T12:00:00Z");
    assert_eq!(nightly, ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]);
    let nightly = slots("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T12:00:00Z", "2026-04-06T12:00:00Z");
    assert_eq!(nightly, ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]);
}

#[test]
fn a_day_that_a_zone_left_out_comes_at_the_beginning_of_the_next() {
    // Samoa went from the end of 29 December 2011 to the beginning of 31 December.
    let daily = slots("0 8 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z");
    assert_eq!(
        daily,
        ["2011-12-29T18:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z", "2011-12-31T18:00:00Z"]
    );
}

#[test]
fn zones_that_changed_their_rules_follow_them() {
    // Turkey kept summer time for good in 2016; Mexico has none since 2022; Istanbul and Berlin part for the winter.
    assert_eq!(
        slots("0 3 * * *", "Europe/Istanbul", "2016-01-15T00:00:00Z", "2016-01-15T12:00:00Z"),
        ["2016-01-15T01:00:00Z"]
    );
    assert_eq!(
        slots("0 3 * * *", "Europe/Istanbul", "2026-01-14T12:00:00Z", "2026-01-15T12:00:00Z"),
        ["2026-01-15T00:00:00Z"]
    );
    assert_eq!(
        slots("0 3 * * *", "America/Mexico_City", "2022-07-01T00:00:00Z", "2022-07-01T12:00:00Z"),
        ["2022-07-01T08:00:00Z"]
    );
    assert_eq!(
        slots("0 3 * * *", "America/Mexico_City", "2026-07-01T00:00:00Z", "2026-07-01T12:00:00Z"),
        ["2026-07-01T09:00:00Z"]
    );
}

#[test]
fn names_of_zones_are_those_of_iana() {
    for name in ["UTC", "Etc/UTC", "europe/berlin", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"] {
        assert!(name.parse::<Zone>().is_ok(), "{name}");
    }
    for name in
        ["", "Europe/Atlantis", "+02:00", "localtime", "../etc/passwd", "Etc/Unknown", "Europe/Berlin\n"]
    {
        let error = name.parse::<Zone>().expect_err(name);
        assert!(error.to_string().contains("such as `Europe/Berlin`"), "{error}");
    }
    let names = Zone::names();
    assert!(names.len() > 400 && names.iter().all(|name| name.parse::<Zone>().is_ok()));
    let berlin: Zone = "Europe/Berlin".parse().expect("a zone");
    assert_eq!(berlin.describe(at("2026-11-23T01:30:00Z")), "2026-11-23 02:30 CET");
}

/// Every slot by brute force: each minute of the wall clock that the cron names, by the rule for leaps.
fn brute_force(timetable: &Timetable, cron: &Cron, after: Timestamp, through: Timestamp) -> Vec<Timestamp> {
    let margin = Duration::from_secs(26 * 60 * 60);
    let mut time: DateTime = timetable.zone.wall_clock(after.before(margin));
    time = time.date().at(time.hour(), time.minute(), 0, 0);
    let end = timetable.zone.wall_clock(through.after(margin));
    let mut slots = Vec::new();
    while time < end {
        if cron.next(time) == Some(time) {
            slots.extend(timetable.zone.instant(time));
        }
        time += 1.minute();
    }
    slots.retain(|&slot| slot > after && slot <= through);
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// Moments around which a clock leaps, with its zone.
const LEAPS: [(&str, &str); 10] = [
    ("Europe/Berlin", "2026-03-29T01:00:00Z"),
    ("Europe/Berlin", "2026-10-25T01:00:00Z"),
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
    ("America/Caracas", "2007-12-09T07:00:00Z"),
    ("Asia/Pyongyang", "2015-08-14T15:00:00Z"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn around_each_leap_the_slots_are_those_of_the_rule(
        leap in prop::sample::select(LEAPS.as_slice()),
        minutes in prop::sample::select(["0", "30", "*/7", "15,45", "*"].as_slice()),
        hours in prop::sample::select(["*", "2", "0-3", "1,2,3", "*/5"].as_slice()),
        before in 0..30 * 60_u64,
        length in 1..40 * 60_u64,
    ) {
        let text = format!("{minutes} {hours} * * *");
        let timetable = Timetable::parse(&text, leap.0).expect("a timetable");
        let after = at(leap.1).before(Duration::from_secs(before * 60));
        let through = after.after(Duration::from_secs(length * 60));
        let expected = brute_force(&timetable, &timetable.cron, after, through);
        let found: Vec<_> = timetable.between(after, through).collect();
        prop_assert_eq!(&found, &expected, "{} in {}", text, leap.0);
        prop_assert_eq!(timetable.last(after, through), expected.last().copied());
    }
}
