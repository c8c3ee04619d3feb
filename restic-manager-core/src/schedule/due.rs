//! What becomes of a schedule's slots now.

use core::time::Duration;
use restic_manager_proto::{
    HostId, Misfire, ScheduleId, Timestamp,
    vocabulary::{Cause, PresenceMode},
};

use super::{Mark, Slot, Timetable, starts_at};

/// A slot that is found due later than this after its start was missed, and the misfire policy has the word.
pub const LATE: Duration = Duration::from_secs(5 * 60);
/// An intermittent host that has just woken or started gets its network back before it catches up.
pub const SETTLE: Duration = Duration::from_secs(60);
/// So many slots that are passed over at once are named one by one; more are one range.
pub const SINGLES: usize = 3;
/// Counting the slots of a range stops here: a year of every second minute would change nothing for anybody.
pub const COUNT_LIMIT: u64 = 100_000;

/// What is known of a schedule and its host.
#[derive(Clone, Copy, Debug)]
pub struct DueFacts<'a> {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Its slots.
    pub timetable: &'a Timetable,
    /// What becomes of a slot that was missed.
    pub misfire: Misfire,
    /// How far starts may lie after slots.
    pub jitter: Duration,
    /// What was decided so far.
    pub mark: &'a Mark,
    /// Whether a job of an earlier slot waits or runs.
    pub is_busy: bool,
    /// The oldest of the last successes of the schedule's source groups; `None` when one of them never succeeded.
    pub last_success: Option<Timestamp>,
    /// The host.
    pub host: HostId,
    /// How the host is expected to be there.
    pub presence: PresenceMode,
    /// When the host woke, or the agent started.
    pub awake_since: Timestamp,
}

/// Slots that will not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The first.
    pub from: Timestamp,
    /// The last; the same for a single slot.
    pub through: Timestamp,
    /// How many, both ends included; counting stops at [`COUNT_LIMIT`].
    pub count: u64,
    /// Why.
    pub cause: Cause,
}

/// What to do about a schedule now, and what to remember. The two belong to the disk together, before anybody acts
/// on them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Outlook {
    /// Slots to report as skipped, in order; all of them before `fire`.
    pub skipped: Vec<Skipped>,
    /// The slot to run.
    pub fire: Option<Slot>,
    /// What is decided once this is done.
    pub mark: Mark,
    /// When to look again at the latest, as far as the schedule is concerned; `None` when no slot is left.
    pub again_at: Option<Timestamp>,
}

/// Decides about every slot that is due at `now`: one runs at most, the newest, and the others are passed over.
pub fn due(facts: &DueFacts<'_>, now: Timestamp) -> Outlook {
    let mark = facts.mark.at(now);
    // Most looks find nothing due, and one search tells so.
    let again_at = next_start(facts, &mark, now);
    let found = if again_at == Some(now) { newest_due(facts, &mark, now) } else { None };
    let Some((slot, start)) = found else {
        return Outlook { skipped: Vec::new(), fire: None, mark, again_at };
    };
    let is_late = now.since(start) > LATE;
    let settled = facts.awake_since.after(SETTLE);
    // A clock that was put back makes `awake_since` lie ahead; the host is not held up for that.
    if is_late && facts.presence == PresenceMode::Intermittent && (facts.awake_since..settled).contains(&now)
    {
        return Outlook { skipped: Vec::new(), fire: None, mark, again_at: Some(settled) };
    }
    let verdict = verdict(facts, is_late, now);
    decide(facts, mark, slot, verdict, now)
}

/// A schedule gets another timetable, whose slots after `since` count. Those of the old one that were due before,
/// and that nobody has decided about, are passed over.
pub fn replaced(old: &DueFacts<'_>, since: Timestamp, now: Timestamp) -> Outlook {
    let mark = old.mark.at(now);
    let through = since.min(now);
    let mut outlook = match newest(old, &mark, through) {
        Some(slot) => decide(old, mark, slot, Err(Cause::ScheduleChanged), now),
        None => Outlook { skipped: Vec::new(), fire: None, mark, again_at: None },
    };
    outlook.mark.begin(since);
    outlook.again_at = Some(now);
    outlook
}

