//! A year of one host in seconds: its real planner, book and outbox, against what a server must be able to rely on.
//!
//! Time, sleep, the clock, the link, the server and crashes come from one seed; nothing waits. Whatever happens, each
//! slot ends in exactly one job, run or skipped with the reason, and the server hears of it in order.

use core::time::Duration;
use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use restic_manager_agent::{
    Pace,
    configuration::{CheckedConfiguration, settle},
    files::StateFolder,
    outbox::OutboxLimits,
    planner::{Moment, Planner},
    state::Journal,
};
use restic_manager_core::{
    clock::ManualClock,
    job::{Decision, JobFacts, Received, receive, reconcile},
    mint::Mint,
    schedule::Timetable,
};
use restic_manager_crypto::{Random, SeededRandom};
use restic_manager_proto::{
    HostId, JobEnd, JobId, Misfire, Opaque, OutboxId, RepositoryId, ScheduleId, SourceGroupId, Timestamp,
    agent::{
        Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
        ReportItem, SlotJob, SourceOrder,
    },
    vocabulary::{Cause, JobKind, JobState, PresenceMode},
};
use tempfile::TempDir;

use crate::support::folder;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const BEGIN: Timestamp = Timestamp::from_milliseconds(1_767_225_600_000);
const REPOSITORY: RepositoryId = RepositoryId::from_bytes([3; 16]);
const CRONS: [&str; 8] = [
    "30 2 * * *",
    "15 */6 * * *",
    "0 9-17 * * mon-fri",
    "0 4 * * sun",
    "45 1 1,15 * *",
    "*/40 8,20 * * *",
    "30 0,1,2,3 * * sat,sun",
    "5 12 29 2 *",
];
const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
];

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_be_bytes(bytes) % end.max(1)
    }

    fn between(&self, low: u64, high: u64) -> u64 {
        low + self.below(high - low)
    }

    fn one_in(&self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<T: Copy>(&self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).expect("it fits")]
    }
}

/// What has become of a slot, as the server knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Due,
    Skipped,
    /// Inside a range; only a clock that stood far ahead lets it become due after all.
    InRange,
}

/// What a server keeps of one host.
#[derive(Default)]
struct Server {
    taken: u64,
    slots: BTreeMap<(ScheduleId, Timestamp), Fate>,
    jobs: BTreeMap<JobId, (SlotJob, JobState)>,
    /// Orders that are on their way, and when they arrive.
    orders: BTreeMap<JobId, u64>,
}

