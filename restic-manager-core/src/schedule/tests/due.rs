use core::time::Duration;
use restic_manager_proto::{
    HostId, Misfire, ScheduleId, Timestamp,
    vocabulary::{Cause, PresenceMode},
};

use super::at;
use crate::schedule::{DueFacts, Mark, SETTLE, Skipped, Slot, Timetable, due, replaced, starts_at};

const SCHEDULE: ScheduleId = ScheduleId::from_bytes([1; 16]);
const HOST: HostId = HostId::from_bytes([2; 16]);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A schedule that is looked at again and again.
struct Scene {
    timetable: Timetable,
    mark: Mark,
    misfire: Misfire,
    jitter: Duration,
    presence: PresenceMode,
    awake_since: Timestamp,
    is_busy: bool,
    last_success: Option<Timestamp>,
}

impl Scene {
    fn new(cron: &str, since: &str) -> Self {
        Self {
            timetable: Timetable::parse(cron, "UTC").expect("a timetable"),
            mark: Mark::new(at(since)),
            misfire: Misfire::RunOnce,
            jitter: Duration::ZERO,
            presence: PresenceMode::AlwaysOn,
            awake_since: at(since),
            is_busy: false,
            last_success: None,
        }
    }

    fn facts(&self) -> DueFacts<'_> {
        DueFacts {
            schedule: SCHEDULE,
            timetable: &self.timetable,
            misfire: self.misfire,
            jitter: self.jitter,
            mark: &self.mark,
            is_busy: self.is_busy,
            last_success: self.last_success,
            host: HOST,
            presence: self.presence,
            awake_since: self.awake_since,
        }
    }

    /// Looks, remembers, and tells in short what was decided.
    fn look(&mut self, now: &str) -> Vec<String> {
        let outlook = due(&self.facts(), at(now));
        self.mark = outlook.mark;
        let skipped = outlook.skipped.iter().map(told);
        skipped.chain(outlook.fire.map(|slot| format!("run {}", short(slot.instant)))).collect()
    }

    fn again_at(&self, now: &str) -> Option<String> {
        due(&self.facts(), at(now)).again_at.map(|at| at.to_string())
    }
}

fn short(moment: Timestamp) -> String {
    moment.to_string().trim_end_matches(":00Z").replace("T", " ")
}

fn told(skipped: &Skipped) -> String {
    if skipped.count == 1 {
        assert_eq!(skipped.from, skipped.through);
        return format!("skip {} {}", short(skipped.from), skipped.cause);
    }
    format!(
        "skip {} .. {} ({}) {}",
        short(skipped.from),
        short(skipped.through),
        skipped.count,
        skipped.cause
    )
}

#[test]
fn a_slot_runs_once_at_its_time() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    assert_eq!(scene.again_at("2026-11-20T12:00:00Z").as_deref(), Some("2026-11-21T03:00:00Z"));
    assert_eq!(scene.look("2026-11-21T02:59:59Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-21T03:00:00Z"), ["run 2026-11-21 03:00"]);
    assert_eq!(scene.look("2026-11-21T03:00:00Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-22T02:00:00Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-22T03:00:01Z"), ["run 2026-11-22 03:00"]);
}

#[test]
fn of_several_missed_slots_the_newest_runs_and_the_others_are_skipped_by_name() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    assert_eq!(
        scene.look("2026-11-24T09:00:00Z"),
        [
            "skip 2026-11-21 03:00 slot-superseded",
            "skip 2026-11-22 03:00 slot-superseded",
            "skip 2026-11-23 03:00 slot-superseded",
            "run 2026-11-24 03:00"
        ]
    );
}

#[test]
fn many_missed_slots_are_one_range() {
    let mut scene = Scene::new("0 * * * *", "2026-01-01T00:00:00Z");
    assert_eq!(
        scene.look("2027-01-01T00:30:00Z"),
        ["skip 2026-01-01 01:00 .. 2026-12-31 23:00 (8759) slot-superseded", "run 2027-01-01 00:00"]
    );
}

