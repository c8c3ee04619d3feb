//! The planner and the journal: each slot once, whatever stops the agent between two steps.

use core::time::Duration;
use std::{fs, sync::Arc};

use restic_manager_agent::{
    Pace,
    configuration::{CheckedConfiguration, settle},
    files::{self, StateFolder},
    outbox::OutboxLimits,
    planner::{MOST_UNCONFIRMED, Moment, Planner, Tick},
    state::{Book, Journal},
};
use restic_manager_core::{clock::ManualClock, mint::Mint};
use restic_manager_crypto::SeededRandom;
use restic_manager_proto::{
    HostId, JobEnd, JobId, Misfire, Opaque, OutboxId, RepositoryId, Retry, ScheduleId, SourceGroupId,
    Timestamp,
    agent::{
        Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
        KnownJob, ReportItem, SourceOrder,
    },
    vocabulary::{Cause, JobKind, JobState, PresenceMode},
};
use tempfile::TempDir;

use crate::support::folder;

const SCHEDULE: ScheduleId = ScheduleId::from_bytes([1; 16]);
const REPOSITORY: RepositoryId = RepositoryId::from_bytes([3; 16]);
const GROUP: SourceGroupId = SourceGroupId::from_bytes([6; 16]);

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

fn configuration(cron: &str, since: &str) -> Configuration {
    let version = ConfigurationVersion { number: 1, digest: "one".to_owned() };
    let source = SourceOrder::new(GROUP, "files", vec!["/srv".to_owned()], Vec::new(), "files");
    let mut configuration = Configuration::new(version, "web-1", PresenceMode::AlwaysOn);
    configuration.repositories =
        vec![ConfiguredRepository::new(REPOSITORY, "/srv/repository", true, Opaque::default())];
    configuration.groups = vec![ConfiguredGroup::new(source, REPOSITORY)];
    configuration.schedules =
        vec![ConfiguredSchedule::new(SCHEDULE, "often", cron, "UTC", at(since), vec![GROUP])];
    configuration
}

fn configured(cron: &str, since: &str) -> CheckedConfiguration {
    CheckedConfiguration::check(configuration(cron, since)).expect("it fits")
}

/// A state folder and what works in it, to be stopped at any point.
struct Scene {
    temporary: TempDir,
    parts: Option<(StateFolder, Journal, Planner)>,
    configured: CheckedConfiguration,
    elapsed: Duration,
    last: Timestamp,
    starts: u64,
    /// When the agent started last.
    begun: Duration,
    is_connected: bool,
}

impl Scene {
    fn new(cron: &str) -> Self {
        let since = "2026-11-22T12:00:00Z";
        let mut scene = Self {
            temporary: folder(),
            parts: None,
            configured: configured(cron, since),
            elapsed: Duration::ZERO,
            last: at(since),
            starts: 0,
            begun: Duration::ZERO,
            is_connected: true,
        };
        scene.restart();
        let Scene { parts, configured, last, .. } = &mut scene;
        let (_, journal, _) = parts.as_mut().expect("it runs");
        journal.commit(|book| settle(None, configured, book, *last)).expect("there is room");
        scene
    }

    /// Stops at once, as a crash does, and starts again.
    fn restart(&mut self) {
        self.parts = None;
        self.starts += 1;
        let folder = StateFolder::open(self.temporary.path()).expect("it is free");
        let fresh = || OutboxId::from_bytes([7; 16]);
        let journal = Journal::open(&folder, OutboxLimits::default(), self.last, fresh).expect("it opens");
        let clock = Arc::new(ManualClock::at(self.last));
        let mint = Mint::new(clock, Arc::new(SeededRandom::new(self.starts)));
        let planner = Planner::new(HostId::from_bytes([2; 16]), mint, Pace::default());
        self.begun = self.elapsed;
        self.parts = Some((folder, journal, planner));
    }

    fn journal(&mut self) -> &mut Journal {
        &mut self.parts.as_mut().expect("it runs").1
    }

    /// Lets time pass up to a moment, and looks.
    fn look(&mut self, now: &str) -> Tick {
        self.elapsed += at(now).since(self.last);
        self.last = at(now);
        let moment =
            Moment { now: self.last, elapsed: self.elapsed - self.begun, is_connected: self.is_connected };
        let (_, journal, planner) = self.parts.as_mut().expect("it runs");
        journal.commit(|book| planner.tick(moment, Some(&self.configured), book)).expect("there is room")
    }