/// Whether the newest due slot runs, or why not.
fn verdict(facts: &DueFacts<'_>, is_late: bool, now: Timestamp) -> Result<(), Cause> {
    if facts.is_busy {
        return Err(Cause::SlotOverlapped);
    }
    match facts.misfire {
        _ if !is_late => Ok(()),
        Misfire::Skip => Err(Cause::SlotMissed),
        Misfire::RunIfOlder { seconds } => {
            let age = facts.last_success.map(|success| now.since(success));
            let is_fresh = age.is_some_and(|age| age <= Duration::from_secs(seconds));
            if is_fresh { Err(Cause::SlotNotNeeded) } else { Ok(()) }
        }
        // A policy of a newer vocabulary does not keep a backup from running.
        _ => Ok(()),
    }
}

fn decide(
    facts: &DueFacts<'_>,
    mut mark: Mark,
    slot: Timestamp,
    verdict: Result<(), Cause>,
    now: Timestamp,
) -> Outlook {
    let cause = verdict.err().unwrap_or(Cause::SlotSuperseded);
    let last_skipped = if verdict.is_ok() { before(slot) } else { slot };
    let mut skipped = Vec::new();
    pass_over(facts, &mut mark, last_skipped, cause, &mut skipped);
    let fire = verdict.is_ok().then_some(Slot { schedule: facts.schedule, instant: slot });
    if fire.is_some() {
        mark.decide(slot);
    }
    let again_at = next_start(facts, &mark, now);
    Outlook { skipped, fire, mark, again_at }
}

/// Passes over the slots up to `through` that nobody has decided about: by name when they are few.
fn pass_over(
    facts: &DueFacts<'_>,
    mark: &mut Mark,
    through: Timestamp,
    cause: Cause,
    skipped: &mut Vec<Skipped>,
) {
    while let Some((from, last, count)) = undecided(facts, mark, through) {
        if count <= SINGLES as u64 {
            let slots: Vec<_> = facts.timetable.between(before(from), last).collect();
            for slot in slots {
                skipped.push(Skipped { from: slot, through: slot, count: 1, cause });
                mark.decide(slot);
            }
        } else {
            skipped.push(Skipped { from, through: last, count, cause });
            mark.pass_over(from, last);
        }
    }
}

/// The next stretch of slots up to `through` that nobody has decided about: first, last, and how many.
fn undecided(facts: &DueFacts<'_>, mark: &Mark, through: Timestamp) -> Option<(Timestamp, Timestamp, u64)> {
    let open = |slot: &Timestamp| mark.span_of(*slot).is_none();
    let first = facts.timetable.between(mark.through(), through).find(open)?;
    // Up to the next span, if one lies ahead.
    let next_span = mark.spans().iter().map(|span| span.from).find(|&from| from > first);
    let end = next_span.map_or(through, |from| through.min(before(from)));
    let last = facts.timetable.last(before(first), end)?;
    let limit = usize::try_from(COUNT_LIMIT).unwrap_or(usize::MAX);
    let count = facts.timetable.between(before(first), last).take(limit).count() as u64;
    Some((first, last, count))
}

/// The newest slot whose start has come and that nobody has decided about, with its start.
fn newest_due(facts: &DueFacts<'_>, mark: &Mark, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let slot = newest(facts, mark, now)?;
    let start = start(facts, slot);
    if start <= now {
        return Some((slot, start));
    }
    // Only the last slot can wait for its start: each starts before the next one's moment.
    let slot = newest(facts, mark, before(slot))?;
    Some((slot, self::start(facts, slot)))
}

fn newest(facts: &DueFacts<'_>, mark: &Mark, mut through: Timestamp) -> Option<Timestamp> {
    while through > mark.through() {
        let slot = facts.timetable.last(mark.through(), through)?;
        let Some(span) = mark.span_of(slot) else { return Some(slot) };
        through = before(span.from);
    }
    None
}

/// When the next slot starts that nobody has decided about.
fn next_start(facts: &DueFacts<'_>, mark: &Mark, now: Timestamp) -> Option<Timestamp> {
    let open = |slot: &Timestamp| mark.span_of(*slot).is_none();
    let slot = facts.timetable.after(mark.through()).find(open)?;
    Some(start(facts, slot).max(now))
}

fn start(facts: &DueFacts<'_>, slot: Timestamp) -> Timestamp {
    starts_at(facts.timetable, Slot { schedule: facts.schedule, instant: slot }, facts.host, facts.jitter)
}

fn before(moment: Timestamp) -> Timestamp {
    moment.before(Duration::from_millis(1))
}
