//! Golden frames: written by released builds, never edited, only added to.
//!
//! `UPDATE_GOLDEN=1` writes the files that do not exist yet; it never overwrites one.

use restic_manager_proto::{
    Bandwidth, CommandSource, HostFacts, HostId, JobEnd, JobId, LockSeen, LogLine, Measured, Misfire, Opaque,
    OutboxId, PlanRow, PlanSummary, PlannedClass, PreviewedSnapshot, Progress, QuestionId, RawPath, ReadData,
    RepositoryId, RestoreOptions, RestoreTarget, Retention, Retry, ScheduleId, SearchHit, SnapshotEntry,
    SnapshotSeen, SourceGroupId, SourceOptions, Timestamp,
    agent::{
        AgentToken, Answer, AnswerPart, Ask, Challenge, Configuration, ConfigurationVersion, ConfiguredGroup,
        ConfiguredRepository, ConfiguredSchedule, ErrorCode, ForgetOrder, ForgetPolicy, Hello, Intent,
        JobOrder, KnownJob, Message, OutboxPosition, Pending, Proof, Question, Refusal, RefusalCode, Reply,
        Report, ReportItem, RepositoryOrder, SlotJob, SourceOrder, Task, Welcome,
    },
    capability::{Capabilities, REPORT_ITEMS},
    frame::{Frame, Payload},
    policy::{HookRule, HostPolicy, PolicyReport},
    vocabulary::{
        Cause, DeletionVerdict, EntryKind, EntrySort, JobState, LogStream, Overwrite, PlanClass,
        PresenceMode, RepositoryState, Shell,
    },
};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1")
}

fn at() -> Timestamp {
    "2026-11-22T03:00:00.25Z".parse().unwrap()
}

fn job() -> JobId {
    JobId::from_parts(at(), [1; 10])
}

fn repository() -> RepositoryId {
    RepositoryId::from_parts(at(), [2; 10])
}

fn outbox() -> OutboxId {
    OutboxId::from_parts(at(), [3; 10])
}

fn host() -> HostId {
    HostId::from_parts(at(), [4; 10])
}

fn key(byte: u8) -> Opaque {
    Opaque::new([byte; 32])
}

fn facts() -> HostFacts {
    let mut facts = HostFacts::default();
    facts.hostname = "web-01".into();
    facts.operating_system = "linux".into();
    facts.os_version = "Debian GNU/Linux 12".into();
    facts.architecture = "x86_64".into();
    facts.agent_version = "0.1.0".into();
    facts.restic_version = Some("0.18.0".into());
    facts.time_zone = Some("Europe/Berlin".into());
    facts
}

fn facts_with_policy() -> HostFacts {
    let mut rules = HostPolicy::default();
    rules.backup_roots = Some(vec!["/srv".into()]);
    rules.hooks = HookRule::Listed { digests: vec![format!("sha256:{}", "0".repeat(64))] };
    rules.updates = false;
    rules.repositories = Some(vec!["rest:https://backup.example.com/**".into()]);
    rules.upload_limit_kib = Some(4096);
    let digest = format!("sha256:{}", "1".repeat(64));
    let mut facts = facts();
    facts.policy = Some(Box::new(PolicyReport::of_file("/etc/restic-manager/policy.toml", digest, rules)));
    facts
}

fn progress() -> Progress {
    let mut progress = Progress::default();
    progress.fraction_done = Some(0.5);
    progress.seconds_elapsed = 12;
    progress.files_total = Some(40);
    progress.files_done = 20;
    progress.bytes_total = Some(4096);
    progress.bytes_done = 2048;
    progress.current_files = vec!["/srv/data/a\nb".into()];
    progress
}

fn end() -> JobEnd {
    let mut end = JobEnd::new(JobState::Incomplete, Cause::SourceUnreadable);
    end.detail = "open /etc/shadow: permission denied".into();
    end.exit_code = Some(3);
    end.statistics.snapshot = Some("a".repeat(64));
    end.statistics.files_new = 7;
    end.statistics.bytes_stored = Some(99);
    end
}