    /// The same, when there is nothing to start.
    fn pass(&mut self, now: &str) {
        assert!(self.look(now).start.is_empty(), "nothing starts by itself at {now}");
    }

    /// Every slot that was reported, with what was said of it.
    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        let see = |_, item| match item {
            ReportItem::SlotDue { slot, jobs, .. } => said.push(format!("due {slot} {}", jobs.len())),
            ReportItem::SlotSkipped { from, count, cause, .. } => {
                said.push(format!("skipped {from} {count} {cause}"));
            }
            ReportItem::JobStarted { .. } => said.push("started".to_owned()),
            ReportItem::JobEnded { end, .. } => said.push(format!("{} {}", end.state, end.cause)),
            _ => {}
        };
        self.journal().outbox().visit(see).expect("it reads");
        said
    }

    fn queued(&mut self) -> Vec<JobId> {
        self.journal().book().queued().map(|record| record.job).collect()
    }

    fn acknowledge(&mut self) {
        let (id, last) = (self.journal().outbox().id(), self.journal().outbox().last());
        self.journal().acknowledge(id, last).expect("there is room");
    }
}

#[test]
fn a_due_slot_waits_for_the_order_while_the_server_is_there() {
    let mut scene = Scene::new("*/10 * * * *");
    assert!(scene.look("2026-11-22T12:09:59Z").nap <= Duration::from_secs(1));
    assert!(scene.look("2026-11-22T12:10:00Z").start.is_empty());
    assert_eq!(scene.said(), ["due 2026-11-22T12:10:00Z 1"]);
    let queued = scene.queued();
    assert_eq!(queued.len(), 1);
    let known = KnownJob::new(queued[0], JobState::Queued);
    assert_eq!(scene.journal().book().inventory(), [known.with_new(true)], "the server may not know it");
    scene.acknowledge();
    assert_eq!(scene.journal().book().inventory(), [known]);
    assert!(scene.look("2026-11-22T12:19:00Z").start.is_empty(), "the server has the word");
    // The one before has not ended: the next is not fired beside it.
    assert!(scene.look("2026-11-22T12:20:00Z").start.is_empty());
    assert_eq!(scene.said(), ["skipped 2026-11-22T12:20:00Z 1 slot-overlapped"]);
}

#[test]
fn a_due_slot_starts_by_itself_a_minute_after_the_server_went() {
    let mut scene = Scene::new("*/10 * * * *");
    scene.pass("2026-11-22T12:10:00Z");
    let job = scene.queued()[0];
    scene.acknowledge();
    scene.is_connected = false;
    assert!(scene.look("2026-11-22T12:12:00Z").start.is_empty());
    assert!(scene.look("2026-11-22T12:12:59Z").start.is_empty());
    let start = scene.look("2026-11-22T12:13:00Z").start;
    assert_eq!(start.iter().map(|order| order.job).collect::<Vec<_>>(), [job]);
    assert_eq!(start[0].host_name, "web-1");
    assert_eq!(start[0].source().map(|source| source.group), Some(GROUP));
    assert!(scene.journal().book_mut().accept(job, JobKind::Backup, REPOSITORY, Some(GROUP)));
    assert!(
        !scene.journal().book_mut().accept(job, JobKind::Backup, REPOSITORY, Some(GROUP)),
        "it is taken up once"
    );
    assert!(scene.look("2026-11-22T12:14:00Z").start.is_empty());
}

#[test]
fn an_order_that_never_comes_is_given_up_after_a_day() {
    let mut scene = Scene::new("0 3 * * mon");
    scene.pass("2026-11-23T03:00:00Z");
    scene.pass("2026-11-24T02:59:00Z");
    assert_eq!(scene.queued().len(), 1);
    scene.pass("2026-11-24T03:00:00Z");
    assert_eq!(scene.queued(), []);
    assert_eq!(scene.said(), ["due 2026-11-23T03:00:00Z 1", "skipped deadline-exceeded"]);
}

