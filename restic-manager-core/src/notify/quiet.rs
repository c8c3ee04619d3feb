//! Quiet hours and digests, by the clock of a zone.

use core::time::Duration;
use jiff::ToSpan as _;
use restic_manager_proto::{
    QuietHours, Timestamp,
    vocabulary::{Severity, Timing},
};

use crate::schedule::Zone;

/// The minute of the day of a text such as `22:00`.
#[must_use]
pub fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |text: &str| text.len() == 2 && text.bytes().all(|c| c.is_ascii_digit());
    let number = |text: &str| is_number(text).then(|| text.parse::<u16>().ok()).flatten();
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// The zone of a name; UTC for one that this build does not know.
#[must_use]
pub fn zone(name: &str) -> Zone {
    name.parse().unwrap_or_default()
}

/// When quiet hours end in which `now` lies, for an alert of a severity; nothing outside of them, or when it is told all the
/// same.
#[must_use]
pub fn quiet_until(quiet: &QuietHours, zone: &Zone, severity: Severity, now: Timestamp) -> Option<Timestamp> {
    let (from, until) = (minute_of_day(&quiet.from)?, minute_of_day(&quiet.until)?);
    if severity >= quiet.unless {
        return None;
    }
    let wall = zone.wall_clock(now);
    let minute = u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs());
    let is_quiet =
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until };
    is_quiet.then(|| next_time(zone, until, None, now))
}

/// When the next digest of a timing is due after `now`; nothing for one that tells at once.
#[must_use]
pub fn next_digest(timing: Timing, at: &str, zone: &Zone, now: Timestamp) -> Option<Timestamp> {
    let at = minute_of_day(at)?;
    match timing {
        Timing::Daily => Some(next_time(zone, at, None, now)),
        Timing::Weekly => Some(next_time(zone, at, Some(jiff::civil::Weekday::Monday), now)),
        _ => None,
    }
}

/// The first moment after `now` at which the zone's clock shows this minute, on this day of the week if one is given.
fn next_time(zone: &Zone, minute: u16, weekday: Option<jiff::civil::Weekday>, now: Timestamp) -> Timestamp {
    let today = zone.wall_clock(now).date();
    let hour = i8::try_from(minute / 60).unwrap_or(0);
    let minute = i8::try_from(minute % 60).unwrap_or(0);
    (0..=8_i64)
        .filter_map(|days| today.checked_add(days.days()).ok())
        .filter(|day| weekday.is_none_or(|wanted| day.weekday() == wanted))
        .filter_map(|day| zone.instant(day.at(hour, minute, 0, 0)))
        .find(|moment| *moment > now)
        .unwrap_or_else(|| now.after(Duration::from_secs(24 * 60 * 60)))
}