fn line(sequence: u64) -> LogLine {
    LogLine { sequence, at: at(), stream: LogStream::Stderr, text: "\u{1b}[2K <b>näme</b> \u{202e}".into() }
}

fn snapshot() -> SnapshotSeen {
    let mut snapshot = SnapshotSeen::new("b".repeat(64), at());
    snapshot.hostname = "web-01".into();
    snapshot.paths = vec!["/srv".into()];
    snapshot.tags = vec!["default".into()];
    snapshot.bytes = Some(1 << 40);
    snapshot
}

fn group() -> SourceGroupId {
    SourceGroupId::from_parts(at(), [5; 10])
}

fn schedule() -> ScheduleId {
    ScheduleId::from_parts(at(), [6; 10])
}

fn source() -> SourceOrder {
    SourceOrder::new(group(), "default", vec!["/srv".into()], vec!["*.tmp".into()], "default")
}

fn order() -> JobOrder {
    backup(source())
}

fn backup(source: SourceOrder) -> JobOrder {
    let target = RepositoryOrder::new(repository(), "rest:https://backup.example.com/web/", true, key(9));
    JobOrder::new(job(), Task::Backup { source: Box::new(source) }, at(), target, "web-01")
}

/// With all that may shape a backup.
fn shaped_order() -> JobOrder {
    let command = CommandSource {
        shell: Some(Shell::Bash),
        words: vec!["pg_dump shop | gzip".into()],
        file_name: "shop.sql.gz".into(),
    };
    let options = SourceOptions {
        retry: Some(Retry { attempts: 3, delay_seconds: 60 }),
        one_file_system: true,
        exclude_caches: true,
    };
    let source = SourceOrder::new(group(), "shop", Vec::new(), Vec::new(), "shop")
        .with_options(options)
        .with_command(Some(command))
        .with_hooks(Some(key(11)));
    let bandwidth = Bandwidth { upload_kib: Some(2048), download_kib: Some(4096) };
    backup(source).with_bandwidth(bandwidth)
}

fn version() -> ConfigurationVersion {
    ConfigurationVersion { number: 7, digest: "d1".into() }
}

fn configuration() -> Configuration {
    let mut schedule =
        ConfiguredSchedule::new(schedule(), "nightly", "30 2 * * *", "Europe/Berlin", at(), vec![group()]);
    schedule.misfire = Misfire::RunIfOlder { seconds: 86_400 };
    schedule.jitter_seconds = 600;
    let retry = Retry { attempts: 3, delay_seconds: 60 };
    let mut configuration = Configuration::new(version(), "web-01", PresenceMode::Intermittent);
    configuration.repositories =
        vec![ConfiguredRepository::new(repository(), "rest:https://backup.example.com/web/", true, key(9))];
    configuration.groups = vec![ConfiguredGroup::new(
        source().with_options(SourceOptions { retry: Some(retry), ..SourceOptions::default() }),
        repository(),
    )];
    configuration.schedules = vec![schedule];
    configuration
}

/// With limits and hooks.
fn shaped_configuration() -> Configuration {
    let mut configuration = configuration();
    configuration.bandwidth = Bandwidth { upload_kib: Some(2048), download_kib: None };
    configuration.schedules[0].bandwidth = Bandwidth { upload_kib: None, download_kib: Some(4096) };
    configuration.groups[0].source.hooks = Some(key(11));
    configuration
}

fn upkeep(task: Task) -> JobOrder {
    let target = RepositoryOrder::new(repository(), "rest:https://backup.example.com/web/", false, key(9));
    JobOrder::new(job(), task, at(), target, "runner-01")
}

fn restore() -> JobOrder {
    let target = RestoreTarget::Folder { path: "/var/restores/web-01".into() };
    let mut restore = RestoreOptions::new("b".repeat(64), target);
    restore.paths = vec![RawPath::new("/srv/www"), RawPath::new(*b"/srv/bad\xff\n")];
    restore.overwrite = Overwrite::IfChanged;
    restore.verify = true;
    upkeep(Task::Restore { restore: Box::new(restore) })
}