/// What may be cut off: the book is written, the outbox is not; or both are, and nothing else.
#[test]
fn a_crash_at_any_step_neither_loses_nor_doubles_a_slot() {
    let expected = ["due 2026-11-22T12:10:00Z 1", "started", "succeeded none"];
    for step in 0..6 {
        let mut scene = Scene::new("*/10 * * * *");
        let (book, outbox) =
            (scene.temporary.path().join("jobs.json"), scene.temporary.path().join("outbox"));
        let before = (fs::read(&book).expect("the book"), outbox_files(&outbox));
        scene.pass("2026-11-22T12:10:00Z");
        let job = scene.queued()[0];
        match step {
            // Before anything was on the disk: the slot is found due again.
            0 => {
                fs::write(&book, &before.0).expect("the book as it was");
                restore(&outbox, &before.1);
            }
            // Between book and outbox: the report follows.
            1 => restore(&outbox, &before.1),
            // After both.
            2 => {}
            // The job was taken up, and had not started.
            3 => assert!(scene.journal().book_mut().accept(job, JobKind::Backup, REPOSITORY, Some(GROUP))),
            _ => {}
        }
        if step < 4 {
            scene.restart();
            scene.pass("2026-11-22T12:10:01Z");
            assert_eq!(scene.said(), expected[..1], "step {step}");
        }
        let queued = scene.queued();
        assert_eq!(queued.len(), 1, "step {step}");
        assert!(scene.journal().book_mut().accept(queued[0], JobKind::Backup, REPOSITORY, Some(GROUP)));
        let now = scene.last;
        scene.journal().start(queued[0], now, "restic backup").expect("there is room");
        if step == 4 {
            // While it ran: it has ended with the agent, and does not start again.
            scene.restart();
            assert_eq!(scene.said(), ["due 2026-11-22T12:10:00Z 1", "started", "failed agent-stopped"]);
            assert_eq!(scene.queued(), []);
            assert!(scene.look("2026-11-22T12:12:00Z").start.is_empty());
            continue;
        }
        scene.journal().end(queued[0], now, &JobEnd::new(JobState::Succeeded, Cause::None)).expect("room");
        scene.restart();
        scene.is_connected = false;
        assert!(scene.look("2026-11-22T12:12:00Z").start.is_empty());
        assert!(scene.look("2026-11-22T12:18:00Z").start.is_empty());
        assert_eq!(scene.said(), expected, "step {step}");
        assert_eq!(scene.journal().book().last_success(&[GROUP]), Some(now), "step {step}");
    }
}

fn outbox_files(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("the outbox").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.clone(), fs::read(path).expect("a file"))).collect()
}

fn restore(folder: &std::path::Path, before: &[(std::path::PathBuf, Vec<u8>)]) {
    for (path, _) in outbox_files(folder) {
        fs::remove_file(path).expect("it goes");
    }
    for (path, content) in before {
        files::write(path, content).expect("it is written");
    }
}

#[test]
fn a_skip_between_book_and_outbox_is_said_once() {
    for with_outbox in [false, true] {
        let mut scene = Scene::new("0 3 * * *");
        let mut configuration = configuration("0 3 * * *", "2026-11-22T12:00:00Z");
        configuration.schedules[0].misfire = Misfire::Skip;
        scene.configured = CheckedConfiguration::check(configuration).expect("it fits");
        let outbox = scene.temporary.path().join("outbox");
        let before = outbox_files(&outbox);
        scene.pass("2026-11-25T12:00:00Z");
        if !with_outbox {
            restore(&outbox, &before);
        }
        for _ in 0..2 {
            scene.restart();
            scene.pass("2026-11-25T12:00:30Z");
        }
        assert_eq!(
            scene.said(),
            [
                "skipped 2026-11-23T03:00:00Z 1 slot-missed",
                "skipped 2026-11-24T03:00:00Z 1 slot-missed",
                "skipped 2026-11-25T03:00:00Z 1 slot-missed"
            ]
        );
    }
}

#[test]
fn a_changed_schedule_settles_what_the_old_one_owed() {
    let mut scene = Scene::new("0 * * * *");
    // The agent was stopped from 12:00 to 15:30, and is then told another time.
    scene.last = at("2026-11-22T15:30:00Z");
    let new = configured("30 * * * *", "2026-11-22T15:30:00Z");
    for _ in 0..2 {
        let Scene { parts, configured, last, .. } = &mut scene;
        let journal = &mut parts.as_mut().expect("it runs").1;
        journal.commit(|book| settle(Some(configured), &new, book, *last)).expect("there is room");
    }
    scene.configured = new;
    scene.pass("2026-11-22T15:31:00Z");
    let owed = ["13", "14", "15"].map(|hour| format!("skipped 2026-11-22T{hour}:00:00Z 1 schedule-changed"));
    assert_eq!(scene.said(), owed);
    scene.pass("2026-11-22T16:30:00Z");
    assert_eq!(scene.said().last().map(String::as_str), Some("due 2026-11-22T16:30:00Z 1"));
}

