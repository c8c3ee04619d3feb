use core::time::Duration;
use restic_manager_proto::Timestamp;

use super::Timetable;

/// A moment at which a schedule runs, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The slot, before jitter.
    pub slot: Timestamp,
    /// The same by the clock of the schedule's zone.
    pub local: String,
    /// What the zone's clock does to it, when it is put forward or back around that time; else empty.
    pub note: String,
}

/// The next runs after a moment.
///
/// ```
/// use restic_manager_core::schedule::{Timetable, runs};
/// let nightly = Timetable::parse("30 2 * * *", "Europe/Berlin")?;
/// let runs: Vec<_> = runs(&nightly, "2026-03-28T12:00:00Z".parse()?).take(2).collect();
/// assert_eq!(runs[0].local, "2026-03-29 03:00 CEST");
/// assert_eq!(runs[0].note, "the clock is put forward over 02:30 that day, so it runs right after");
/// assert_eq!((runs[1].local.as_str(), runs[1].note.as_str()), ("2026-03-30 02:30 CEST", ""));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn runs(timetable: &Timetable, after: Timestamp) -> impl Iterator<Item = Run> + '_ {
    timetable.after(after).map(|slot| Run {
        slot,
        local: timetable.zone.describe(slot),
        note: note(timetable, slot),
    })
}

/// Runs of each schedule among which the shortest gap is looked for.
const LOOKED_AT: usize = 48;

/// The shortest time between two runs of schedules that do the same; `None` when none of them runs twice.
#[must_use]
pub fn shortest_gap(timetables: &[Timetable], after: Timestamp) -> Option<Duration> {
    let mut slots: Vec<_> =
        timetables.iter().flat_map(|timetable| timetable.after(after).take(LOOKED_AT)).collect();
    slots.sort_unstable();
    slots.dedup();
    slots.windows(2).map(|pair| pair[1].since(pair[0])).min()
}

/// How far clocks are put forward or back, as far as any zone does it twice a year.
const LEAPS: [Duration; 3] =
    [Duration::from_secs(30 * 60), Duration::from_secs(60 * 60), Duration::from_secs(120 * 60)];

fn note(timetable: &Timetable, slot: Timestamp) -> String {
    let Timetable { cron, zone } = timetable;
    let shown = zone.wall_clock(slot);
    if cron.next(shown) != Some(shown) {
        // The leap ends at the slot, so the time that it leapt over is looked for on the clock before it.
        let before = zone.wall_clock(slot.before(Duration::from_secs(60)));
        return match cron.next(before) {
            Some(lost) if lost < shown => {
                let lost = lost.strftime("%H:%M");
                format!("the clock is put forward over {lost} that day, so it runs right after")
            }
            _ => "the clock is put forward that day, so it runs right after".to_owned(),
        };
    }
    if LEAPS.iter().any(|leap| zone.wall_clock(slot.after(*leap)) == shown) {
        let time = shown.strftime("%H:%M");
        return format!("the clock shows {time} twice that day; it runs the first time only");
    }
    String::new()
}
