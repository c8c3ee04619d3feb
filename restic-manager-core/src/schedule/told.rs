use core::time::Duration;
use restic_manager_proto::Timestamp;

use super::Timetable;

/// A host's clock may be so far ahead of the server's; slots beyond are doubted.
pub const AHEAD: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: i64 = 60_000;

/// What is known of a schedule whose slots a host tells of.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "written by callers; all of it is needed")]
pub struct TellingFacts<'a> {
    /// The times that it has now; `None` when it was removed.
    pub timetable: Option<&'a Timetable>,
    /// It has no slot up to this moment: it was made then.
    pub made: Timestamp,
    /// Up to this moment the host may have followed times that it had before.
    pub settled: Timestamp,
}

/// Why a slot cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Doubt {
    /// It is more than [`AHEAD`] from now.
    #[error("a slot lies more than a day ahead: the clock of the host is wrong")]
    Ahead,
    /// The schedule was made later.
    #[error("a slot lies before the schedule was made: the clock of the host is wrong")]
    Before,
    /// The schedule has no such slot.
    #[error("the schedule has no such slot")]
    Unknown,
}

/// Whether a slot that a host tells of can be one of its schedule.
///
/// Times that a schedule had before are not known any more: up to `settled` every whole minute is believed.
///
/// # Errors
/// Why not.
pub fn judge_told(facts: &TellingFacts<'_>, slot: Timestamp, now: Timestamp) -> Result<(), Doubt> {
    if slot > now.after(AHEAD) {
        return Err(Doubt::Ahead);
    }
    if slot <= facts.made {
        return Err(Doubt::Before);
    }
    let has =
        |timetable: &Timetable| timetable.after(slot.before(Duration::from_millis(1))).next() == Some(slot);
    let is_old = slot <= facts.settled && slot.as_milliseconds() % MINUTE == 0;
    if is_old || facts.timetable.is_some_and(has) { Ok(()) } else { Err(Doubt::Unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn judged(slot: &str, settled: &str) -> Result<(), Doubt> {
        let nightly = Timetable::parse("30 2 * * *", "UTC").unwrap();
        let made = at("2026-11-01T12:00:00Z");
        let facts = TellingFacts { timetable: Some(&nightly), made, settled: at(settled) };
        judge_told(&facts, at(slot), at("2026-11-22T03:00:00Z"))
    }

    #[test]
    fn only_what_the_schedule_has_is_believed() {
        let settled = "2026-11-10T00:00:00Z";
        assert_eq!(judged("2026-11-22T02:30:00Z", settled), Ok(()));
        assert_eq!(judged("2026-11-02T02:30:00Z", settled), Ok(()));
        assert_eq!(judged("2026-11-23T02:30:00Z", settled), Ok(()), "a clock may be ahead");
        assert_eq!(judged("2026-11-24T02:30:00Z", settled), Err(Doubt::Ahead));
        assert_eq!(judged("2026-11-22T02:31:00Z", settled), Err(Doubt::Unknown));
        assert_eq!(judged("2026-11-22T02:30:00.001Z", settled), Err(Doubt::Unknown));
        assert_eq!(judged("2026-11-01T02:30:00Z", settled), Err(Doubt::Before));
    }

    #[test]
    fn times_of_before_are_believed_by_the_minute() {
        let settled = "2026-11-10T00:00:00Z";
        assert_eq!(judged("2026-11-09T17:41:00Z", settled), Ok(()));
        assert_eq!(judged("2026-11-09T17:41:00.001Z", settled), Err(Doubt::Unknown));
        assert_eq!(judged("2026-11-10T17:41:00Z", settled), Err(Doubt::Unknown));
    }

    proptest! {
        /// What an agent fires is what its timetable gives, so the two ends agree.
        #[test]
        fn every_slot_of_a_timetable_is_believed(minute in 0u8..60, hour in 0u8..24, start in 0i64..1_000_000) {
            let timetable = Timetable::parse(&format!("{minute} {hour} * * *"), "Europe/Berlin").unwrap();
            let made = at("2026-01-01T00:00:00Z").after(Duration::from_secs(u64::try_from(start).unwrap_or(0)));
            for slot in timetable.after(made).take(400) {
                let facts = TellingFacts { timetable: Some(&timetable), made, settled: made };
                prop_assert_eq!(judge_told(&facts, slot, slot), Ok(()));
            }
        }
    }
}