#[test]
fn a_group_that_is_gone_ends_its_waiting_job() {
    let mut scene = Scene::new("*/10 * * * *");
    scene.is_connected = false;
    scene.pass("2026-11-22T12:10:00Z");
    let mut none = configuration("*/10 * * * *", "2026-11-22T12:00:00Z");
    none.schedules.clear();
    none.groups.clear();
    scene.configured = CheckedConfiguration::check(none).expect("it fits");
    assert!(scene.look("2026-11-22T12:12:00Z").start.is_empty());
    assert_eq!(scene.said(), ["due 2026-11-22T12:10:00Z 1", "skipped not-configured"]);
}

#[test]
fn orders_that_do_not_fit_together_are_refused_with_the_reason() {
    type Change = fn(&mut Configuration);
    let refuse = |change: Change| {
        let mut configuration = configuration("0 3 * * *", "2026-11-22T12:00:00Z");
        change(&mut configuration);
        CheckedConfiguration::check(configuration).expect_err("it does not fit")
    };
    let cases: [(Change, &str); 8] = [
        (|orders| orders.schedules[0].cron = "61 3 * * *".to_owned(), "the schedule often: `61` as minute"),
        (|orders| orders.schedules[0].zone = "Mars".to_owned(), "not the IANA name"),
        (
            |orders| orders.schedules[0].groups.push(SourceGroupId::from_bytes([9; 16])),
            "not among the source groups",
        ),
        (|orders| orders.schedules.push(orders.schedules[0].clone()), "is there twice"),
        (|orders| orders.schedules[0].jitter_seconds = 43_201, "longer than 43200 seconds"),
        (|orders| orders.repositories.clear(), "not among the repositories"),
        (
            |orders| orders.groups[0].source.retry = Some(Retry { attempts: 11, delay_seconds: 1 }),
            "other than 1 to 10 times",
        ),
        (
            |orders| orders.groups = vec![orders.groups[0].clone(); 257],
            "257 source groups are more than the 256",
        ),
    ];
    for (change, reason) in cases {
        let problem = refuse(change);
        assert!(problem.contains(reason), "{problem}");
    }
}

/// A clock that was far ahead for a minute leaves a job that waits for a slot to come; the real slots do not wait for it.
#[test]
fn a_job_of_a_slot_in_the_future_keeps_no_schedule_busy() {
    let mut scene = Scene::new("*/10 * * * *");
    scene.pass("2026-12-22T12:10:00Z");
    assert_eq!(scene.queued().len(), 1);
    // Slots up to the moment to which it is put back are done with.
    scene.pass("2026-11-22T12:15:00Z");
    scene.pass("2026-11-22T12:20:00Z");
    assert_eq!(scene.said().last().map(String::as_str), Some("due 2026-11-22T12:20:00Z 1"));
}

/// Two years without a server: what cannot be confirmed is bounded, and the rest is passed over in the end.
#[test]
fn too_many_unconfirmed_jobs_hold_back_slots_until_some_are_confirmed() {
    let since = at("2026-11-22T12:00:00Z");
    let configured = configured("*/10 * * * *", "2026-11-22T12:00:00Z");
    let mint = Mint::new(Arc::new(ManualClock::at(since)), Arc::new(SeededRandom::new(1)));
    let mut planner = Planner::new(HostId::from_bytes([2; 16]), mint, Pace::default());
    let mut book = Book::default();
    settle(None, &configured, &mut book, since);
    for number in 1..=MOST_UNCONFIRMED as u64 {
        let mut job = [0; 16];
        job[..8].copy_from_slice(&number.to_be_bytes());
        let end = JobEnd::new(JobState::Succeeded, Cause::None);
        book.recall(number, &ReportItem::JobEnded { job: JobId::from_bytes(job), at: since, end });
    }
    let mut look = |now: &str, book: &mut Book| {
        let now = at(now);
        let moment = Moment { now, elapsed: now.since(since), is_connected: false };
        drop(planner.tick(moment, Some(&configured), book));
        book.unsaid().iter().map(|item| item.kind().to_owned()).collect::<Vec<_>>()
    };
    assert!(look("2026-11-22T12:40:00Z", &mut book).is_empty(), "it is full");
    book.acknowledge(1);
    let said = look("2026-11-22T12:40:30Z", &mut book);
    assert_eq!(said.iter().filter(|kind| *kind == "slot-due").count(), 1, "{said:?}");
    assert!(said.iter().any(|kind| kind == "slot-skipped"), "what was missed is told: {said:?}");
}
