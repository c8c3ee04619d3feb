//! Upkeep as rules: when a duty is due, who does it, when it counts as done, and what a repository's health is.

use core::time::Duration;
use restic_manager_proto::{
    HostId, Timestamp,
    vocabulary::{Cause, JobKind, UpkeepState},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Jobs often come in groups: so long after one, a repository is measured.
const SETTLED: Duration = Duration::from_secs(5 * 60);

/// Longest cadence that can be chosen, in hours: a year.
pub const MOST_HOURS: u32 = 366 * 24;
/// Most parts in which restic reads the data.
pub const MOST_PARTS: u16 = 256;
/// A twentieth, which is 5 %, with each check.
pub const DEFAULT_PARTS: u16 = 20;
/// What was never planned: rows that a migration made.
pub const UNPLANNED: Timestamp = Timestamp::from_milliseconds(0);

/// The duties, in the order in which they are shown.
pub const DUTIES: [JobKind; 5] =
    [JobKind::Forget, JobKind::Prune, JobKind::Check, JobKind::Statistics, JobKind::DeletionTest];

/// How often a duty is done when nobody chooses, in hours; `None` for never. Whoever has a host can delete what lies in a
/// folder of it, so that nobody need try there.
#[must_use]
pub fn default_hours(kind: JobKind, backend: &str) -> Option<u32> {
    match kind {
        JobKind::Forget | JobKind::Statistics => Some(24),
        JobKind::Prune => Some(7 * 24),
        JobKind::Check => Some(30 * 24),
        JobKind::DeletionTest if backend != "local" => Some(7 * 24),
        _ => None,
    }
}

/// Whether a repository's health depends on how a duty stands. Figures that are old harm nobody, and of a deletion test
/// counts what it found.
#[must_use]
pub const fn counts_for_health(kind: JobKind) -> bool {
    matches!(kind, JobKind::Forget | JobKind::Prune | JobKind::Check)
}

/// When a repository is measured that has just changed: soon, but not again and again in one cadence.
#[must_use]
pub fn measured_again(
    due: Timestamp,
    every: Duration,
    effective: Option<Timestamp>,
    now: Timestamp,
) -> Timestamp {
    let soon = now.after(SETTLED);
    let earliest = effective.map_or(soon, |effective| effective.after(every / 4).max(soon));
    due.min(earliest)
}

/// Spreads what would all happen at once: a part of `span`, the same for the same seed.
#[must_use]
pub fn jitter(seed: &[u8], span: Duration) -> Duration {
    // FNV-1a: spread is all that is asked of it.
    let hash = seed.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let milliseconds = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis((hash >> 11) % milliseconds.max(1))
}

/// When a duty is due for the first time: within its cadence, but within a day.
#[must_use]
pub fn first_due(now: Timestamp, every: Duration, seed: &[u8]) -> Timestamp {
    now.after(10 * MINUTE).after(jitter(seed, every.min(DAY)))
}

/// When a duty is due again that was due at `due` and is done at `now`: the cadence is kept, and what was missed is not
/// made up for.
#[must_use]
pub fn next_due(due: Option<Timestamp>, every: Duration, now: Timestamp, seed: &[u8]) -> Timestamp {
    let spread = jitter(seed, (every / 20).min(HOUR));
    let kept = due.map(|due| due.after(every)).filter(|next| *next > now.after(every / 2));
    kept.filter(|next| *next <= now.after(every)).unwrap_or(now.after(every)).after(spread)
}

/// When a duty is tried again that failed, for the so-manieth time. What heals by itself is tried soon, then less
/// and less often; what somebody must see to waits for the cadence.
#[must_use]
pub fn retry_due(cause: Cause, failures: u32, every: Duration, now: Timestamp, seed: &[u8]) -> Timestamp {
    let patience = if heals(cause) {
        let doublings = failures.saturating_sub(1).min(10);
        (15 * MINUTE * 2_u32.pow(doublings)).min(every).min(DAY).max(15 * MINUTE)
    } else {
        every.max(HOUR)
    };
    now.after(patience).after(jitter(seed, patience / 5))
}

/// Whether a cause may be gone the next time although nobody did anything.
#[must_use]
pub const fn heals(cause: Cause) -> bool {
    !matches!(
        cause,
        Cause::AccessDenied
            | Cause::WrongPassword
            | Cause::RepositoryMissing
            | Cause::RepositoryDamaged
            | Cause::ResticMissing
            | Cause::ResticTooOld
            | Cause::AgentRefused
            | Cause::NotConfigured
            | Cause::SecretUnreadable
            | Cause::RetentionFrozen
            | Cause::FutureSnapshot
            | Cause::RepositoryUnfinished
    )
}

/// How long a duty may go without having been effective.
#[must_use]
pub fn allowance(every: Duration) -> Duration {
    2 * every + DAY
}

/// What is known of a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    /// How often it is to be done; `None` for never.
    pub every: Option<Duration>,
    /// Whether there is something to do at all: a forget without a policy has nothing.
    pub applies: bool,
    /// Since when it is expected.
    pub since: Timestamp,
    /// When it last came to what it is for.
    pub effective: Option<Timestamp>,
    /// Tries since then that did not.
    pub failures: u32,
    /// Why the last one did not.
    pub cause: Option<Cause>,
    /// Whether it is frozen, or a part of it.
    pub frozen: bool,
}