/// One host, its agent and its server.
struct World {
    dice: Dice,
    temporary: TempDir,
    configuration: CheckedConfiguration,
    timetables: BTreeMap<ScheduleId, Timetable>,
    parts: Option<(StateFolder, Journal, Planner)>,
    server: Server,
    /// True time, in seconds since the beginning.
    time: u64,
    /// How far the host's clock is off, in seconds.
    offset: i64,
    /// Seconds for which the agent's steady clock has run, and where it stood when the agent started.
    steady: u64,
    steady_at_start: u64,
    starts: u64,
    link_back_at: u64,
    is_connected: bool,
    /// Running jobs, and when they end.
    running: BTreeMap<JobId, u64>,
    /// The furthest that the clock has shown, and whether it was put back by more than a day from there.
    furthest: Timestamp,
    was_far_ahead: bool,
    /// When the clock is put right again.
    right_again_at: Option<u64>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    ran: u64,
    alone: u64,
    skipped: u64,
    crashes: u64,
    sleeps: u64,
    jumps: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let dice = Dice(SeededRandom::new(seed));
        let (configuration, timetables) = orders(&dice);
        let mut world = Self {
            dice,
            temporary: folder(),
            configuration,
            timetables,
            parts: None,
            server: Server::default(),
            time: 0,
            offset: 0,
            steady: 0,
            steady_at_start: 0,
            starts: 0,
            link_back_at: 0,
            is_connected: false,
            running: BTreeMap::new(),
            furthest: BEGIN,
            was_far_ahead: false,
            right_again_at: None,
            counts: Counts::default(),
        };
        world.start_agent();
        let now = world.clock();
        let World { parts, configuration, .. } = &mut world;
        let journal = &mut parts.as_mut().expect("it runs").1;
        journal.commit(|book| settle(None, configuration, book, now)).expect("there is room");
        world
    }

    /// What the host's clock shows.
    fn clock(&self) -> Timestamp {
        let seconds = i64::try_from(self.time).expect("a year") + self.offset;
        Timestamp::from_milliseconds(BEGIN.as_milliseconds() + seconds * 1000)
    }

    fn journal(&mut self) -> &mut Journal {
        &mut self.parts.as_mut().expect("it runs").1
    }

    fn start_agent(&mut self) {
        self.parts = None;
        self.starts += 1;
        self.is_connected = false;
        self.running.clear();
        self.steady_at_start = self.steady;
        let now = self.clock();
        let folder = StateFolder::open(self.temporary.path()).expect("it is free");
        let fresh = || OutboxId::from_bytes([7; 16]);
        let journal = Journal::open(&folder, OutboxLimits::default(), now, fresh).expect("it opens");
        let mint = Mint::new(Arc::new(ManualClock::at(now)), Arc::new(SeededRandom::new(self.starts)));
        let pace = Pace { nap: Duration::from_secs(400 * DAY), ..Pace::default() };
        self.parts = Some((folder, journal, Planner::new(HostId::from_bytes([2; 16]), mint, pace)));
    }

    /// Lets true time pass while the host is awake, until something happens or `until` has come.
    fn work_until(&mut self, until: u64) {
        loop {
            self.meet();
            let nap = self.tick();
            let next_end = self.running.values().copied().min();
            let next_order = self.server.orders.values().copied().min().filter(|_| self.is_connected);
            let back = (!self.is_connected && self.link_back_at > self.time).then_some(self.link_back_at);
            let next = [Some(self.time + nap.max(1)), next_end, next_order, back, self.right_again_at];
            let next = next.into_iter().flatten().filter(|&next| next > self.time).min().unwrap_or(until);
            let next = next.min(until);
            self.steady += next - self.time;
            self.time = next;
            if self.right_again_at.is_some_and(|at| at <= self.time) {
                self.right_again_at = None;
                self.offset = 0;
            }
            self.finish_jobs();
            if self.time >= until {
                break;
            }
        }
    }

    /// One look of the planner; gives how long it wants to sleep, in seconds.
    fn tick(&mut self) -> u64 {
        let now = self.clock();
        self.furthest = self.furthest.max(now);
        self.was_far_ahead |= self.furthest.since(now) > Duration::from_secs(DAY);
        let elapsed = Duration::from_secs(self.steady - self.steady_at_start);
        let moment = Moment { now, elapsed, is_connected: self.is_connected };
        let (_, journal, planner) = self.parts.as_mut().expect("it runs");
        let tick = journal
            .commit(|book| planner.tick(moment, Some(&self.configuration), book))
            .expect("there is room");
        for order in tick.start {
            assert!(!self.is_connected, "nothing starts alone while the server is there");
            self.counts.alone += 1;
            self.take_up(order.job, order.source().expect("a backup").group);
        }
        self.talk();
        tick.nap.as_secs()
    }

    /// An order, or the agent's own decision: the job starts once.
    fn take_up(&mut self, job: JobId, group: SourceGroupId) {
        let now = self.clock();
        if !self.journal().book_mut().accept(job, JobKind::Backup, REPOSITORY, Some(group)) {
            return;
        }
        // Some are taken up and never start: the agent dies before.
        if self.dice.one_in(40) {
            return self.crash();
        }
        self.journal().start(job, now, "restic backup").expect("there is room");
        let length = if self.dice.one_in(10) {
            self.dice.between(HOUR, 5 * HOUR)
        } else {
            self.dice.between(20, HOUR)
        };
        assert!(self.running.insert(job, self.time + length).is_none(), "{job} runs twice");
    }

    fn finish_jobs(&mut self) {
        let now = self.clock();
        let done: Vec<_> =
            self.running.iter().filter(|(_, end)| **end <= self.time).map(|(job, _)| *job).collect();
        for job in done {
            self.running.remove(&job);
            let fails = self.dice.one_in(8);
            let end = if fails {
                JobEnd::new(JobState::Failed, Cause::Unreachable)
            } else {
                JobEnd::new(JobState::Succeeded, Cause::None)
            };
            self.journal().end(job, now, &end).expect("there is room");
        }
    }

    /// Connects when the link is there, and agrees on what both know.
    fn meet(&mut self) {
        if self.is_connected || self.time < self.link_back_at {
            return;
        }
        self.is_connected = true;
        let inventory = self.journal().book().inventory();
        let is_heard_of = |job: &JobId, is_new: bool| !is_new || self.server.jobs.contains_key(job);
        let known: BTreeMap<_, _> = inventory
            .into_iter()
            .filter(|known| is_heard_of(&known.job, known.is_new))
            .map(|known| (known.job, known.state))
            .collect();
        let open = self.server.jobs.iter().filter(|(_, (_, state))| !state.is_end()).map(|(job, _)| *job);
        let all: Vec<_> = open.chain(known.keys().copied()).collect();
        for job in all {
            let row = self.server.jobs.get(&job).map(|(_, state)| *state);
            let facts =
                row.map(|state| JobFacts { state, dispatch_by: None, end_by: None, cancel_requested: None });
            match reconcile(facts.as_ref(), known.get(&job).copied()) {
                Decision::Keep => {}
                Decision::Requeue => self.queue(job),
                Decision::End { state, .. } => {
                    // The agent's own report on it is in its outbox, or it never had it.
                    self.server.jobs.get_mut(&job).expect("it is known").1 = state;
                }
                Decision::AskToCancel => {
                    assert!(row.is_some_and(JobState::is_end), "the server knows each job it is told of");
                }
            }
        }
        self.talk();
    }

    fn queue(&mut self, job: JobId) {
        self.server.jobs.get_mut(&job).expect("it is known").1 = JobState::Queued;
        let delay = if self.dice.one_in(20) {
            self.dice.between(HOUR, 8 * HOUR)
        } else {
            self.dice.below(5 * MINUTE)
        };
        self.server.orders.insert(job, self.time + delay);
    }

    /// Reports go to the server, orders come from it; each may be cut off by the link.
    fn talk(&mut self) {
        if !self.is_connected {
            return;
        }
        let mut after = self.journal().outbox().acknowledged();
        while let Some(report) = self.journal().report(after, 16 * 1024).expect("it reads") {
            let (first, last) = (report.first, report.last());
            assert!(first <= self.server.taken + 1, "reports have no gaps");
            for (number, item) in (first..).zip(&report.items) {
                if number > self.server.taken {
                    self.ingest(item);
                    self.server.taken = number;
                }
            }
            after = last;
            // The answer gets lost: it is all sent again.
            if self.dice.one_in(60) {
                return self.cut(MINUTE);
            }
            self.journal().acknowledge(report.outbox, last).expect("there is room");
        }
        let due: Vec<_> =
            self.server.orders.iter().filter(|(_, at)| **at <= self.time).map(|(job, _)| *job).collect();
        for job in due {
            self.server.orders.remove(&job);
            let (slot_job, state) = self.server.jobs.get_mut(&job).expect("it is known");
            if *state != JobState::Queued {
                continue;
            }
            *state = JobState::Dispatched;
            let group = slot_job.group;
            if self.dice.one_in(30) {
                // The order is lost with the connection.
                return self.cut(MINUTE);
            }
            self.take_up(job, group);
        }
    }

    fn cut(&mut self, length: u64) {
        self.is_connected = false;
        self.link_back_at = self.link_back_at.max(self.time + length);
    }

    fn crash(&mut self) {
        self.counts.crashes += 1;
        self.start_agent();
    }

    /// What the server makes of a report.
    fn ingest(&mut self, item: &ReportItem) {
        match item {
            ReportItem::SlotDue { schedule, slot, jobs, .. } => {
                self.decide(*schedule, *slot, Fate::Due);
                assert!(!jobs.is_empty());
                for job in jobs {
                    let before = self.server.jobs.insert(job.job, (*job, JobState::Queued));
                    assert_eq!(before, None, "a job is made once");
                    self.queue(job.job);
                }
                self.counts.ran += 1;
            }
            ReportItem::SlotSkipped { schedule, from, through, count, .. } => {
                let timetable = &self.timetables[schedule];
                let slots: Vec<_> =
                    timetable.between(from.before(Duration::from_millis(1)), *through).collect();
                assert!(*count <= slots.len() as u64 && *count > 0);
                assert_eq!((slots.first(), slots.last()), (Some(from), Some(through)), "both ends are slots");
                for slot in slots {
                    let is_end = slot == *from || slot == *through;
                    self.decide(*schedule, slot, if is_end { Fate::Skipped } else { Fate::InRange });
                }
                self.counts.skipped += count;
            }
            ReportItem::JobStarted { job, .. } => self.advance(*job, JobState::Running),
            ReportItem::JobEnded { job, end, .. } => self.advance(*job, end.state),
            item => unreachable!("nobody reported {item:?}"),
        }
    }

    fn decide(&mut self, schedule: ScheduleId, slot: Timestamp, fate: Fate) {
        let before = self.server.slots.insert((schedule, slot), fate);
        let may_again = self.was_far_ahead && before == Some(Fate::InRange);
        assert!(before.is_none() || may_again, "{slot} was {before:?} and is {fate:?}");
    }

    fn advance(&mut self, job: JobId, state: JobState) {
        let (_, now_in) = self.server.jobs.get_mut(&job).expect("a job is reported after its slot");
        match receive(*now_in, state) {
            Received::Applies => *now_in = state,
            // A job that was killed before its start was reported.
            Received::Contradicts if *now_in != JobState::Running && state.is_end() => *now_in = state,
            Received::Stale => {}
            Received::Contradicts => unreachable!("{job} was {now_in} and is {state}"),
        }
    }

    /// Something goes wrong.
    fn disturb(&mut self) {
        match self.dice.below(12) {
            // The host sleeps; its steady clock stands still, and the link breaks.
            0..=3 => {
                self.counts.sleeps += 1;
                let longest = if self.dice.one_in(12) { 20 * DAY } else { 14 * HOUR };
                let length = self.dice.between(MINUTE, longest);
                for end in self.running.values_mut() {
                    *end += length;
                }
                self.is_connected = false;
                self.time += length;
            }
            // The agent is stopped for a while, by whatever means.
            4 | 5 => {
                self.counts.crashes += 1;
                self.parts = None;
                let length = if self.dice.one_in(3) { self.dice.between(1, DAY) } else { 1 };
                self.time += length;
                self.steady += length;
                self.start_agent();
            }
            // The link or the server is away.
            6..=8 => {
                let longest = if self.dice.one_in(15) { 60 * DAY } else { 10 * HOUR };
                let length = self.dice.between(1, longest);
                self.cut(length);
            }
            // The clock is set: a little, or to a time that never was, until somebody notices.
            9 | 10 => {
                self.counts.jumps += 1;
                let length = i64::try_from(self.dice.below(11 * HOUR)).expect("hours");
                self.offset = if self.dice.one_in(2) { length } else { -length };
                self.right_again_at = Some(self.time + self.dice.between(1, 2 * DAY));
            }
            _ if self.dice.one_in(4) => {
                self.counts.jumps += 1;
                self.offset = i64::try_from(self.dice.between(2 * DAY, 100 * DAY)).expect("days");
                self.right_again_at = Some(self.time + self.dice.between(1, HOUR));
            }
            _ => {}
        }
    }

    fn year(&mut self) {
        while self.time < 365 * DAY {
            let length = self.dice.between(MINUTE, 30 * HOUR);
            self.work_until(self.time + length);
            self.disturb();
        }
        // In the end everything works again, for long enough to settle.
        self.link_back_at = self.time;
        self.right_again_at = None;
        self.offset = 0;
        self.work_until(self.time + 2 * DAY);
        self.crash();
        self.work_until(self.time + HOUR);
        // A job may just have ended, or an answer just been lost: only what is never reported is wrong.
        let latest = self.time + DAY;
        while !self.is_quiet() && self.time < latest {
            self.work_until(self.time + 5 * MINUTE);
        }
    }

    /// Whether nothing runs and all that the agent has to report was taken.
    fn is_quiet(&mut self) -> bool {
        let outbox = self.journal().outbox();
        let is_reported = outbox.acknowledged() == outbox.last();
        is_reported && self.running.is_empty()
    }

    fn check(&mut self) {
        let settled = self.clock().before(Duration::from_secs(5 * HOUR));
        for (schedule, timetable) in &self.timetables {
            for slot in timetable.between(BEGIN, settled) {
                assert!(
                    self.server.slots.contains_key(&(*schedule, slot)),
                    "{slot} of {timetable} was forgotten"
                );
            }
        }
        let waits: Vec<_> = self
            .server
            .jobs
            .iter()
            .filter(|(job, (_, state))| !state.is_end() && !self.running.contains_key(job))
            .filter(|(job, _)| !self.server.orders.contains_key(job))
            .collect();
        assert!(waits.is_empty(), "jobs without an end: {waits:?}");
        let outbox = self.journal().outbox();
        assert_eq!(outbox.acknowledged(), outbox.last(), "everything was reported");
    }
}

