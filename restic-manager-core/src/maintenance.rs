//! Whether a host is under maintenance, and which times may be announced.

use core::time::Duration;
use restic_manager_proto::{
    HostId, Scope, Timestamp,
    vocabulary::{Health, Presence},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest window: what lasts longer is no maintenance, and would hide a host that never comes back.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How far ahead a window may begin.
pub const FARTHEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A time in which it is known why hosts are silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Which hosts.
    pub scope: Scope,
    /// Its first moment.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
}

impl Window {
    /// Whether it lasts at `now`.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// Whether a host with these tags is under maintenance at `now`.
#[must_use]
pub fn is_in<'w>(
    windows: impl IntoIterator<Item = &'w Window>,
    host: HostId,
    tags: &[String],
    now: Timestamp,
) -> bool {
    windows.into_iter().any(|window| window.lasts(now) && window.scope.holds(host, tags))
}

/// What is said of a host's health under maintenance: that it is overdue is no news. A backup that failed is.
#[must_use]
pub const fn health(health: Health) -> Health {
    match health {
        Health::Overdue => Health::Maintenance,
        other => other,
    }
}

/// What is said of a host's presence under maintenance: that it is away is no news.
#[must_use]
pub const fn presence(presence: Presence) -> Presence {
    match presence {
        Presence::Offline => Presence::Maintenance,
        other => other,
    }
}

/// What is wrong with a window's times, by the field that is wrong.
///
/// # Errors
/// The field, and what should stand there.
pub fn check(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), (&'static str, String)> {
    if from > now.after(FARTHEST) {
        return Err(("from", format!("at most a year ahead, such as {}", now.after(DAY))));
    }
    if until <= from || until <= now {
        let example = from.max(now).after(Duration::from_secs(2 * 60 * 60));
        return Err(("until", format!("later than now and than its beginning, such as {example}")));
    }
    if until > from.after(LONGEST) {
        return Err(("until", format!("at most 30 days after its beginning, which is {from}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_milliseconds(1_795_316_400_000 + hours * 3_600_000)
    }

    fn window(scope: Scope, from: i64, until: i64) -> Window {
        Window { scope, from: at(from), until: at(until) }
    }

    #[test]
    fn a_host_is_in_those_windows_that_hold_it_and_last() {
        let (host, other) = (HostId::from_bytes([1; 16]), HostId::from_bytes([2; 16]));
        let tags = ["rack-1".to_owned()];
        for (window, expected) in [
            (window(Scope::All, 1, 3), true),
            (window(Scope::tags(["rack-1"]), 1, 3), true),
            (window(Scope::tags(["rack-2"]), 1, 3), false),
            (window(Scope::hosts([host]), 1, 3), true),
            (window(Scope::hosts([other]), 1, 3), false),
            (window(Scope::All, 2, 3), true),
            (window(Scope::All, 1, 2), false),
            (window(Scope::All, 3, 4), false),
        ] {
            assert_eq!(is_in([&window], host, &tags, at(2)), expected, "{window:?}");
        }
        assert!(!is_in([], host, &tags, at(2)));
    }

    #[test]
    fn only_what_maintenance_explains_is_taken_back() {
        for word in Health::ALL {
            assert_eq!(
                health(*word) == Health::Maintenance,
                matches!(word, Health::Overdue | Health::Maintenance)
            );
        }
        for word in Presence::ALL {
            let explained = matches!(word, Presence::Offline | Presence::Maintenance);
            assert_eq!(presence(*word) == Presence::Maintenance, explained);
        }
    }

    #[test]
    fn a_window_has_an_end_that_is_not_far() {
        for (from, until, wrong) in [
            (0, 1, None),
            (-5, 1, None),
            (0, 30 * 24, None),
            (24, 26, None),
            (0, 0, Some("until")),
            (3, 2, Some("until")),
            (-5, -1, Some("until")),
            (0, 30 * 24 + 1, Some("until")),
            (-1, 30 * 24, Some("until")),
            (367 * 24, 368 * 24, Some("from")),
        ] {
            let found = check(at(from), at(until), at(0)).err().map(|(field, _)| field);
            assert_eq!(found, wrong, "{from} to {until}");
        }
    }
}