#[test]
fn a_schedule_that_does_not_catch_up_skips_what_it_missed() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    scene.misfire = Misfire::Skip;
    assert_eq!(scene.look("2026-11-21T03:06:00Z"), ["skip 2026-11-21 03:00 slot-missed"]);
    assert_eq!(scene.look("2026-11-22T03:04:00Z"), ["run 2026-11-22 03:00"], "four minutes are not late");
}

#[test]
fn a_schedule_that_wants_only_an_age_runs_by_age() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    scene.misfire = Misfire::RunIfOlder { seconds: 86_400 };
    scene.last_success = Some(at("2026-11-20T20:00:00Z"));
    assert_eq!(scene.look("2026-11-21T09:00:00Z"), ["skip 2026-11-21 03:00 slot-not-needed"]);
    assert_eq!(scene.look("2026-11-22T09:00:00Z"), ["run 2026-11-22 03:00"]);
    scene.last_success = None;
    assert_eq!(scene.look("2026-11-23T09:00:00Z"), ["run 2026-11-23 03:00"]);
    // On time it runs whatever the age.
    scene.last_success = Some(at("2026-11-24T02:00:00Z"));
    assert_eq!(scene.look("2026-11-24T03:00:00Z"), ["run 2026-11-24 03:00"]);
}

#[test]
fn a_slot_is_skipped_while_the_run_before_it_has_not_ended() {
    let mut scene = Scene::new("*/10 * * * *", "2026-11-20T12:00:00Z");
    assert_eq!(scene.look("2026-11-20T12:10:00Z"), ["run 2026-11-20 12:10"]);
    scene.is_busy = true;
    assert_eq!(scene.look("2026-11-20T12:20:00Z"), ["skip 2026-11-20 12:20 slot-overlapped"]);
    scene.is_busy = false;
    assert_eq!(scene.look("2026-11-20T12:30:00Z"), ["run 2026-11-20 12:30"]);
}

#[test]
fn a_host_that_wakes_catches_up_a_minute_later() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    scene.presence = PresenceMode::Intermittent;
    scene.awake_since = at("2026-11-21T08:00:00Z");
    assert_eq!(scene.look("2026-11-21T08:00:10Z"), [""; 0]);
    assert_eq!(scene.again_at("2026-11-21T08:00:10Z").as_deref(), Some("2026-11-21T08:01:00Z"));
    assert_eq!(scene.look("2026-11-21T08:01:00Z"), ["run 2026-11-21 03:00"]);
    // What is due on time is not held up.
    scene.awake_since = at("2026-11-22T02:59:50Z");
    assert_eq!(scene.look("2026-11-22T03:00:00Z"), ["run 2026-11-22 03:00"]);
    assert_eq!(SETTLE.as_secs(), 60);
}

#[test]
fn a_clock_that_is_put_back_a_little_runs_nothing_twice() {
    let mut scene = Scene::new("0 * * * *", "2026-11-20T12:00:00Z");
    assert_eq!(scene.look("2026-11-20T13:00:00Z"), ["run 2026-11-20 13:00"]);
    for now in ["2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T13:00:00Z"] {
        assert_eq!(scene.look(now), [""; 0], "{now}");
    }
    assert_eq!(scene.look("2026-11-20T14:00:00Z"), ["run 2026-11-20 14:00"]);
}

