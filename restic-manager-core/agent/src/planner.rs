//! What the agent does by itself, as a state machine without a runtime and without a disk: time and connection go in,
//! decisions go to the book, jobs to start come out.

use core::time::Duration;
use std::collections::HashMap;

use restic_manager_core::{
    job,
    mint::Mint,
    schedule::{DueFacts, Mark, Timetable, due},
};
use restic_manager_proto::{
    HostId, JobEnd, JobId, Timestamp,
    agent::{ConfiguredSchedule, JobOrder, SlotJob},
    vocabulary::{Cause, JobKind, JobState, PresenceMode},
};

use crate::{
    configuration::CheckedConfiguration,
    state::{Book, JobRecord},
};

/// The planner looks again so soon at the earliest.
const SHORTEST_NAP: Duration = Duration::from_millis(50);
/// A clock that gained so much more than time has passed belongs to a host that slept, or was set.
const WAKE: Duration = Duration::from_secs(10);
/// Most jobs of slots whose ends the server has not confirmed. Beyond, slots wait, and are passed over in the end: two
/// years of an hourly schedule without a server.
pub const MOST_UNCONFIRMED: usize = 20_000;

/// How often a planner looks, and how long it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Longest time until it looks again: so late at the most it notices that the host slept, or that the clock was
    /// set. 30 seconds.
    pub nap: Duration,
    /// How long a due job waits for the server's order while there is no connection; then the agent starts it by
    /// itself. 60 seconds.
    pub order: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { nap: Duration::from_secs(30), order: Duration::from_secs(60) }
    }
}

/// The moment at which the planner looks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// By the clock, which may jump.
    pub now: Timestamp,
    /// Since the planner was made, by a clock that never jumps; it may stand still while the host sleeps.
    pub elapsed: Duration,
    /// Whether the server is there.
    pub is_connected: bool,
}

/// What there is to do.
#[derive(Debug, Default)]
#[must_use]
pub struct Tick {
    /// Jobs to start without the server.
    pub start: Vec<JobOrder>,
    /// How long the planner may sleep, if nothing changes.
    pub nap: Duration,
}

/// Decides when what is run.
#[derive(Debug)]
pub struct Planner {
    host: HostId,
    mint: Mint,
    pace: Pace,
    last: Option<Moment>,
    awake_since: Timestamp,
    /// Since when there is no connection.
    away_since: Option<Duration>,
    /// Since when each job waits for its order.
    waiting: HashMap<JobId, Duration>,
    /// Whether too much waits for the server.
    is_full: bool,
}

impl Planner {
    /// A planner for a host, at its start.
    #[must_use]
    pub fn new(host: HostId, mint: Mint, pace: Pace) -> Self {
        let (awake_since, away_since) = (Timestamp::MIN, Some(Duration::ZERO));
        Self {
            host,
            mint,
            pace,
            last: None,
            awake_since,
            away_since,
            waiting: HashMap::new(),
            is_full: false,
        }
    }

    /// Looks at everything, and writes what it decides into the book. Where the book is not kept after all, nothing is
    /// lost: the next look finds it still to be done.
    pub fn tick(
        &mut self,
        at: Moment,
        configuration: Option<&CheckedConfiguration>,
        book: &mut Book,
    ) -> Tick {
        self.notice(at);
        let mut tick = Tick { start: Vec::new(), nap: self.pace.nap };
        self.note_full(book.count() >= MOST_UNCONFIRMED);
        for (schedule, timetable) in configuration.iter().flat_map(|one| one.schedules()) {
            if let Some(again_at) = self.look(schedule, timetable, at, configuration, book) {
                tick.nap = tick.nap.min(again_at.since(at.now)).max(SHORTEST_NAP);
            }
        }
        self.see_to_waiting(at, configuration, book, &mut tick);
        tick
    }

    /// Says once that too much waits for the server, and once that it no longer does.
    fn note_full(&mut self, is_full: bool) {
        match (self.is_full, is_full) {
            (false, true) => tracing::error!(
                "{MOST_UNCONFIRMED} jobs wait for the server to confirm them: no slot is fired until it does, and those \
                 that are missed meanwhile are reported as skipped; look at the connection to the server"
            ),
            (true, false) => tracing::info!("the server has confirmed jobs; slots are fired again"),
            _ => {}
        }
        self.is_full = is_full;
    }

