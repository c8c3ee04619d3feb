//! Until when snapshots count as fresh, judged from what a host's schedules promise.

use core::time::Duration;
use restic_manager_proto::{Timestamp, vocabulary::PresenceMode};

use crate::schedule::Timetable;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A schedule that is switched on, as far as freshness depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// When it runs.
    pub timetable: Timetable,
    /// How far at most a run is spread after its slot.
    pub jitter: Duration,
}

/// A source group, as far as its host's freshness depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// When its newest snapshot was made, or, before the first, the group itself.
    pub since: Timestamp,
    /// What the enabled schedules that run it promise.
    pub promises: Vec<Promise>,
}

/// Until when a host counts as fresh: until the first of its scheduled source groups no longer does.
///
/// What no schedule runs was promised to nobody, and counts only where nothing else does: then the host's newest
/// snapshot is the measure. `None` without any snapshot.
#[must_use]
pub fn host_fresh_until(
    newest: Option<Timestamp>,
    presence: PresenceMode,
    groups: &[Covered],
) -> Option<Timestamp> {
    let newest = newest?;
    let scheduled = groups.iter().filter(|group| !group.promises.is_empty());
    let first = scheduled.map(|group| fresh_until(group.since, presence, &group.promises)).min();
    Some(first.unwrap_or_else(|| fresh_until(newest, presence, &[])))
}

/// Until when the newest snapshot of one source group counts as fresh.
///
/// For a host that is always on that is until the next run after it should have been seen: its slot, the jitter, and
/// a grace of half the time to the slot after that, at least an hour and at most twelve. So one failed or missed
/// night shows by noon.
///
/// An intermittent host may sleep over a slot: its snapshot is fresh for a week at least, and until a second slot
/// should have been seen. Without schedules nothing is promised; a snapshot is fresh for a week.
#[must_use]
pub fn fresh_until(snapshot: Timestamp, presence: PresenceMode, promises: &[Promise]) -> Timestamp {
    let skipped = if presence == PresenceMode::Intermittent { 1 } else { 0 };
    let due = promises.iter().filter_map(|promise| due(promise, snapshot, skipped)).min();
    match (due, presence) {
        (Some(due), PresenceMode::Intermittent) => due.max(snapshot.after(WEEK)),
        (Some(due), _) => due,
        (None, _) => snapshot.after(WEEK),
    }
}

