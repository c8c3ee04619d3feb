use jiff::{ToSpan as _, civil::DateTime};
use proptest::prelude::*;

use crate::schedule::{Cron, CronError, Timetable};

fn times(cron: &str, from: &str, count: usize) -> Vec<String> {
    let cron: Cron = cron.parse().expect("a cron");
    let mut from: DateTime = from.parse().expect("a time");
    let mut times = Vec::new();
    while times.len() < count {
        let time = cron.next(from).expect("there is a next time");
        times.push(time.strftime("%a %Y-%m-%d %H:%M").to_string());
        from = time + 1.minute();
    }
    times
}

#[test]
fn fields_mean_what_people_expect() {
    assert_eq!(
        times("30 2 * * *", "2026-11-22T02:30:59", 2),
        ["Sun 2026-11-22 02:30", "Mon 2026-11-23 02:30"]
    );
    assert_eq!(
        times("*/20 9-10 * * *", "2026-01-01T09:15", 4),
        ["Thu 2026-01-01 09:20", "Thu 2026-01-01 09:40", "Thu 2026-01-01 10:00", "Thu 2026-01-01 10:20"]
    );
    assert_eq!(
        times("0 0 * JAN-feb Mon", "2026-02-17T00:00", 2),
        ["Mon 2026-02-23 00:00", "Mon 2027-01-04 00:00"]
    );
    assert_eq!(
        times("5,35 23 31 * *", "2026-08-31T23:10", 2),
        ["Mon 2026-08-31 23:35", "Sat 2026-10-31 23:05"]
    );
    assert_eq!(times("0 3 * * 7", "2026-11-22T04:00", 1), times("0 3 * * sun", "2026-11-22T04:00", 1));
    assert_eq!(
        times("0 3 * * fri-sun", "2026-11-21T00:00", 3),
        ["Sat 2026-11-21 03:00", "Sun 2026-11-22 03:00", "Fri 2026-11-27 03:00"]
    );
    assert_eq!(times("0 3 * * 0-0", "2026-11-21T00:00", 1), ["Sun 2026-11-22 03:00"]);
    assert_eq!(
        times("10-30/10 4 * * *", "2026-01-01T04:11", 2),
        ["Thu 2026-01-01 04:20", "Thu 2026-01-01 04:30"]
    );
    assert_eq!(times("@Weekly", "2026-11-22T00:01", 1), ["Sun 2026-11-29 00:00"]);
    assert_eq!(times("0 0 29 2 *", "2096-03-01T00:00", 2), ["Fri 2104-02-29 00:00", "Wed 2108-02-29 00:00"]);
    assert_eq!(times("0 0 29 2 */3", "2080-03-01T00:00", 1), ["Sun 2088-02-29 00:00"]);
}

#[test]
fn one_of_two_restricted_day_fields_is_enough_and_a_star_restricts_nothing() {
    let either = times("0 0 13 * fri", "2026-11-01T00:00", 5);
    assert_eq!(
        either,
        [
            "Fri 2026-11-06 00:00",
            "Fri 2026-11-13 00:00",
            "Fri 2026-11-20 00:00",
            "Fri 2026-11-27 00:00",
            "Fri 2026-12-04 00:00"
        ]
    );
    let both = times("0 0 */2 * mon", "2026-11-01T00:00", 3);
    assert_eq!(both, ["Mon 2026-11-09 00:00", "Mon 2026-11-23 00:00", "Mon 2026-12-07 00:00"]);
}