    /// Notices sleep, jumps of the clock, and how the connection is.
    fn notice(&mut self, at: Moment) {
        let slept = self
            .last
            .is_none_or(|last| at.now.since(last.now) > at.elapsed.saturating_sub(last.elapsed) + WAKE);
        if slept {
            self.awake_since = at.now;
        }
        self.last = Some(at);
        self.away_since = match self.away_since {
            _ if at.is_connected => None,
            None => Some(at.elapsed),
            since => since,
        };
    }

    /// Decides about one schedule; gives when to look again.
    fn look(
        &self,
        schedule: &ConfiguredSchedule,
        timetable: &Timetable,
        at: Moment,
        configuration: Option<&CheckedConfiguration>,
        book: &mut Book,
    ) -> Option<Timestamp> {
        let jobs = self.jobs_of(schedule, configuration);
        if jobs.is_empty() || book.count() + jobs.len() > MOST_UNCONFIRMED {
            return None;
        }
        let mark = book.mark(schedule.id).cloned().unwrap_or_else(|| Mark::new(schedule.since));
        let facts = DueFacts {
            schedule: schedule.id,
            timetable,
            misfire: schedule.misfire,
            jitter: Duration::from_secs(schedule.jitter_seconds.into()),
            mark: &mark,
            is_busy: book.is_busy(schedule.id, at.now),
            last_success: book.last_success(&schedule.groups),
            host: self.host,
            presence: configuration.map_or(PresenceMode::AlwaysOn, CheckedConfiguration::presence),
            awake_since: self.awake_since,
        };
        let outlook = due(&facts, at.now);
        if let Some(slot) = outlook.fire {
            tracing::info!(schedule = schedule.name, slot = %slot.instant, "a slot is due");
        }
        book.decide(schedule.id, &schedule.groups, &outlook, jobs, at.now);
        outlook.again_at
    }

    /// A job for each source group of a schedule.
    fn jobs_of(
        &self,
        schedule: &ConfiguredSchedule,
        configuration: Option<&CheckedConfiguration>,
    ) -> Vec<SlotJob> {
        let repository = |group| Some(configuration?.group(group)?.repository);
        let job = |&group| Some(SlotJob { job: self.mint.job(), group, repository: repository(group)? });
        schedule.groups.iter().filter_map(job).collect()
    }

    /// Starts what has waited for long enough, and gives up what has waited for too long.
    fn see_to_waiting(
        &mut self,
        at: Moment,
        configuration: Option<&CheckedConfiguration>,
        book: &mut Book,
        tick: &mut Tick,
    ) {
        let queued: Vec<JobRecord> = book.queued().cloned().collect();
        self.waiting.retain(|job, _| queued.iter().any(|record| record.job == *job));
        for record in queued {
            let (Some(slot), Some(group)) = (record.slot, record.group) else { continue };
            if job::deadlines(JobKind::Backup, slot.due_at).dispatch_by <= at.now {
                let detail = "no order came from the server in time";
                skip(book, record.job, Cause::DeadlineExceeded, detail, at.now);
                continue;
            }
            let since = *self.waiting.entry(record.job).or_insert(at.elapsed);
            let Some(away_since) = self.away_since else { continue };
            let until = since.max(away_since) + self.pace.order;
            if at.elapsed < until {
                tick.nap = tick.nap.min(until - at.elapsed).max(SHORTEST_NAP);
                continue;
            }
            match configuration
                .and_then(|configuration| configuration.order(record.job, group, slot.schedule, at.now))
            {
                Some(order) => tick.start.push(order),
                None => {
                    let detail = "the source group was removed before the job could start";
                    skip(book, record.job, Cause::NotConfigured, detail, at.now);
                }
            }
        }
    }
}

fn skip(book: &mut Book, job: JobId, cause: Cause, detail: &str, now: Timestamp) {
    let mut end = JobEnd::new(JobState::Skipped, cause);
    detail.clone_into(&mut end.detail);
    book.end(job, now, &end);
}