/// How a duty stands.
#[must_use]
pub fn state(duty: &Duty, now: Timestamp) -> UpkeepState {
    let Some(every) = duty.every else { return UpkeepState::Off };
    if !duty.applies {
        return UpkeepState::Idle;
    }
    if duty.frozen {
        return UpkeepState::Frozen;
    }
    if duty.since == UNPLANNED {
        return UpkeepState::Pending;
    }
    // What was effective long ago, before the duty was switched off for a while, has its allowance anew.
    let last = duty.effective.map_or(duty.since, |effective| effective.max(duty.since));
    if now.since(last) > allowance(every) {
        return UpkeepState::Overdue;
    }
    match (duty.failures, duty.cause, duty.effective) {
        (1.., Some(cause), _) if !heals(cause) => UpkeepState::Overdue,
        (3.., ..) => UpkeepState::Overdue,
        (1.., ..) => UpkeepState::Failing,
        (0, _, Some(_)) => UpkeepState::Good,
        (0, _, None) => UpkeepState::Pending,
    }
}

/// The worst of several: red wins over amber, amber over what is not known, that over green; what is off does not count.
#[must_use]
pub fn overall(states: impl IntoIterator<Item = UpkeepState>) -> UpkeepState {
    let rank = |state: &UpkeepState| match state {
        UpkeepState::Overdue => 4,
        UpkeepState::Failing | UpkeepState::Frozen => 3,
        UpkeepState::Pending => 2,
        UpkeepState::Good => 1,
        _ => 0,
    };
    states.into_iter().max_by_key(rank).unwrap_or(UpkeepState::Off)
}

/// A host that might do the upkeep of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The host.
    pub host: HostId,
    /// Whether its agent is connected.
    pub connected: bool,
}

/// Who does the upkeep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// This host.
    Host(HostId),
    /// The host that was named is no longer attached. Nobody else gets what may delete in its place.
    RunnerGone,
    /// No host is attached.
    Nobody,
    /// Nobody was named, and what may delete is handed to nobody else.
    RunnerNeeded,
}

/// Whether a kind of job removes data, and so is given the maintenance credential where there is one.
#[must_use]
pub const fn deletes(kind: JobKind) -> bool {
    matches!(kind, JobKind::Forget | JobKind::Prune)
}