fn asking(question: Question) -> Message {
    let target = RepositoryOrder::new(repository(), "rest:https://backup.example.com/web/", false, key(9));
    Message::Ask(Box::new(Ask::new(asked(), target, question)))
}

fn search() -> Question {
    let after = Some(RawPath::new("/srv/www/index.html"));
    Question::Search { snapshot: "b".repeat(64), text: "index*".into(), after, limit: 200 }
}

fn planning() -> Question {
    let mut restore = RestoreOptions::new("b".repeat(64), RestoreTarget::Original {});
    restore.plan = Some(format!("sha256:{}", "c".repeat(64)));
    Question::Plan { restore: Box::new(restore), class: Some(PlanClass::Blocked), limit: 500 }
}

fn hits() -> Vec<SearchHit> {
    vec![SearchHit { folder: RawPath::new("/srv/www"), entry: entries().remove(0) }]
}

fn summary() -> PlanSummary {
    let mut plan = PlanSummary::default();
    plan.id = format!("sha256:{}", "c".repeat(64));
    plan.classes = vec![PlannedClass { class: PlanClass::New, entries: 3, bytes: 4096 }];
    (plan.bytes, plan.inodes, plan.free_bytes, plan.sets_owners) = (4096, 3, Some(1 << 40), true);
    plan
}

fn ask() -> Message {
    let question = Question::Folder {
        snapshot: "b".repeat(64),
        folder: RawPath::new("/srv"),
        sort: EntrySort::Size,
        descending: true,
        after: 500,
        limit: 500,
    };
    asking(question)
}

fn asked() -> QuestionId {
    QuestionId::from_parts(at(), [7; 10])
}

fn answer(part: AnswerPart) -> Payload {
    Payload::Message(Message::Answer(Answer { question: asked(), part }))
}

fn entries() -> Vec<SnapshotEntry> {
    let mut file = SnapshotEntry::new(RawPath::new(*b"bad\xff"), EntryKind::File);
    (file.size, file.modified_at, file.mode) = (4096, Some(at()), 0o640);
    (file.uid, file.gid, file.user, file.group) = (33, 33, "www-data".into(), "www-data".into());
    let mut link = SnapshotEntry::new(RawPath::new("current"), EntryKind::Symlink);
    link.link_target = Some(RawPath::new("releases/7"));
    vec![file, link]
}

fn forget() -> JobOrder {
    let retention = Retention {
        last: Some(3),
        daily: Some(14),
        within: Some("1y6m14d12h".parse().unwrap()),
        ..Retention::default()
    };
    let group = SourceGroupId::from_parts(at(), [5; 10]);
    let policies = vec![ForgetPolicy::new(group, "web-01", "default", retention)];
    upkeep(Task::Forget { forget: ForgetOrder::new(policies, false) })
}

fn preview() -> JobOrder {
    let group = SourceGroupId::from_parts(at(), [5; 10]);
    let retention = Retention { daily: Some(7), ..Retention::default() };
    let policies = vec![ForgetPolicy::new(group, "web-01", "default", retention)];
    upkeep(Task::PreviewForget { forget: ForgetOrder::new(policies, true) })
}

fn previewed() -> Vec<PreviewedSnapshot> {
    let snapshot = |letter: &str, kept_by| PreviewedSnapshot { id: letter.repeat(64), time: at(), kept_by };
    vec![snapshot("e", vec!["daily snapshot".into()]), snapshot("f", Vec::new())]
}

fn measured() -> JobEnd {
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.statistics.measured = Some(Measured {
        snapshots: 20,
        files: 4000,
        restore_bytes: 1 << 40,
        raw_bytes: 1 << 36,
        uncompressed_bytes: Some(1 << 37),
        locks: 1,
    });
    end.statistics.deletion = Some(DeletionVerdict::Refused);
    end
}

fn checked() -> JobEnd {
    let mut end = JobEnd::new(JobState::Failed, Cause::RepositoryLocked);
    end.statistics.problems = Some(0);
    end.statistics.snapshots_removed = Some(4);
    end.statistics.snapshots_kept = Some(20);
    end.statistics.locks_removed = Some(1);
    end.statistics.locks_left = Some(2);
    end
}