#[test]
fn a_clock_that_stood_years_ahead_does_not_stop_a_schedule_for_years() {
    let mut scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    assert_eq!(scene.look("2026-11-21T03:00:00Z"), ["run 2026-11-21 03:00"]);
    let ahead = scene.look("2040-01-01T04:00:00Z");
    assert_eq!(
        ahead,
        ["skip 2026-11-22 03:00 .. 2039-12-31 03:00 (4788) slot-superseded", "run 2040-01-01 03:00"]
    );
    // Back in its own time: what ran does not run again, and what was named as skipped stays so.
    assert_eq!(scene.look("2026-11-21T02:00:00Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-21T03:30:00Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-22T03:00:00Z"), [""; 0]);
    assert_eq!(scene.look("2026-11-23T03:00:00Z"), ["run 2026-11-23 03:00"]);
    assert_eq!(
        scene.look("2026-11-25T03:00:00Z"),
        ["skip 2026-11-24 03:00 slot-superseded", "run 2026-11-25 03:00"]
    );
    // Years later it arrives at the slots that were decided ahead of time.
    let later = scene.look("2040-01-02T03:00:00Z");
    assert_eq!(later.last().map(String::as_str), Some("run 2040-01-02 03:00"));
    assert!(!later.iter().any(|decided| decided.contains("run 2040-01-01")), "{later:?}");
}

#[test]
fn jitter_is_the_same_each_time_and_stays_before_the_next_slot() {
    let timetable = Timetable::parse("*/10 * * * *", "UTC").expect("a timetable");
    let slot = Slot { schedule: SCHEDULE, instant: at("2026-11-20T12:10:00Z") };
    let start = |host, width| starts_at(&timetable, slot, HostId::from_bytes([host; 16]), width);
    assert_eq!(start(1, Duration::ZERO), slot.instant);
    let starts: Vec<_> = (0..100).map(|host| start(host, DAY)).collect();
    assert!(
        starts.iter().all(|start| (at("2026-11-20T12:10:00Z")..at("2026-11-20T12:20:00Z")).contains(start))
    );
    let late = starts.iter().filter(|start| **start >= at("2026-11-20T12:15:00Z")).count();
    assert!((35..65).contains(&late), "{late} of 100 in the second half");
    assert_eq!(start(7, DAY), start(7, DAY));
    // Frozen: another hash would move the starts of every fleet.
    assert_eq!(start(1, DAY).to_string(), "2026-11-20T12:16:12.644Z");
}

#[test]
fn a_slot_waits_for_its_jitter_and_the_one_before_it_does_not() {
    let mut scene = Scene::new("0 * * * *", "2026-11-20T12:00:00Z");
    scene.jitter = Duration::from_secs(3000);
    let slot = |instant| Slot { schedule: SCHEDULE, instant: at(instant) };
    let start = starts_at(&scene.timetable, slot("2026-11-20T14:00:00Z"), HOST, scene.jitter);
    assert!(start > at("2026-11-20T14:00:00Z"));
    let just_before = start.before(Duration::from_millis(1)).to_string();
    assert_eq!(scene.look(&just_before), ["run 2026-11-20 13:00"]);
    assert_eq!(scene.again_at(&just_before), Some(start.to_string()));
    assert_eq!(scene.look(&start.to_string()), ["run 2026-11-20 14:00"]);
}

#[test]
fn a_changed_schedule_passes_over_what_the_old_one_still_owed() {
    let scene = Scene::new("0 3 * * *", "2026-11-20T12:00:00Z");
    let outlook = replaced(&scene.facts(), at("2026-11-22T12:00:00Z"), at("2026-11-22T12:00:05Z"));
    let told: Vec<_> = outlook.skipped.iter().map(told).collect();
    assert_eq!(told, ["skip 2026-11-21 03:00 schedule-changed", "skip 2026-11-22 03:00 schedule-changed"]);
    assert_eq!(outlook.skipped[0].cause, Cause::ScheduleChanged);
    let mut scene = Scene { mark: outlook.mark, ..Scene::new("0 12 * * *", "2026-11-20T12:00:00Z") };
    assert_eq!(scene.look("2026-11-22T13:00:00Z"), [""; 0], "the slot at the change itself does not count");
    assert_eq!(scene.look("2026-11-23T12:00:00Z"), ["run 2026-11-23 12:00"]);
}
