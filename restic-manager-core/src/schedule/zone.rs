//! Time zones: names of the IANA database that this build carries, and the one rule for clocks that are put forward
//! or back.

use core::{fmt, str::FromStr};
use jiff::{
    civil::DateTime,
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};
use restic_manager_proto::Timestamp;
use std::sync::LazyLock;

const LONGEST: usize = 64;

/// The database of this build, so that server and agent know the same rules, on every system, with or without a
/// database of its own.
static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone by its IANA name.
///
/// ```
/// use restic_manager_core::schedule::Zone;
/// let zone: Zone = "europe/berlin".parse()?;
/// assert_eq!(zone.to_string(), "Europe/Berlin");
/// assert!("CEST".parse::<Zone>().is_err());
/// # Ok::<(), restic_manager_core::schedule::ZoneError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// A text is not the name of a time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the IANA name of a time zone, such as `Europe/Berlin`, `America/New_York` or `UTC`")]
pub struct ZoneError;

impl Zone {
    /// The names of all zones, in alphabetical order.
    #[must_use]
    pub fn names() -> Vec<String> {
        let mut names: Vec<_> = DATABASE.available().map(|name| name.as_str().to_owned()).collect();
        names.sort_unstable();
        names
    }

    /// When a clock on the wall of this zone shows `time`: **a time that the clock leaps over comes at the first
    /// moment after the leap, and one that it shows twice comes once, the first time.**
    ///
    /// `None` when it lies beyond what can be written.
    #[must_use]
    pub fn instant(&self, time: DateTime) -> Option<Timestamp> {
        let offset = match self.0.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { after, .. } => return self.leap_after(moment(after, time)?),
        };
        moment(offset, time).map(|moment| Timestamp::from_milliseconds(moment.as_millisecond()))
    }

    /// What a clock on the wall shows.
    #[must_use]
    pub fn wall_clock(&self, moment: Timestamp) -> DateTime {
        self.0.to_datetime(jiff_timestamp(moment))
    }

    /// A moment as people of this zone write it, such as `2026-11-23 02:30 CET`.
    #[must_use]
    pub fn describe(&self, moment: Timestamp) -> String {
        jiff_timestamp(moment).to_zoned(self.0.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
    }

    fn leap_after(&self, moment: jiff::Timestamp) -> Option<Timestamp> {
        let leap = self.0.following(moment).next()?;
        Some(Timestamp::from_milliseconds(leap.timestamp().as_millisecond()))
    }
}

/// UTC.
impl Default for Zone {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
        if name.len() > LONGEST || !name.chars().all(plain) {
            return Err(ZoneError);
        }
        let zone = DATABASE.get(name).map_err(|_| ZoneError)?;
        if zone.is_unknown() || zone.iana_name().is_none() { Err(ZoneError) } else { Ok(Self(zone)) }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

fn moment(offset: Offset, time: DateTime) -> Option<jiff::Timestamp> {
    offset.to_timestamp(time).ok()
}

fn jiff_timestamp(moment: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(moment.as_milliseconds()).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