fn with_locks() -> JobEnd {
    let mut end = JobEnd::new(JobState::Succeeded, Cause::None);
    end.statistics.locks_left = Some(1);
    end.statistics.locks = vec![LockSeen {
        id: "d".repeat(64),
        hostname: "web-02".into(),
        process: 4242,
        username: "root".into(),
        exclusive: true,
        refreshed_at: at(),
        stale_at: at().after(core::time::Duration::from_secs(1800)),
    }];
    end
}

fn remake() -> JobOrder {
    let mut order = upkeep(Task::CheckRepository {});
    order.repository = order.repository.made_anew();
    order
}

fn empty_snapshot() -> SnapshotSeen {
    let mut empty = snapshot();
    empty.empty = true;
    empty
}

fn capabilities(names: &[&str]) -> Capabilities {
    Capabilities::of_names(names.iter().map(|name| (*name).to_owned()))
}

/// One frame of each kind: what a new kind must be added to.
fn frames() -> Vec<(&'static str, Payload)> {
    let report = |items| Payload::Message(Message::Report(Report::new(outbox(), 17, items)));
    vec![
        (
            "hello-connect",
            Payload::Hello(Hello::new(Intent::Connect { host: host() }, key(1), key(2), key(3), "0.1.0")),
        ),
        ("hello-enrol", Payload::Hello(Hello::new(Intent::Enrol {}, key(1), key(2), key(3), "0.1.0"))),
        ("hello-announce", Payload::Hello(Hello::new(Intent::Announce {}, key(1), key(2), key(3), "0.1.0"))),
        (
            "hello-capable",
            Payload::Hello(
                Hello::new(Intent::Connect { host: host() }, key(1), key(2), key(3), "0.1.0")
                    .with_capabilities(capabilities(&["job-backup", "job-prune"])),
            ),
        ),
        (
            "welcome-capable",
            Payload::Welcome(
                Welcome::new(host(), "web-01", 4).with_capabilities(capabilities(&["report-job-ended"])),
            ),
        ),
        ("pending", Payload::Pending(Pending::new(3600))),
        (
            "refusal-rejected",
            Payload::Refusal(Refusal::new(RefusalCode::Rejected, "an admin rejected this host")),
        ),
        ("refusal-expired", Payload::Refusal(Refusal::new(RefusalCode::Expired, "announce it again"))),
        ("challenge", Payload::Challenge(Challenge::new(1, key(4), key(5), key(6), Opaque::new([7; 64])))),
        ("proof", Payload::Proof(Proof::new(key(8), Opaque::new([9; 64]), facts()))),
        ("welcome", Payload::Welcome(Welcome::new(host(), "web-01", 3))),
        ("welcome-enrolled", Payload::Welcome(Welcome::new(host(), "web-01", 1).with_token(key(10)))),
        ("refusal", Payload::Refusal(Refusal::new(RefusalCode::Untrusted, "enrol this host again"))),
        ("heartbeat", Payload::Heartbeat),
        ("reply-ok", Payload::Reply { to: 12, reply: Reply::Ok {} }),
        (
            "reply-error",
            Payload::Reply {
                to: 12,
                reply: Reply::Error { code: ErrorCode::Expired, message: "too late".into() },
            },
        ),
        ("job-start", Payload::Message(Message::StartJob(Box::new(order())))),
        ("job-start-of-command", Payload::Message(Message::StartJob(Box::new(shaped_order())))),
        (
            "job-start-with-parent",
            Payload::Message(Message::StartJob(Box::new({
                backup(source().with_parent(Some("c".repeat(64))))
            }))),
        ),
        ("job-start-forget", Payload::Message(Message::StartJob(Box::new(forget())))),
        ("job-start-prune", Payload::Message(Message::StartJob(Box::new(upkeep(Task::Prune {}))))),
        (
            "job-start-check",
            Payload::Message(Message::StartJob(Box::new(upkeep(Task::Check {
                read_data: Some(ReadData::Part { part: 3, parts: 20 }),
            })))),
        ),
        (
            "job-start-unlock",
            Payload::Message(Message::StartJob(Box::new(upkeep(Task::Unlock { locks: Vec::new() })))),
        ),
        (
            "job-start-unlock-named",
            Payload::Message(Message::StartJob(Box::new(upkeep(Task::Unlock {
                locks: vec!["d".repeat(64)],
            })))),
        ),
        ("job-start-restore", Payload::Message(Message::StartJob(Box::new(restore())))),
        ("ask-folder", Payload::Message(ask())),
        ("answer-more", Payload::Message(Message::AnswerMore { question: asked(), parts: 4 })),
        ("answer-stop", Payload::Message(Message::AnswerStop { question: asked() })),
        ("answer-working", answer(AnswerPart::Working { entries: 1_000_000 })),
        ("answer-entries", answer(AnswerPart::Entries { entries: entries() })),
        ("ask-search", Payload::Message(asking(search()))),
        ("ask-plan", Payload::Message(asking(planning()))),
        ("answer-hits", answer(AnswerPart::Hits { hits: hits() })),
        ("answer-plan", answer(AnswerPart::Plan { plan: summary() })),
        (
            "answer-plan-rows",
            answer(AnswerPart::PlanRows {
                rows: vec![PlanRow {
                    class: PlanClass::NewerReplaced,
                    path: RawPath::new("/srv/a"),
                    size: 7,
                }],
            }),
        ),
        ("answer-end", answer(AnswerPart::End { more: true })),
        (
            "answer-failed",
            answer(AnswerPart::Failed { code: ErrorCode::Failed, message: "there is no such folder".into() }),
        ),
        ("job-start-remake", Payload::Message(Message::StartJob(Box::new(remake())))),
        (
            "report-unlock-ended",
            report(vec![ReportItem::JobEnded { job: job(), at: at(), end: with_locks() }]),
        ),
        (
            "report-snapshots-empty",
            report(vec![ReportItem::Snapshots {
                repository: RepositoryId::from_bytes([3; 16]),
                at: at(),
                snapshots: vec![empty_snapshot()],
                part: 0,
                last: true,
            }]),
        ),
        (
            "report-snapshots-forgotten",
            report(vec![ReportItem::SnapshotsForgotten {
                job: job(),
                repository: repository(),
                group: SourceGroupId::from_parts(at(), [5; 10]),
                snapshots: vec!["d".repeat(64)],
            }]),
        ),
        ("job-start-preview", Payload::Message(Message::StartJob(Box::new(preview())))),
        (
            "report-retention-previewed",
            report(vec![ReportItem::RetentionPreviewed { job: job(), snapshots: previewed() }]),
        ),
        ("report-measured", report(vec![ReportItem::JobEnded { job: job(), at: at(), end: measured() }])),
        ("report-upkeep-ended", report(vec![ReportItem::JobEnded { job: job(), at: at(), end: checked() }])),
        ("job-cancel", Payload::Message(Message::CancelJob { job: job() })),
        ("acknowledge", Payload::Message(Message::Acknowledge { outbox: outbox(), through: 20 })),
        ("token-rotate", Payload::Message(Message::RotateToken(AgentToken { token: key(11) }))),
        ("facts", Payload::Message(Message::Facts(facts()))),
        ("facts-policy", Payload::Message(Message::Facts(facts_with_policy()))),
        (
            "inventory",
            Payload::Message(Message::Inventory {
                jobs: vec![KnownJob::new(job(), JobState::Running)],
                more: false,
            }),
        ),
        (
            "inventory-part",
            Payload::Message(Message::Inventory {
                jobs: vec![KnownJob::new(job(), JobState::Queued).with_new(true)],
                more: true,
            }),
        ),
        (
            "welcome-reported",
            Payload::Welcome(
                Welcome::new(host(), "web-01", 4)
                    .with_reported(Some(OutboxPosition { outbox: outbox(), through: 20 })),
            ),
        ),
        (
            "report-outbox-began",
            report(vec![ReportItem::OutboxBegan { at: at(), before: outbox(), last: 16, confirmed: 20 }]),
        ),
        (
            "report-left-out",
            report(vec![
                ReportItem::OutboxBegan { at: at(), before: outbox(), last: 16, confirmed: 20 }.left_out(9),
            ]),
        ),
        ("configure", Payload::Message(Message::Configure(Box::new(configuration())))),
        ("configure-shaped", Payload::Message(Message::Configure(Box::new(shaped_configuration())))),
        ("configured", Payload::Message(Message::Configured { version: Some(version()) })),
        ("configured-never", Payload::Message(Message::Configured { version: None })),
        (
            "report-slot-due",
            report(vec![ReportItem::SlotDue {
                schedule: schedule(),
                slot: at(),
                at: at(),
                jobs: vec![SlotJob { job: job(), group: group(), repository: repository() }],
            }]),
        ),
        (
            "report-slot-skipped",
            report(vec![ReportItem::SlotSkipped {
                schedule: schedule(),
                from: at(),
                through: at(),
                count: 1,
                at: at(),
                cause: Cause::SlotSuperseded,
                groups: vec![group()],
            }]),
        ),
        ("progress", Payload::Message(Message::Progress { job: job(), progress: progress() })),
        (
            "report-job-started",
            report(vec![ReportItem::JobStarted {
                job: job(),
                at: at(),
                command: "restic backup --json -- /srv".into(),
            }]),
        ),
        (
            "report-job-log",
            report(vec![ReportItem::JobLog { job: job(), lines: vec![line(1), line(2)], dropped: 0 }]),
        ),
        ("report-job-ended", report(vec![ReportItem::JobEnded { job: job(), at: at(), end: end() }])),
        (
            "report-repository-checked",
            report(vec![ReportItem::RepositoryChecked {
                repository: repository(),
                at: at(),
                state: RepositoryState::WrongPassword,
                detail: "wrong password or no key found".into(),
            }]),
        ),
        (
            "report-snapshots",
            report(vec![ReportItem::Snapshots {
                repository: repository(),
                at: at(),
                snapshots: vec![snapshot()],
                part: 0,
                last: true,
            }]),
        ),
    ]
}