/// One to three schedules with one or two source groups each.
fn orders(dice: &Dice) -> (CheckedConfiguration, BTreeMap<ScheduleId, Timetable>) {
    let version = ConfigurationVersion { number: 1, digest: String::new() };
    let presence = dice.pick(&[PresenceMode::AlwaysOn, PresenceMode::Intermittent]);
    let mut configuration = Configuration::new(version, "web-1", presence);
    configuration.repositories =
        vec![ConfiguredRepository::new(REPOSITORY, "/srv/repository", true, Opaque::default())];
    let group = |number| SourceGroupId::from_bytes([number; 16]);
    for number in [1, 2] {
        let source = SourceOrder::new(group(number), "files", vec!["/srv".to_owned()], Vec::new(), "files");
        configuration.groups.push(ConfiguredGroup::new(source, REPOSITORY));
    }
    let mut timetables = BTreeMap::new();
    for number in 0..dice.between(1, 4) {
        let id = ScheduleId::from_bytes([u8::try_from(number).expect("few"); 16]);
        let groups = if dice.one_in(3) { vec![group(1), group(2)] } else { vec![group(1)] };
        let (cron, zone) = (dice.pick(&CRONS), dice.pick(&ZONES));
        let mut schedule = ConfiguredSchedule::new(id, "some", cron, zone, BEGIN, groups);
        schedule.misfire = dice.pick(&[
            Misfire::RunOnce,
            Misfire::RunOnce,
            Misfire::Skip,
            Misfire::RunIfOlder { seconds: 2 * DAY },
        ]);
        schedule.jitter_seconds = dice.pick(&[0, 0, 600, 7200]);
        timetables.insert(id, Timetable::parse(cron, zone).expect("a timetable"));
        configuration.schedules.push(schedule);
    }
    (CheckedConfiguration::check(configuration).expect("it fits"), timetables)
}

/// How many years are simulated; each is another seed.
fn years() -> u32 {
    std::env::var("RESTIC_MANAGER_SIMULATED_YEARS").ok().and_then(|years| years.parse().ok()).unwrap_or(4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: years(), max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn in_a_year_each_slot_ends_in_exactly_one_job(seed: u64) {
        let mut world = World::new(seed);
        world.year();
        world.check();
        println!("seed {seed}: {:?}", world.counts);
    }
}

/// A year that once ended in the second in which a job did.
#[test]
fn what_ends_last_is_reported_too() {
    let mut world = World::new(18_154_185_593_892_432_979);
    world.year();
    world.check();
}