#[test]
fn what_cannot_be_is_refused_with_the_reason_and_an_example() {
    let refusals = [
        ("", "0 fields instead of five"),
        ("0 2 * *", "4 fields instead of five"),
        ("0 0 2 * * *", "6 fields instead of five"),
        ("60 2 * * *", "`60` as minute: 0 to 59 is possible; such as `0`, `*/15`"),
        ("0 24 * * *", "`24` as hour: 0 to 23"),
        ("0 2 0 * *", "`0` as day of month: 1 to 31"),
        ("0 2 * 13 *", "`13` as month: 1 to 12"),
        ("0 2 * * 8", "`8` as day of week: 0 to 7"),
        ("0 2 * * monday", "`monday` as day of week"),
        ("0 2 L * *", "this letter of other crons is not known here"),
        ("0 2 ? * mon", "this letter of other crons is not known here"),
        ("5/15 * * * *", "`5/15` as minute: a step needs a range, such as `*/15` or `5-59/15`"),
        ("*/0 * * * *", "a step is a number from 1 on"),
        ("*/90 * * * *", "the step is longer than the field"),
        ("0 22-2 * * *", "for one that wraps around write two with a comma"),
        ("0 -2 * * *", "`-2` as hour"),
        ("0 +2 * * *", "`+2` as hour"),
        ("0 1,,2 * * *", "`` as hour"),
        ("0 002 * * *", "`002` as hour"),
        ("0 ２ * * *", "as hour"),
        ("0 2 30 2 *", "never comes"),
        ("0 2 31 4,6,9,11 *", "never comes"),
        ("@reboot", "`@reboot` is not known; there are @hourly"),
        ("\u{1b}[2J 2 * * *", "`\\u{1b}[2J` as minute"),
    ];
    for (text, reason) in refusals {
        let error = text.parse::<Cron>().expect_err(text).to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    assert_eq!("*".repeat(201).parse::<Cron>(), Err(CronError::TooLong));
    // Weekdays make up for a day that no month has.
    assert!("0 2 30 2 mon".parse::<Cron>().is_ok());
}

#[test]
fn the_text_is_kept_tidy() {
    let text = |text: &str| text.parse::<Cron>().expect("a cron").to_string();
    assert_eq!(text("  30  2 *\t* MON-Fri "), "30 2 * * mon-fri");
    assert_eq!(text("@DAILY"), "@daily");
}

/// A field that both crons understand alike.
fn field(low: u8, high: u8) -> impl Strategy<Value = String> {
    let part = (low..=high, low..=high, 1..=(high - low)).prop_flat_map(move |(one, other, step)| {
        let (first, last) = (one.min(other), one.max(other));
        let stepped = if last > first {
            format!("{first}-{last}/{}", 1 + step % (last - first))
        } else {
            first.to_string()
        };
        prop_oneof![Just(one.to_string()), Just(format!("{first}-{last}")), Just(stepped)]
    });
    let list = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(","));
    prop_oneof![2 => Just("*".to_owned()), 3 => list]
}

fn stepped_star(high: u8) -> impl Strategy<Value = String> {
    (1..=high).prop_map(|step| format!("*/{step}"))
}

fn cron() -> impl Strategy<Value = String> {
    let minute = prop_oneof![field(0, 59), stepped_star(59)];
    let hour = prop_oneof![field(0, 23), stepped_star(23)];
    (minute, hour, field(1, 31), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| format!("{minute} {hour} {day} {month} {weekday}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn another_cron_finds_the_same_times(text in cron(), days in 0..20_000_i32, minute in 0..1440_i32) {
        let start = DateTime::constant(1990, 1, 1, 0, 0, 0, 0) + days.days() + minute.minutes();
        let other: croner::Cron = text.parse().expect("the other cron takes it");
        match text.parse::<Cron>() {
            Err(error) => {
                prop_assert_eq!(error, CronError::Never);
                prop_assert!(other.find_next_occurrence(&start, true).is_err());
            }
            Ok(cron) => {
                let mut from = start;
                for _ in 0..20 {
                    let ours = cron.next(from).expect("there is a next time");
                    let theirs = other.find_next_occurrence(&from, true).expect("there is a next time");
                    prop_assert_eq!(ours, theirs, "{} from {}", text, from);
                    from = ours + 1.minute();
                }
            }
        }
    }

    #[test]
    fn no_text_is_too_strange(text in ".{0,80}", zone in ".{0,40}") {
        if let Ok(cron) = text.parse::<Cron>() {
            prop_assert_eq!(cron.to_string().parse::<Cron>().map(|again| again.to_string()), Ok(cron.to_string()));
        }
        drop(Timetable::parse("* * * * *", &zone));
    }

    #[test]
    fn what_looks_like_a_cron_never_panics(text in "[0-9*/,-]{1,6} [0-9*/,-]{1,6} [0-9*/,-]{1,6} [0-9a-z*/,-]{1,6} [0-9a-z*/,-]{1,6}") {
        if let Ok(cron) = text.parse::<Cron>() {
            prop_assert!(cron.next(DateTime::constant(2026, 1, 1, 0, 0, 0, 0)).is_some());
        }
    }
}