#[test]
fn each_frame_reads_and_writes_as_released() {
    for (name, payload) in frames() {
        let frame = Frame::new(12, payload);
        let path = folder().join(name).with_extension("json");
        if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, frame.encode().unwrap() + "\n").unwrap();
        }
        let golden = fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("golden file {name} is missing; UPDATE_GOLDEN=1 writes it once"));
        assert_eq!(Frame::decode(&golden), Ok(frame.clone()), "reading {name}");
        assert_eq!(frame.encode().unwrap(), golden.trim_end(), "writing {name}");
    }
}

#[test]
fn no_golden_file_is_forgotten() {
    let listed: BTreeSet<_> = frames().into_iter().map(|(name, _)| format!("{name}.json")).collect();
    let present: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, present);
}

#[test]
fn unknown_fields_are_ignored_in_every_kind() {
    for (name, payload) in frames() {
        let text = Frame::new(12, payload.clone()).encode().unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["of-a-newer-peer"] = 1.into();
        if let Some(body) = value["body"].as_object_mut() {
            body.insert("of-a-newer-peer".into(), serde_json::json!({"deep": [1]}));
        } else {
            value.as_object_mut().unwrap().remove("body");
        }
        assert_eq!(Frame::decode(&value.to_string()).map(|frame| frame.payload), Ok(payload), "{name}");
    }
}

