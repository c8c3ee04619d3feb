//! Schedules at work: orders from the server, slots, the real restic on a real repository.

use core::time::Duration;
use std::{fs, path::Path, sync::Arc};

use restic_manager_agent::{Pace, link::IfEnrolled, status::Status};
use restic_manager_core::clock::{Clock, ManualClock};
use restic_manager_proto::{
    Hook, Hooks, JobId, RepositoryId, RepositorySecrets, Retry, ScheduleId, SecretText, SourceGroupId,
    SourceOptions, Timestamp,
    agent::{
        Configuration, ConfigurationVersion, ConfiguredGroup, ConfiguredRepository, ConfiguredSchedule,
        ErrorCode, Message, Reply, ReportItem, SlotJob, SourceOrder,
    },
    vocabulary::{Cause, JobState, PresenceMode, Shell},
};

use crate::support::{
    Peer, TestAgent, TestHost, TestServer, backup_of, find_restic, password, repository_order, restic,
};

const SCHEDULE: ScheduleId = ScheduleId::from_bytes([1; 16]);
const REPOSITORY: RepositoryId = RepositoryId::from_bytes([3; 16]);
const GROUP: SourceGroupId = SourceGroupId::from_bytes([6; 16]);
const START: Timestamp = Timestamp::from_milliseconds(1_795_316_400_000);
/// Fast enough for a test: the clock is moved by hand, and nobody waits for it.
const PACE: Pace = Pace { nap: Duration::from_millis(50), order: Duration::from_millis(200) };

/// An agent with the real restic and a clock that is moved by hand.
struct Scene {
    server: TestServer,
    host: TestHost,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let mut server = TestServer::new();
        server.clock = Arc::clone(&clock) as Arc<dyn Clock>;
        let mut host = TestHost::new(server.fingerprint());
        host.config.restic = Some(find_restic());
        host.enrol(&mut server, IfEnrolled::Refuse).await.expect("the host enrols");
        fs::create_dir(host.folder.path().join("source")).expect("a folder");
        fs::write(host.folder.path().join("source/one.txt"), "one").expect("a file");
        Self { server, host, clock }
    }

    fn start(&self, seed: u64) -> TestAgent {
        self.host.try_start_at(&self.server, PACE, seed).expect("the agent starts")
    }

    async fn accept(&mut self) -> Peer {
        let mut peer = self.server.accept().await;
        peer.inventory().await;
        peer
    }

    fn path(&self, name: &str) -> String {
        self.host.folder.path().join(name).to_str().expect("a path of text").to_owned()
    }

    fn configuration(&self, number: u64, cron: &str) -> Configuration {
        let version = ConfigurationVersion { number, digest: format!("digest {number}") };
        let source = SourceOrder::new(GROUP, "files", vec![self.path("source")], Vec::new(), "files");
        let mut configuration = Configuration::new(version, "web-1", PresenceMode::AlwaysOn);
        configuration.repositories =
            vec![ConfiguredRepository::new(REPOSITORY, self.path("repository"), true, Default::default())];
        configuration.groups = vec![ConfiguredGroup::new(source, REPOSITORY)];
        configuration.schedules =
            vec![ConfiguredSchedule::new(SCHEDULE, "often", cron, "UTC", START, vec![GROUP])];
        configuration
    }

    fn snapshots(&self) -> usize {
        let repository = self.path("repository");
        if !Path::new(&repository).join("config").exists() {
            return 0;
        }
        let listed = restic(Path::new(&repository), ["snapshots", "--json", "--no-lock"]);
        let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("a listing");
        listed.len()
    }
}

/// Waits until the server is told of a due slot; gives its job.
async fn due(peer: &mut Peer) -> (Timestamp, SlotJob) {
    match peer.until(|item| matches!(item, ReportItem::SlotDue { .. })).await {
        ReportItem::SlotDue { slot, jobs, .. } => (slot, jobs[0]),
        _ => unreachable!("it was looked for"),
    }
}