/// Until when a schedule's next run should have been seen, after passing over some slots.
fn due(promise: &Promise, snapshot: Timestamp, skipped: usize) -> Option<Timestamp> {
    let mut slots = promise.timetable.after(snapshot).skip(skipped);
    let slot = slots.next()?;
    let gap = slots.next().map_or(DAY, |next| next.since(slot));
    Some(slot.after(promise.jitter).after((gap / 2).clamp(HOUR, 12 * HOUR)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn promise(cron: &str, zone: &str) -> Promise {
        Promise { timetable: Timetable::parse(cron, zone).unwrap(), jitter: Duration::ZERO }
    }

    fn until(snapshot: &str, presence: PresenceMode, promises: &[Promise]) -> String {
        fresh_until(snapshot.parse().unwrap(), presence, promises).to_string()
    }

    #[test]
    fn a_night_may_be_late_until_noon() {
        let nightly = promise("0 2 * * *", "UTC");
        let always = |snapshot| until(snapshot, PresenceMode::AlwaysOn, core::slice::from_ref(&nightly));
        assert_eq!(always("2026-11-22T02:00:07Z"), "2026-11-23T14:00:00Z");
        assert_eq!(
            always("2026-11-22T01:59:00Z"),
            "2026-11-22T14:00:00Z",
            "what somebody ran by hand is no run"
        );
        let spread = Promise { jitter: HOUR, ..nightly };
        let later = until("2026-11-22T02:40:00Z", PresenceMode::AlwaysOn, &[spread]);
        assert_eq!(later, "2026-11-23T15:00:00Z");
    }

    #[test]
    fn the_schedule_sets_the_measure() {
        for (cron, expected) in [
            ("*/15 * * * *", "2026-11-20T13:15:00Z"),
            ("0 * * * *", "2026-11-20T14:00:00Z"),
            ("0 2 * * mon-fri", "2026-11-23T14:00:00Z"),
            ("0 2 * * sun", "2026-11-22T14:00:00Z"),
            ("0 2 1 * *", "2026-12-01T14:00:00Z"),
        ] {
            // A Friday.
            let found = until("2026-11-20T12:00:00Z", PresenceMode::AlwaysOn, &[promise(cron, "UTC")]);
            assert_eq!(found, expected, "{cron}");
        }
        let both = [promise("0 2 * * sun", "UTC"), promise("0 * * * *", "UTC")];
        assert_eq!(until("2026-11-20T12:00:00Z", PresenceMode::AlwaysOn, &both), "2026-11-20T14:00:00Z");
    }

    #[test]
    fn intermittent_hosts_go_by_age() {
        let intermittent =
            |cron| until("2026-11-20T12:00:00Z", PresenceMode::Intermittent, &[promise(cron, "UTC")]);
        assert_eq!(intermittent("0 2 * * *"), "2026-11-27T12:00:00Z");
        assert_eq!(intermittent("0 2 * * sun"), "2026-11-29T14:00:00Z", "one week may be slept through");
        for presence in [PresenceMode::AlwaysOn, PresenceMode::Intermittent] {
            assert_eq!(until("2026-11-20T12:00:00Z", presence, &[]), "2026-11-27T12:00:00Z", "no schedule");
        }
    }

    #[test]
    fn a_host_is_as_fresh_as_its_stalest_scheduled_group() {
        let moment = |text: &str| text.parse::<Timestamp>().unwrap();
        let group = |since, cron: &[&str]| Covered {
            since: moment(since),
            promises: cron.iter().map(|cron| promise(cron, "UTC")).collect(),
        };
        let host = |groups: &[Covered]| {
            let newest = Some(moment("2026-11-20T12:00:00Z"));
            host_fresh_until(newest, PresenceMode::AlwaysOn, groups).unwrap().to_string()
        };
        let hourly = group("2026-11-20T12:00:00Z", &["0 * * * *"]);
        let weekly = group("2026-11-15T02:00:00Z", &["0 2 * * sun"]);
        let missed = group("2026-11-08T02:00:00Z", &["0 2 * * sun"]);
        let by_hand = group("2025-01-01T00:00:00Z", &[]);
        assert_eq!(host(&[hourly.clone(), weekly, by_hand.clone()]), "2026-11-20T14:00:00Z");
        assert_eq!(
            host(&[hourly, missed]),
            "2026-11-15T14:00:00Z",
            "one that works hides none that does not"
        );
        assert_eq!(host(core::slice::from_ref(&by_hand)), "2026-11-27T12:00:00Z");
        assert_eq!(host_fresh_until(None, PresenceMode::AlwaysOn, &[by_hand]), None);
    }

    proptest! {
        #[test]
        fn a_snapshot_is_fresh_at_least_an_hour_past_the_next_run(
            cron in prop::sample::select(vec!["* * * * *", "0 3 * * *", "30 2 * * sun", "0 0 29 2 *"]),
            moment in 1_700_000_000_000_i64..1_900_000_000_000,
            jitter in 0_u64..43_200,
            always in any::<bool>(),
        ) {
            let presence = if always { PresenceMode::AlwaysOn } else { PresenceMode::Intermittent };
            let snapshot = Timestamp::from_milliseconds(moment);
            let promise = Promise { jitter: Duration::from_secs(jitter), ..promise(cron, "Europe/Berlin") };
            let next = promise.timetable.after(snapshot).next().unwrap();
            let until = fresh_until(snapshot, presence, core::slice::from_ref(&promise));
            prop_assert!(until >= next.after(promise.jitter).after(HOUR));
        }
    }
}
