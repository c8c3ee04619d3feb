use core::{fmt, time::Duration};
use jiff::ToSpan as _;
use restic_manager_proto::{ScheduleId, Timestamp};

use super::{Cron, CronError, Zone, ZoneError};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// One due moment of one schedule. It runs at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The nominal moment, before jitter.
    pub instant: Timestamp,
}

/// The slots of a schedule: cron on the clock of a zone.
///
/// ```
/// use restic_manager_core::schedule::Timetable;
/// let nightly = Timetable::parse("30 2 * * *", "Europe/Berlin")?;
/// // On 29 March 2026 the clock leaps from 2:00 to 3:00.
/// let slots: Vec<_> = nightly.after("2026-03-28T00:00:00Z".parse()?).take(3).map(|slot| slot.to_string()).collect();
/// assert_eq!(slots, ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// When, by the clock on the wall.
    pub cron: Cron,
    /// Whose wall.
    pub zone: Zone,
}

/// A schedule's times cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// The cron.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// The zone.
    #[error(transparent)]
    Zone(#[from] ZoneError),
}

impl Timetable {
    /// Reads both parts.
    ///
    /// # Errors
    /// What is wrong with one of them.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, TimetableError> {
        Ok(Self { cron: cron.parse()?, zone: zone.parse()? })
    }

    /// The slots after a moment, in order, each once.
    pub fn after(&self, moment: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let mut time = Some(self.zone.wall_clock(moment));
        let mut last = moment;
        core::iter::from_fn(move || {
            loop {
                let next = self.cron.next(time?)?;
                time = next.checked_add(1.minute()).ok();
                // Where the clock was put back, times come again whose slots have been.
                let instant = self.zone.instant(next)?;
                if instant > last {
                    last = instant;
                    return Some(instant);
                }
            }
        })
    }

    /// The slots after one moment and up to another, in order.
    pub fn between(&self, after: Timestamp, through: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        self.after(after).take_while(move |&slot| slot <= through)
    }

    /// The last slot after one moment and up to another.
    #[must_use]
    pub fn last(&self, after: Timestamp, through: Timestamp) -> Option<Timestamp> {
        // Looking back further and further finds a slot that comes often as fast as one that comes once a year.
        let windows = [HOUR, 24 * HOUR, 32 * 24 * HOUR, 366 * 24 * HOUR];
        let starts = windows.into_iter().map(|window| through.before(window)).filter(|&start| start > after);
        starts.chain([after]).find_map(|start| self.between(start, through).last())
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron, self.zone)
    }
}