/// Who does a job of upkeep: the runner, or where none is named an attached host, one that is connected if there is. A job
/// that is given `maintenance`, the credential that may delete, is the runner's alone.
#[must_use]
pub fn worker(runner: Option<HostId>, maintenance: bool, attached: &[Candidate]) -> Worker {
    match runner {
        None if maintenance && !attached.is_empty() => Worker::RunnerNeeded,
        Some(runner) if attached.iter().any(|candidate| candidate.host == runner) => Worker::Host(runner),
        Some(_) => Worker::RunnerGone,
        None => {
            let best = attached.iter().min_by_key(|candidate| (!candidate.connected, candidate.host));
            best.map_or(Worker::Nobody, |candidate| Worker::Host(candidate.host))
        }
    }
}

/// The part of the data that a check reads after one that read `part` of `parts`.
#[must_use]
pub const fn next_part(part: u16, parts: u16) -> u16 {
    if part >= parts { 1 } else { part + 1 }
}

/// In how many days everything was read once.
#[must_use]
pub fn full_read_days(every: Duration, parts: u16) -> u64 {
    (every * u32::from(parts)).as_secs().div_ceil(DAY.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hours: u64) -> Timestamp {
        UNPLANNED.after(1_000_000 * HOUR).after(Duration::from_secs(hours * 3600))
    }

    fn daily() -> Duty {
        Duty {
            every: Some(DAY),
            applies: true,
            since: at(0),
            effective: None,
            failures: 0,
            cause: None,
            frozen: false,
        }
    }

    #[test]
    fn what_is_frozen_says_so_however_late_it_is() {
        let frozen = Duty { frozen: true, failures: 9, ..daily() };
        for hours in [1, 1000] {
            assert_eq!(state(&frozen, at(hours)), UpkeepState::Frozen);
        }
        assert_eq!(state(&Duty { every: None, ..frozen }, at(1)), UpkeepState::Off);
        assert_eq!(state(&Duty { applies: false, ..frozen }, at(1)), UpkeepState::Idle);
        assert_eq!(overall([UpkeepState::Good, UpkeepState::Frozen]), UpkeepState::Frozen, "no green");
    }

    #[test]
    fn a_duty_turns_red_when_its_allowance_is_over_whatever_else_is_green() {
        assert_eq!(state(&daily(), at(1)), UpkeepState::Pending);
        let done = Duty { effective: Some(at(10)), ..daily() };
        assert_eq!(state(&done, at(10 + 72)), UpkeepState::Good);
        assert_eq!(state(&done, at(10 + 73)), UpkeepState::Overdue);
        assert_eq!(state(&daily(), at(73)), UpkeepState::Overdue, "never done");
        assert_eq!(state(&Duty { every: None, ..daily() }, at(99)), UpkeepState::Off);
        assert_eq!(state(&Duty { applies: false, ..daily() }, at(99)), UpkeepState::Idle);
        assert_eq!(state(&Duty { since: UNPLANNED, ..daily() }, at(99)), UpkeepState::Pending);
        let resumed = Duty { since: at(500), ..done };
        assert_eq!(state(&resumed, at(510)), UpkeepState::Good, "it was switched off in between");
    }

    #[test]
    fn what_nobody_sees_to_is_red_at_once_and_what_heals_after_three_tries() {
        let tried = |failures, cause| {
            let duty = Duty { effective: Some(at(0)), failures, cause: Some(cause), ..daily() };
            state(&duty, at(1))
        };
        assert_eq!(tried(1, Cause::RepositoryLocked), UpkeepState::Failing);
        assert_eq!(tried(3, Cause::RepositoryLocked), UpkeepState::Overdue);
        assert_eq!(tried(1, Cause::AccessDenied), UpkeepState::Overdue);
        assert_eq!(tried(1, Cause::RepositoryDamaged), UpkeepState::Overdue);
    }

    #[test]
    fn a_change_brings_measuring_forward_but_only_so_often() {
        let again = |effective, now| measured_again(at(24), DAY, effective, at(now));
        assert_eq!(again(None, 1), at(1).after(SETTLED));
        assert_eq!(again(Some(at(0)), 1), at(6), "a quarter of the cadence after the last time");
        assert_eq!(again(Some(at(0)), 9), at(9).after(SETTLED));
        assert_eq!(again(Some(at(0)), 30), at(24), "never later");
    }

    #[test]
    fn a_folder_of_the_host_need_not_be_tried() {
        assert_eq!(default_hours(JobKind::DeletionTest, "local"), None);
        assert_eq!(default_hours(JobKind::DeletionTest, "rest"), Some(168));
        assert!(DUTIES.into_iter().all(|kind| default_hours(kind, "s3").is_some()));
    }

    #[test]
    fn the_worst_decides() {
        use UpkeepState::{Failing, Good, Idle, Off, Overdue, Pending};
        assert_eq!(overall([Good, Off, Idle]), Good);
        assert_eq!(overall([Good, Pending]), Pending);
        assert_eq!(overall([Good, Failing, Pending]), Failing);
        assert_eq!(overall([Failing, Overdue, Good]), Overdue);
        assert_eq!(overall([]), Off);
    }

    #[test]
    fn the_runner_does_it_and_nobody_in_its_place() {
        let host = |number| HostId::from_bytes([number; 16]);
        let attached = [
            Candidate { host: host(1), connected: false },
            Candidate { host: host(2), connected: true },
            Candidate { host: host(3), connected: true },
        ];
        for maintenance in [false, true] {
            let worker = |runner, attached| worker(runner, maintenance, attached);
            assert_eq!(worker(Some(host(1)), &attached), Worker::Host(host(1)), "it will come back");
            assert_eq!(worker(Some(host(9)), &attached), Worker::RunnerGone);
            assert_eq!(worker(None, &[]), Worker::Nobody);
        }
        assert_eq!(worker(None, false, &attached), Worker::Host(host(2)));
        assert_eq!(worker(None, false, &attached[..1]), Worker::Host(host(1)));
        assert_eq!(
            worker(None, true, &attached),
            Worker::RunnerNeeded,
            "what may delete goes to nobody else"
        );
    }

    #[test]
    fn everything_is_read_in_turn() {
        let parts: Vec<_> = (0..21)
            .scan(0, |part, _| {
                *part = next_part(*part, 20);
                Some(*part)
            })
            .collect();
        assert_eq!(parts[..20], (1..=20).collect::<Vec<_>>());
        assert_eq!(parts[20], 1);
        assert_eq!(full_read_days(30 * DAY, 20), 600);
    }

    proptest! {
        #[test]
        fn a_duty_that_is_done_is_due_once_in_its_cadence(
            every in 1..9000_u64, late in 0..20_000_u64, seed in any::<[u8; 16]>()
        ) {
            let every = Duration::from_secs(every * 3600);
            let now = at(late);
            let next = next_due(Some(at(0)), every, now, &seed);
            prop_assert!(next > now.after(every / 2) && next <= now.after(every).after(HOUR));
        }

        #[test]
        fn tries_are_never_closer_than_a_quarter_of_an_hour_and_never_given_up(
            failures in 1..1000_u32, every in 1..9000_u64, seed in any::<[u8; 16]>(),
            cause in prop::sample::select(Cause::ALL)
        ) {
            let every = Duration::from_secs(every * 3600);
            let next = retry_due(cause, failures, every, at(0), &seed);
            prop_assert!(next >= at(0).after(15 * MINUTE));
            prop_assert!(next <= at(0).after(every.max(HOUR) * 6 / 5));
        }

        #[test]
        fn jitter_stays_within_its_span_and_is_the_same_for_the_same(seed in any::<[u8; 16]>(), span in 1..100_000_u64) {
            let span = Duration::from_secs(span);
            prop_assert!(jitter(&seed, span) < span);
            prop_assert_eq!(jitter(&seed, span), jitter(&seed, span));
        }

        #[test]
        fn first_dues_are_spread(seeds in prop::collection::hash_set(any::<[u8; 16]>(), 40)) {
            let hours: std::collections::HashSet<_> = seeds.iter().map(|seed| jitter(seed, DAY).as_secs() / 3600).collect();
            prop_assert!(hours.len() > 8, "{hours:?}");
        }
    }
}
