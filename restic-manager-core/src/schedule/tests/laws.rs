//! Whatever the clock does, each slot is decided exactly once.

use core::time::Duration;
use proptest::prelude::*;
use restic_manager_proto::{HostId, Misfire, ScheduleId, Timestamp, vocabulary::PresenceMode};
use std::collections::BTreeMap;

use super::at;
use crate::schedule::{DueFacts, Mark, SET_BACK, Timetable, due};

const MINUTE: i64 = 60_000;

/// What the clock and the host do between two looks.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes, in minutes.
    Pass(i64),
    /// The clock is put back, by less than a day.
    PutBack(i64),
    /// The clock stands ahead, and is put back later.
    Ahead(i64),
    /// The run of an earlier slot goes on, or has ended.
    Busy(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..90_i64).prop_map(Step::Pass),
        3 => (90..6 * 24 * 60_i64).prop_map(Step::Pass),
        2 => (0..23 * 60_i64).prop_map(Step::PutBack),
        1 => (24 * 60..400 * 24 * 60_i64).prop_map(Step::Ahead),
        1 => any::<bool>().prop_map(Step::Busy),
    ]
}

fn misfire() -> impl Strategy<Value = Misfire> {
    prop_oneof![
        Just(Misfire::RunOnce),
        Just(Misfire::Skip),
        (0..200_000_u64).prop_map(|seconds| Misfire::RunIfOlder { seconds })
    ]
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Ran,
    Named,
    InRange,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn each_slot_is_decided_once_however_the_clock_jumps(
        steps in prop::collection::vec(step(), 1..40),
        cron in prop::sample::select(["0 * * * *", "*/17 * * * *", "30 2 * * *", "0 4 * * mon", "15 1,13 1-20 * *"].as_slice()),
        zone in prop::sample::select(["UTC", "Europe/Berlin", "Australia/Lord_Howe"].as_slice()),
        misfire in misfire(),
        jitter in prop::sample::select([0, 300, 7200_u64].as_slice()),
        intermittent: bool,
    ) {
        let timetable = Timetable::parse(cron, zone).expect("a timetable");
        let start = at("2026-03-27T12:00:00Z");
        let (mut now, mut mark, mut busy) = (start, Mark::new(start), false);
        let mut fates: BTreeMap<Timestamp, Fate> = BTreeMap::new();
        let (mut furthest, mut jumped, mut last_success) = (start, false, None);
        for step in steps {
            let mut back = 0;
            match step {
                Step::Pass(minutes) => now = moved(now, minutes),
                Step::PutBack(minutes) => now = moved(now, -minutes),
                Step::Ahead(minutes) => { now = moved(now, minutes); back = minutes }
                Step::Busy(is) => busy = is,
            }
            for look in 0..2 {
                if look == 1 {
                    now = moved(now, -back);
                }
                jumped |= furthest.since(now) > SET_BACK;
                // The second look comes after the host has settled.
                let facts = DueFacts {
                    schedule: ScheduleId::from_bytes([1; 16]),
                    timetable: &timetable,
                    misfire,
                    jitter: Duration::from_secs(jitter),
                    mark: &mark,
                    is_busy: busy,
                    last_success,
                    host: HostId::from_bytes([2; 16]),
                    presence: if intermittent { PresenceMode::Intermittent } else { PresenceMode::AlwaysOn },
                    awake_since: now.before(Duration::from_secs(30 + 60 * look)),
                };
                let outlook = due(&facts, now);
                prop_assert!(outlook.again_at.is_none_or(|at| at >= now));
                for skipped in &outlook.skipped {
                    for slot in timetable.between(skipped.from.before(Duration::from_millis(1)), skipped.through) {
                        prop_assert!(slot <= now, "{} is not due at {}", slot, now);
                        let is_end = slot == skipped.from || slot == skipped.through;
                        let fate = if is_end { Fate::Named } else { Fate::InRange };
                        let before = fates.insert(slot, fate);
                        // Only a clock that stood far ahead makes a slot of a range come up again.
                        prop_assert!(before.is_none() || jumped && before == Some(Fate::InRange), "{} again", slot);
                    }
                }
                if let Some(slot) = outlook.fire {
                    prop_assert!(slot.instant <= now && !busy);
                    let before = fates.insert(slot.instant, Fate::Ran);
                    prop_assert!(before.is_none() || jumped && before == Some(Fate::InRange), "{} runs twice", slot.instant);
                    last_success = Some(now);
                }
                mark = outlook.mark;
                furthest = furthest.max(now);
            }
        }
        // At the end all is settled: nothing that was due is without its fate, unless it lies behind a clock that
        // was put back by more than a day.
        let settled = now.before(Duration::from_secs(8000));
        if mark.through().since(now) <= SET_BACK {
            for slot in timetable.between(start, settled) {
                prop_assert!(fates.contains_key(&slot), "{} was forgotten at {}", slot, now);
            }
        }
    }
}

fn moved(now: Timestamp, minutes: i64) -> Timestamp {
    Timestamp::from_milliseconds(now.as_milliseconds() + minutes * MINUTE)
}
