//! Signs by which something is seen to be wrong before it stops anything: a clock, a version, a token, a disk.

use core::time::Duration;

use restic_manager_proto::{CLOCK_ALLOWANCE, Timestamp, vocabulary::Severity};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An API token's end is told so long before.
pub const API_TOKEN_NOTICE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// Of a token that was not used for so long nobody needs to hear.
pub const API_TOKEN_USED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// An agent's token may be so much older than it should become: agents replace it when they are looked at, once an hour.
const TOKEN_ALLOWANCE: Duration = DAY;

const GIB: u64 = 1 << 30;

/// How a clock differs, by at least so much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete: a clock is ahead or behind")]
pub enum Skew {
    /// It is ahead.
    Ahead(Duration),
    /// It is behind.
    Behind(Duration),
}

/// Judges another clock by a moment that it told of something that happened between `earliest` and `latest` by ours. `None`
/// where the moment can be: clocks differ a little, and what happened in between is told later.
#[must_use]
pub fn clock_skew(told: Timestamp, earliest: Timestamp, latest: Timestamp) -> Option<Skew> {
    if told > latest.after(CLOCK_ALLOWANCE) {
        Some(Skew::Ahead(told.since(latest)))
    } else if told.after(CLOCK_ALLOWANCE) < earliest {
        Some(Skew::Behind(earliest.since(told)))
    } else {
        None
    }
}

/// Whether a version such as `0.3.1` is older than another, by its numbers. What is no such version is not judged.
#[must_use]
pub fn is_older(version: &str, than: &str) -> bool {
    match (numbers(version), numbers(than)) {
        (Some(version), Some(than)) => version < than,
        _ => false,
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut numbers = version.split(['-', '+']).next()?.split('.').map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    let found = [next()?, next()?, next()?];
    numbers.next().is_none().then_some(found)
}

/// Whether an agent's token is older than it can become while its agent is connected and replaces it. `since` is absent
/// while a replacement was asked for, and a lifetime of zero means for ever.
#[must_use]
pub fn token_is_overdue(since: Option<Timestamp>, lifetime: Duration, now: Timestamp) -> bool {
    !lifetime.is_zero() && since.is_some_and(|since| now > since.after(lifetime).after(TOKEN_ALLOWANCE))
}

/// How much it matters that so many bytes of a disk are free, of so many.
#[must_use]
pub const fn disk(free: u64, size: u64) -> Option<Severity> {
    if free < GIB && free < size / 30 {
        Some(Severity::Critical)
    } else if free < 10 * GIB && free < size / 10 {
        Some(Severity::Warning)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_795_316_400_000 + seconds * 1000)
    }

    #[test]
    fn a_clock_is_wrong_when_what_it_says_cannot_be() {
        for (told, earliest, latest, skew) in [
            (0, 0, 0, None),
            (300, 0, 0, None),
            (301, 0, 0, Some(Skew::Ahead(Duration::from_secs(301)))),
            (-300, 0, 0, None),
            (-301, 0, 0, Some(Skew::Behind(Duration::from_secs(301)))),
            // Told a day later, as after the agent was without the server.
            (5, 0, 86_400, None),
            (86_400 + 3600, 0, 86_400, Some(Skew::Ahead(Duration::from_secs(3600)))),
        ] {
            assert_eq!(clock_skew(at(told), at(earliest), at(latest)), skew, "{told} {earliest} {latest}");
        }
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, than, older) in [
            ("0.1.0", "0.1.0", false),
            ("0.1.0", "0.1.1", true),
            ("0.9.0", "0.10.0", true),
            ("1.0.0", "0.9.9", false),
            ("0.1.0-rc.1", "0.1.0", false),
            ("", "0.1.0", false),
            ("0.1", "0.2.0", false),
            ("0.0.1.2", "0.2.0", false),
            ("99999999999999999999.0.0", "0.2.0", false),
        ] {
            assert_eq!(is_older(version, than), older, "{version} {than}");
        }
    }

    #[test]
    fn a_token_is_overdue_a_day_after_its_lifetime() {
        let week = 7 * DAY;
        let since = Some(at(0));
        assert!(
            !token_is_overdue(since, week, at(8 * 86_400))
                && token_is_overdue(since, week, at(8 * 86_400 + 1))
        );
        assert!(!token_is_overdue(None, week, at(9 * 86_400)));
        assert!(!token_is_overdue(since, Duration::ZERO, at(900 * 86_400)));
    }

    #[test]
    fn a_disk_is_nearly_full_by_share_and_by_size() {
        for (free, size, severity) in [
            (GIB / 2, 4 * GIB, None),
            (GIB / 3, 4 * GIB, Some(Severity::Warning)),
            (GIB / 8, 4 * GIB, Some(Severity::Critical)),
            (11 * GIB, 1000 * GIB, None),
            (9 * GIB, 1000 * GIB, Some(Severity::Warning)),
            (GIB - 1, 1000 * GIB, Some(Severity::Critical)),
            (0, 0, None),
        ] {
            assert_eq!(disk(free, size), severity, "{free} of {size}");
        }
    }

    proptest! {
        #[test]
        fn a_clock_that_is_right_is_never_called_wrong(sent: u32, later: u32, told: u32) {
            let (earliest, latest) = (at(i64::from(sent)), at(i64::from(sent) + i64::from(later)));
            let told = at(i64::from(sent) + i64::from(told.min(later)));
            prop_assert_eq!(clock_skew(told, earliest, latest), None);
        }

        #[test]
        fn less_room_never_matters_less(size: u64, free: u64, less: u64) {
            prop_assert!(disk(free.min(less), size) >= disk(free, size));
        }

        #[test]
        fn of_two_versions_one_at_most_is_older(left: [u8; 3], right: [u8; 3]) {
            let text = |numbers: [u8; 3]| numbers.map(|number| number.to_string()).join(".");
            let (one, other) = (text(left), text(right));
            prop_assert_eq!(is_older(&one, &other), left < right);
            prop_assert!(!(is_older(&one, &other) && is_older(&other, &one)));
        }
    }
}