#[tokio::test]
async fn a_slot_is_reported_and_runs_when_the_server_says_so() {
    let mut scene = Scene::new().await;
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    let configuration = scene.configuration(1, "*/10 * * * *");
    assert_eq!(peer.configure(configuration, &password()).await, Reply::Ok {});
    assert_eq!(peer.configured, Some(None), "it had none before");

    scene.clock.set("2026-11-22T03:10:00Z".parse().expect("a moment"));
    let (slot, job) = due(&mut peer).await;
    assert_eq!(slot.to_string(), "2026-11-22T03:10:00Z");
    assert_eq!((job.group, job.repository), (GROUP, REPOSITORY));

    let source = SourceOrder::new(GROUP, "files", vec![scene.path("source")], Vec::new(), "files");
    let mut order = repository_order(1, backup_of(source), Path::new(&scene.path("repository")));
    order.job = job.job;
    order.deadline_at = slot.after(Duration::from_secs(3600));
    assert_eq!(peer.start(order, &password()).await, Reply::Ok {});
    let end = peer.end_of(job.job).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{}", end.detail);
    assert_eq!(scene.snapshots(), 1);
    agent.shutdown.request();
    peer.farewell().await;
    agent.ended().await;
}

#[tokio::test]
async fn an_hour_without_the_server_is_backed_up_and_reported_in_order_once() {
    let mut scene = Scene::new().await;
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    let configuration = scene.configuration(7, "*/10 * * * *");
    assert_eq!(peer.configure(configuration, &password()).await, Reply::Ok {});
    drop(peer);
    let mut agent = agent;
    for slot in 1..=6 {
        scene.clock.advance(Duration::from_secs(600));
        while scene.snapshots() < slot || unended(&scene).await > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if slot == 3 {
            // A restart in the middle changes nothing.
            agent.crash().await;
            agent = scene.start(3);
        }
    }

    let mut peer = scene.server.accept().await;
    let known = peer.inventory().await;
    assert!(
        known.len() == 6 && known.iter().all(|known| known.is_new),
        "the server has heard of none of them"
    );
    let mut slots = Vec::new();
    let ends = |peer: &Peer| {
        peer.heard.iter().filter(|(_, item)| matches!(item, ReportItem::JobEnded { .. })).count()
    };
    while ends(&peer) < 6 {
        peer.until(|_| true).await;
    }
    assert_eq!(
        peer.configured.as_ref().map(|version| version.as_ref().map(|version| version.number)),
        Some(Some(7))
    );
    let mut open: Option<JobId> = None;
    for (_, item) in &peer.heard {
        match item {
            ReportItem::SlotDue { slot, jobs, .. } => {
                assert_eq!(open, None, "one after the other");
                open = Some(jobs[0].job);
                slots.push(slot.to_string());
            }
            ReportItem::JobStarted { job, .. } => assert_eq!(Some(*job), open),
            ReportItem::JobEnded { job, end, .. } => {
                assert_eq!((Some(*job), end.state), (open, JobState::Succeeded), "{}", end.detail);
                open = None;
            }
            _ => {}
        }
    }
    let expected: Vec<_> = ["03:10", "03:20", "03:30", "03:40", "03:50", "04:00"]
        .map(|time| format!("2026-11-22T{time}:00Z"))
        .into();
    assert_eq!(slots, expected);
    assert_eq!(scene.snapshots(), 6);
    agent.shutdown.request();
    peer.farewell().await;
    agent.ended().await;
}

/// Jobs that have not ended, as the agent last wrote them down.
async fn unended(scene: &Scene) -> usize {
    let book = fs::read_to_string(scene.host.config.state_folder.join("jobs.json")).expect("the book");
    let book: serde_json::Value = serde_json::from_str(&book).expect("the book is JSON");
    let jobs = book["jobs"].as_array().cloned().unwrap_or_default();
    jobs.iter().filter(|job| job["ended_as"].is_null()).count()
}