#[test]
fn an_order_with_a_word_of_a_newer_server_is_kept_like_an_unknown_kind() {
    let text = Frame::new(12, Payload::Message(Message::StartJob(Box::new(order())))).encode().unwrap();
    let newer = text.replace(r#""kind":"backup""#, r#""kind":"levitate""#);
    let frame = Frame::decode(&newer).unwrap();
    assert!(
        matches!(&frame.payload, Payload::Message(Message::Unknown(unknown)) if unknown.kind == "job.start")
    );
    assert_eq!(frame.encode().unwrap(), newer);
}

#[test]
fn a_configuration_with_a_word_of_a_newer_server_is_kept_like_an_unknown_kind() {
    let text =
        Frame::new(12, Payload::Message(Message::Configure(Box::new(configuration())))).encode().unwrap();
    let newer = text.replace("run-if-older", "run-if-full-moon");
    assert_ne!(newer, text);
    let frame = Frame::decode(&newer).unwrap();
    assert!(
        matches!(&frame.payload, Payload::Message(Message::Unknown(unknown)) if unknown.kind == "configure")
    );
    assert_eq!(frame.encode().unwrap(), newer);
}

#[test]
fn an_unknown_kind_is_kept_whole() {
    let text = r#"{"type":"moon.phase","id":3,"body":{"full":[true,1.50]}}"#;
    let frame = Frame::decode(text).unwrap();
    let Payload::Message(Message::Unknown(unknown)) = &frame.payload else { panic!("{frame:?}") };
    assert_eq!((unknown.kind.as_str(), unknown.body.as_str()), ("moon.phase", r#"{"full":[true,1.50]}"#));
    assert_eq!(frame.encode().unwrap(), text);
}

/// What a newer agent may say, and how this build reads it: nothing ends the session, an end stays an end.
#[test]
fn words_of_a_newer_agent_are_read_as_far_as_they_go() {
    let frame = |payload| Frame::new(12, payload).encode().unwrap();
    let report =
        |item: ReportItem| frame(Payload::Message(Message::Report(Report::new(outbox(), 1, vec![item]))));
    let decoded = |text: &str| match Frame::decode(text).unwrap().payload {
        Payload::Message(Message::Report(report)) => report.items.into_iter().next().unwrap(),
        payload => panic!("not a report: {payload:?}"),
    };

    let ended = report(ReportItem::JobEnded { job: job(), at: at(), end: end() });
    let newer = ended.replace(r#""cause":"source-unreadable""#, r#""cause":"moon-in-the-way""#);
    assert_ne!(newer, ended);
    let ReportItem::JobEnded { end: read, .. } = decoded(&newer) else { panic!("not an end") };
    assert_eq!((read.state, read.cause), (end().state, Cause::Other));

    let newer = ended.replace(r#""kind":"job-ended""#, r#""kind":"job-levitated""#);
    let ReportItem::Unknown(item) = decoded(&newer) else { panic!("it is known") };
    assert_eq!((item.kind(), item.job()), ("job-levitated", Some(job())));
    assert_eq!(report(ReportItem::Unknown(item)).len(), newer.len(), "it is kept whole");

    let inventory = frame(Payload::Message(Message::Inventory {
        jobs: vec![KnownJob::new(job(), JobState::Queued)],
        more: false,
    }));
    let newer = inventory.replace(r#""state":"queued""#, r#""state":"paused""#);
    let Payload::Message(Message::Inventory { jobs, .. }) = Frame::decode(&newer).unwrap().payload else {
        panic!("not an inventory")
    };
    assert_eq!(jobs, [KnownJob::new(job(), JobState::Running)]);

    let reply = r#"{"type":"reply","id":7,"re":12,"body":{"result":"later","at":"noon"}}"#;
    assert_eq!(
        Frame::decode(reply).unwrap().payload,
        Payload::Reply { to: 12, reply: Reply::not_understood() }
    );
    let facts =
        frame(Payload::Message(Message::Facts(facts()))).replace(r#""hostname":"web-01""#, r#""hostname":7"#);
    assert!(matches!(Frame::decode(&facts).unwrap().payload, Payload::Message(Message::Unknown(_))));
}

/// A server says which items it understands; an agent must be able to rely on it.
#[test]
fn every_item_of_a_report_is_named_among_what_a_server_understands() {
    let mut seen = BTreeSet::new();
    for (name, payload) in frames() {
        let Payload::Message(Message::Report(report)) = payload else { continue };
        for item in &report.items {
            let item = serde_json::to_value(item).unwrap();
            let kind = item["kind"].as_str().unwrap().to_owned();
            assert!(name == "report-left-out" || REPORT_ITEMS.contains(&kind.as_str()), "{kind}: add it");
            seen.insert(kind);
        }
    }
    let unseen: Vec<_> = REPORT_ITEMS.iter().filter(|item| !seen.contains(**item)).collect();
    assert!(unseen.is_empty(), "no golden frame has {unseen:?}");
}