#[tokio::test]
async fn orders_survive_a_restart_and_what_does_not_open_is_refused() {
    let mut scene = Scene::new().await;
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    assert_eq!(peer.configure(scene.configuration(4, "0 3 * * *"), &password()).await, Reply::Ok {});
    let bad = peer.configure(scene.configuration(5, "0 3 30 2 *"), &password()).await;
    let Reply::Error { code: ErrorCode::Invalid, message } = bad else { unreachable!("{bad:?}") };
    assert!(message.contains("never comes"), "{message}");
    let mut unsealed = scene.configuration(6, "0 4 * * *");
    unsealed.repositories[0].secrets = restic_manager_proto::Opaque::new([1, 2, 3]);
    let bad = peer.ask(Message::Configure(Box::new(unsealed))).await;
    assert!(matches!(bad, Reply::Error { code: ErrorCode::SecretUnreadable, .. }), "{bad:?}");

    let file = scene.host.config.state_folder.join("configuration.json");
    let stored = fs::read_to_string(&file).expect("the orders");
    assert!(!stored.contains("horse"), "the password is sealed at rest");
    agent.crash().await;
    let agent = scene.start(3);
    scene.clock.set("2026-11-23T03:00:00Z".parse().expect("a moment"));
    let mut peer = scene.accept().await;
    due(&mut peer).await;
    assert_eq!(peer.configured.clone().flatten().map(|version| version.number), Some(4));
    let status = loop {
        let status = Status::read(&scene.host.config);
        if status.live.as_ref().is_some_and(|live| !live.schedules.is_empty()) {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let shown = status.to_string();
    assert!(shown.contains("configuration  version 4 from the server"), "{shown}");
    assert!(shown.contains("schedule       often (0 3 * * *, UTC), next run 2026-11-2"), "{shown}");
    agent.crash().await;

    fs::write(&file, "{\"version\":").expect("damage");
    // The server has it: it is set aside, and asked for again.
    let _agent = scene.start(4);
    let mut peer = scene.accept().await;
    assert_eq!(peer.configure(scene.configuration(7, "0 3 * * *"), &password()).await, Reply::Ok {});
    assert_eq!(peer.configured, Some(None));
    let aside = scene.host.config.state_folder.join("configuration.json.refused");
    assert_eq!(fs::read_to_string(aside).expect("it is kept"), "{\"version\":");
}

#[tokio::test]
async fn a_waiting_job_can_be_cancelled_and_a_new_password_counts_at_once() {
    let mut scene = Scene::new().await;
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    let wrong = RepositorySecrets::new(SecretText::new("not it"), None);
    assert_eq!(peer.configure(scene.configuration(1, "*/10 * * * *"), &password()).await, Reply::Ok {});
    scene.clock.advance(Duration::from_secs(600));
    let (_, job) = due(&mut peer).await;
    assert_eq!(peer.ask(Message::CancelJob { job: job.job }).await, Reply::Ok {});
    let end = match peer.heard.iter().find_map(|(_, item)| match item {
        ReportItem::JobEnded { job: ended, end, .. } if *ended == job.job => Some(end.clone()),
        _ => None,
    }) {
        Some(end) => end,
        None => peer.end_of(job.job).await,
    };
    assert_eq!(end.state, JobState::Cancelled);

    drop(peer);
    scene.clock.advance(Duration::from_secs(600));
    while scene.snapshots() < 1 || unended(&scene).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut peer = scene.accept().await;
    assert_eq!(peer.configure(scene.configuration(2, "*/10 * * * *"), &wrong).await, Reply::Ok {});
    drop(peer);
    scene.clock.advance(Duration::from_secs(600));
    while unended(&scene).await > 0 || !book_says(&scene, "failed") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.snapshots(), 1);
    agent.crash().await;
}

/// The conversation with the server waits for no disk: what ends there is written once it takes it.
#[tokio::test]
async fn a_cancel_is_answered_while_the_disk_takes_nothing() {
    let mut scene = Scene::new().await;
    let _agent = scene.start(2);
    let mut peer = scene.accept().await;
    assert_eq!(peer.configure(scene.configuration(1, "*/10 * * * *"), &password()).await, Reply::Ok {});
    scene.clock.advance(Duration::from_secs(600));
    let (_, job) = due(&mut peer).await;
    let obstacle = scene.host.config.state_folder.join("jobs.json.tmp");
    fs::create_dir(&obstacle).expect("a folder where the book is written");
    assert_eq!(peer.ask(Message::CancelJob { job: job.job }).await, Reply::Ok {});
    assert_eq!(peer.ask(Message::CancelJob { job: job.job }).await, Reply::Ok {}, "it still listens");
    fs::remove_dir(&obstacle).expect("it is empty");
    assert_eq!(peer.end_of(job.job).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn hooks_run_without_the_server_and_lie_sealed_on_the_disk() {
    let mut scene = Scene::new().await;
    fs::write(scene.host.policy_path(), "hooks = \"any\"\n").expect("a policy");
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    let script = format!("echo \"$RM_JOB_STATUS\" >> {}", scene.path("note"));
    let hook = Hook { shell: Shell::Sh, script: SecretText::new(&script), timeout_seconds: 60 };
    let hooks = Hooks { pre: Some(hook.clone()), post: Some(hook) };
    let mut configuration = scene.configuration(1, "*/10 * * * *");
    configuration.bandwidth.upload_kib = Some(90_000);
    configuration.schedules[0].bandwidth.upload_kib = Some(80_000);
    let configuration = peer.hooked(configuration, &hooks);
    assert_eq!(peer.configure(configuration, &password()).await, Reply::Ok {});
    let kept = fs::read_to_string(scene.host.config.state_folder.join("configuration.json"));
    let kept = kept.expect("a configuration");
    assert!(kept.contains("\"hooks\"") && !kept.contains("RM_JOB_STATUS"), "{kept}");

    drop(peer);
    scene.clock.advance(Duration::from_secs(600));
    while scene.snapshots() < 1 || unended(&scene).await > 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(fs::read_to_string(scene.path("note")).expect("they ran"), "running\nsucceeded\n");
    let mut peer = scene.accept().await;
    let started = peer.until(|item| matches!(item, ReportItem::JobStarted { .. })).await;
    let ReportItem::JobStarted { command, .. } = started else { unreachable!("it was looked for") };
    assert!(command.contains("--limit-upload=80000"), "the schedule is slower than the host: {command}");
    agent.crash().await;
}

fn book_says(scene: &Scene, word: &str) -> bool {
    fs::read_to_string(scene.host.config.state_folder.join("jobs.json")).expect("the book").contains(word)
}

#[tokio::test]
async fn a_source_group_that_tries_again_succeeds_in_the_end() {
    let mut scene = Scene::new().await;
    let agent = scene.start(2);
    let mut peer = scene.accept().await;
    // A file where the repository's folder has to be: not a repository, until somebody moves it away.
    let repository = scene.path("repository");
    fs::create_dir(&repository).expect("a folder");
    fs::write(format!("{repository}/data"), "in the way").expect("a file");
    let source = SourceOrder::new(GROUP, "files", vec![scene.path("source")], Vec::new(), "files");
    let retry = Retry { attempts: 5, delay_seconds: 1 };
    let source = source.with_options(SourceOptions { retry: Some(retry), ..SourceOptions::default() });
    let mut order = repository_order(1, backup_of(source), Path::new(&repository));
    let job = order.job;
    order.deadline_at = START.after(Duration::from_secs(3600));
    assert_eq!(peer.start(order, &password()).await, Reply::Ok {});
    let failed = |item: &ReportItem| match item {
        ReportItem::JobLog { lines, .. } => lines.iter().any(|line| line.text.contains("run 2 of 5 follows")),
        _ => false,
    };
    peer.until(failed).await;
    fs::remove_file(format!("{repository}/data")).expect("it goes");
    let end = peer.end_of(job).await;
    assert_eq!(end.state, JobState::Succeeded, "{}", end.detail);
    let starts = peer.heard.iter().filter(|(_, item)| matches!(item, ReportItem::JobStarted { .. })).count();
    assert_eq!(starts, 1, "one job starts once, however often it tries");
    agent.crash().await;
}
