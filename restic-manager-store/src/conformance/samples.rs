//! Rows to begin with. Numbers make them differ.

use restic_manager_proto::{
    AlertId, ApiTokenId, AuditId, Bandwidth, ChannelId, DeliveryId, EnrolmentId, FreezeId, HostFacts, HostId,
    JobChoice, JobEnd, JobId, JobOptions, LogLine, MaintenanceId, Matcher, Measured, Misfire, NoticeId,
    OutboxId, PasskeyId, PendingHostId, PreviewedSnapshot, RepositoryId, Retention, RouteId, RouteRule,
    ScheduleId, Scope, SessionId, SilenceId, SnapshotSeen, SourceGroupId, SourceOptions, Timestamp, UserId,
    vocabulary::{
        Action, ActorKind, AlertKind, Cause, ChannelKind, DeletionVerdict, DeliveryState, EnrolmentState,
        FreezeCause, JobKind, JobState, LeaseMode, LeaseState, LogStream, NoticeKind, Outcome,
        PendingHostState, PresenceMode, Role, Severity, Timing, Trigger,
    },
};

use crate::{
    Audit, Error, ErrorKind, PasswordHash, PublicKey, SealedBlob, Store, TokenHash, Transaction,
    alerts::{AlertSubject, NewAlert},
    api_tokens::ApiToken,
    audit::{Actor, NewAuditEntry, Subject},
    backup_days::BackupDay,
    channels::{Channel, ChannelStanding},
    deliveries::{Delivery, Notice},
    enrolments::{Enrolment, PlannedAttachment},
    factors::{Passkey, Totp},
    freezes::Freeze,
    hooks::{HookOwner, Hooks},
    hosts::{HostPlan, LastBackup, NewHost},
    jobs::NewJob,
    leases::Lease,
    maintenance::MaintenanceWindow,
    measurements::Measurement,
    pending_hosts::PendingHost,
    repositories::Repository,
    retry,
    routes::Route,
    schedules::Schedule,
    sessions::Session,
    setup_links::SetupLink,
    silences::Silence,
    sources::SourceGroup,
    upkeep::{DeletionTest, Duty},
    users::User,
};

pub(super) const ROUTINE: Audit = Audit::Routine("conformance");

/// A moment, `second` seconds after the first.
pub(super) fn at(second: u32) -> Timestamp {
    Timestamp::from_milliseconds(1_795_316_400_000 + i64::from(second) * 1000)
}

fn bytes(number: u32) -> [u8; 16] {
    let mut bytes = [0x80; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    bytes[15] = number as u8;
    bytes
}

macro_rules! ids {
    ($($name:ident: $id:ident,)*) => {$(
        pub(super) fn $name(number: u32) -> $id {
            $id::from_bytes(bytes(number))
        }
    )*};
}

ids! {
    alert_id: AlertId,
    audit_id: AuditId,
    channel_id: ChannelId,
    delivery_id: DeliveryId,
    notice_id: NoticeId,
    route_id: RouteId,
    silence_id: SilenceId,
    enrolment_id: EnrolmentId,
    freeze_id: FreezeId,
    host_id: HostId,
    job_id: JobId,
    maintenance_id: MaintenanceId,
    outbox_id: OutboxId,
    repository_id: RepositoryId,
    schedule_id: ScheduleId,
    session_id: SessionId,
    passkey_id: PasskeyId,
    pending_host_id: PendingHostId,
    api_token_id: ApiTokenId,
    group_id: SourceGroupId,
    user_id: UserId,
}

pub(super) fn token(number: u32) -> TokenHash {
    let mut hash = [7; 32];
    hash[..4].copy_from_slice(&number.to_be_bytes());
    TokenHash::new(hash)
}

pub(super) fn user(number: u32) -> User {
    User {
        id: user_id(number),
        name: format!("User {number}"),
        role: Role::Operator,
        scope: Scope::default(),
        password: PasswordHash::new(format!("$argon2id$hash {number}")),
        password_set: Some(at(number)),
        disabled: false,
        created: at(number),
        last_login: None,
        version: 1,
    }
}

pub(super) fn channel(number: u32) -> Channel {
    Channel {
        id: channel_id(number),
        name: format!("Channel {number}"),
        kind: ChannelKind::Webhook,
        fields: [("url".to_owned(), format!("https://{number}.example.com"))].into(),
        secrets: vec!["secret".to_owned()],
        sealed: Some(SealedBlob::new([60, number as u8])),
        enabled: true,
        standing: ChannelStanding::default(),
        created: at(number),
        version: 1,
    }
}

pub(super) fn route(number: u32, place: u32) -> Route {
    let rule = RouteRule {
        matcher: Matcher { scope: Scope::tags(["rack-1"]), ..Matcher::default() },
        channels: vec![channel_id(number)],
        timing: Timing::Daily,
        resolved: true,
        reminders: false,
        goes_on: true,
        quiet: None,
        zone: "UTC".to_owned(),
        digest_at: "07:00".to_owned(),
    };
    Route {
        id: route_id(number),
        place,
        name: format!("route {number}"),
        rule,
        created: at(number),
        version: 1,
    }
}

pub(super) fn silence(number: u32, from: u32, until: u32) -> Silence {
    Silence {
        id: silence_id(number),
        matcher: Matcher { severity: Severity::Warning, ..Matcher::default() },
        from: at(from),
        until: at(until),
        reason: format!("reason {number}"),
        created: at(number),
        created_by: user_id(1),
    }
}

pub(super) fn notice(number: u32) -> Notice {
    Notice { id: notice_id(number), alert: alert_id(1), event: NoticeKind::Raised, moment: at(number) }
}

pub(super) fn delivery(number: u32, channel: u32, due: u32) -> Delivery {
    Delivery {
        id: delivery_id(number),
        channel: channel_id(channel),
        route: Some(route_id(1)),
        group: format!("group-{}", number % 2),
        kind: NoticeKind::Raised,
        state: DeliveryState::Waiting,
        items: serde_json::json!([number]),
        count: 1,
        created: at(number),
        due: Some(at(due)),
        tried: None,
        attempts: 0,
        answer: None,
        ended: None,
    }
}

pub(super) fn window(number: u32, from: u32, until: u32) -> MaintenanceWindow {
    MaintenanceWindow {
        id: maintenance_id(number),
        scope: Scope::tags(["rack-1"]),
        from: at(from),
        until: at(until),
        reason: format!("reason {number}"),
        created: at(number),
        created_by: user_id(1),
    }
}

pub(super) fn freeze(number: u32, repository: u32, group: Option<u32>) -> Freeze {
    Freeze {
        id: freeze_id(number),
        repository: repository_id(repository),
        source_group: group.map(group_id),
        cause: FreezeCause::Manual,
        reason: format!("reason {number}"),
        created: at(number),
        created_by: number.is_multiple_of(2).then(|| user_id(number)),
    }
}

pub(super) fn setup_link(number: u32, user: u32) -> SetupLink {
    SetupLink {
        user: user_id(user),
        token: token(number),
        created: at(number),
        created_by: Some(user_id(1)),
        expires: at(number + 3600),
    }
}

pub(super) fn session(number: u32, user: u32) -> Session {
    Session {
        id: session_id(number),
        family: session_id(number),
        user: user_id(user),
        token: token(number),
        started: at(number),
        created: at(number),
        proved: at(number),
        confirmed: Some(at(number)),
        last_seen: at(number),
        idle_expires: at(number + 100),
        expires: at(number + 1000),
        address: Some("192.0.2.7".into()),
        user_agent: None,
        replaced_by: None,
    }
}

pub(super) fn totp(user: u32, number: u32) -> Totp {
    Totp {
        user: user_id(user),
        secret: SealedBlob::new([number as u8; 40]),
        created: at(number),
        last_step: 100,
        last_used: None,
    }
}

pub(super) fn passkey(number: u32, user: u32) -> Passkey {
    Passkey {
        id: passkey_id(number),
        user: user_id(user),
        name: format!("Key {number}"),
        credential: vec![number as u8; 20],
        key: vec![1, 2, 3],
        counter: 0,
        created: at(number),
        last_used: None,
    }
}

pub(super) fn api_token(number: u32, user: u32) -> ApiToken {
    ApiToken {
        id: api_token_id(number),
        user: user_id(user),
        name: format!("token-{number}"),
        token: token(number),
        role: Role::Operator,
        scope: if number == 3 { Scope::tags(["berlin", "paris"]) } else { Scope::All },
        dangerous: number == 2,
        created: at(number),
        expires: at(number + 1000),
        last_used: None,
        last_address: None,
        revoked: None,
    }
}

pub(super) fn host(number: u32) -> NewHost {
    NewHost {
        id: host_id(number),
        name: format!("Host {number:03}"),
        restic_name: format!("host-{number}"),
        tags: vec!["linux".into(), format!("rack-{}", number % 3)],
        presence_mode: PresenceMode::AlwaysOn,
        public_key: PublicKey::new([number as u8; 32]),
        agent_token: token(number),
        enrolled: at(number),
    }
}

pub(super) fn enrolment(number: u32) -> Enrolment {
    Enrolment {
        id: enrolment_id(number),
        token: token(number),
        host_name: format!("host-{number}"),
        tags: vec!["new".into()],
        presence_mode: PresenceMode::Intermittent,
        attachments: vec![PlannedAttachment {
            repository: repository_id(1),
            location: Some("rest:x".into()),
        }],
        include_paths: vec!["/home".into(), "/etc".into()],
        take_over: (number % 2 == 1).then(|| host_id(number)),
        created_by: Some(user_id(1)),
        created: at(number),
        expires: at(number + 3600),
        state: EnrolmentState::Open,
        spent_by: None,
        replaced_by: None,
    }
}

pub(super) fn pending_host(number: u32) -> PendingHost {
    PendingHost {
        id: pending_host_id(number),
        public_key: PublicKey::new(*token(number).as_bytes()),
        facts: facts("0.18.0"),
        address: Some("192.0.2.7".to_owned()),
        network: "192.0.2.0".to_owned(),
        first_seen: at(number),
        last_seen: at(number),
        expires: at(number + 3600),
        looked_at: None,
        state: PendingHostState::Waiting,
        host: None,
    }
}

pub(super) fn repository(number: u32) -> Repository {
    Repository {
        id: repository_id(number),
        name: format!("Repository {number}"),
        location: "rest:https://backup.example/".into(),
        backend: "rest".into(),
        password: Some(SealedBlob::new([number as u8; 48])),
        password_set: Some(at(number)),
        runner: None,
        parallel: None,
        created: at(number),
        version: 1,
        deleted: None,
    }
}

pub(super) fn group(number: u32, host: u32, repository: u32) -> SourceGroup {
    SourceGroup {
        id: group_id(number),
        host: host_id(host),
        name: format!("Group {number}"),
        includes: vec!["/home".into()],
        excludes: vec!["*.tmp".into()],
        tag: format!("group-{number}"),
        repository: repository_id(repository),
        retention: Retention { daily: Some(number), ..Retention::default() },
        options: SourceOptions { one_file_system: true, ..SourceOptions::default() },
        command: None,
        last_backup: None,
        created: at(number),
        version: 1,
    }
}

/// How a backup ended, as the rows of its group and host keep it.
pub(super) fn last_backup(job: u32, state: JobState, ended: u32) -> LastBackup {
    LastBackup { job: job_id(job), state, cause: Cause::None, ended: at(ended), bytes_processed: 0 }
}

/// What a host is planned to be.
pub(super) fn host_plan(fresh_until: u32, worst: Option<JobState>) -> HostPlan {
    let worst_backup = worst.map(|state| last_backup(1, state, 9));
    HostPlan { next_run: None, fresh_until: Some(at(fresh_until)), worst_backup }
}

pub(super) fn hooks(owner: HookOwner, number: u32) -> Hooks {
    Hooks {
        owner,
        sealed: SealedBlob::new([number as u8; 60]),
        set: at(number),
        set_by: Some(user_id(number)),
        version: 1,
    }
}

/// A schedule of a host's first group, which in [`planned`] has the host's number twice, less one.
pub(super) fn schedule(number: u32, host: u32) -> Schedule {
    Schedule {
        id: schedule_id(number),
        host: host_id(host),
        name: format!("Schedule {number}"),
        cron: "30 2 * * *".into(),
        zone: "Europe/Berlin".into(),
        misfire: Misfire::RunIfOlder { seconds: 86_400 },
        jitter_seconds: 600,
        bandwidth: Bandwidth { upload_kib: Some(number), download_kib: None },
        enabled: true,
        since: at(number),
        groups: vec![group_id(host * 2 - 1)],
        created: at(number),
        version: 1,
    }
}

pub(super) fn job(number: u32, host: u32) -> NewJob {
    NewJob {
        id: job_id(number),
        host: host_id(host),
        kind: JobKind::Backup,
        trigger: Trigger::Manual,
        requested_by: Some(user_id(1)),
        source_group: Some(group_id(number % 2)),
        slots: None,
        repository: Some(repository_id(1 + number % 2)),
        options: JobOptions::of(if number % 2 == 1 { JobChoice::DryRun } else { JobChoice::None }),
        dispatch_by: Some(at(number + 60)),
        end_by: Some(at(number + 600)),
        created: at(number),
    }
}

pub(super) fn lease(number: u32, host: u32, repository: u32) -> Lease {
    Lease {
        job: job_id(number),
        repository: repository_id(repository),
        host: host_id(host),
        kind: JobKind::Backup,
        mode: LeaseMode::Shared,
        state: LeaseState::Held,
        expires: at(number + 300),
        lost: None,
    }
}

pub(super) fn duty(repository: u32, kind: JobKind) -> Duty {
    Duty {
        repository: repository_id(repository),
        kind,
        every_hours: Some(24),
        due: Some(at(repository)),
        since: at(0),
        effective: None,
        failures: 0,
        job: None,
        last_job: None,
        last_cause: None,
        part: 1,
        parts: 20,
    }
}

pub(super) fn deletion_test(repository: u32, second: u32) -> DeletionTest {
    DeletionTest {
        repository: repository_id(repository),
        verdict: DeletionVerdict::Refused,
        at: at(second),
        host: host_id(1),
        job: job_id(second),
    }
}

pub(super) fn backup_day(host: u32, day: i64, group: u32) -> BackupDay {
    BackupDay {
        host: host_id(host),
        day,
        source_group: group_id(group),
        runs: 1,
        bytes_processed: 1000,
        bytes_added: 100,
        milliseconds: 7,
    }
}

pub(super) fn measurement(repository: u32, second: u32) -> Measurement {
    let measured = Measured {
        snapshots: u64::from(second),
        files: 7,
        restore_bytes: 1 << 40,
        raw_bytes: u64::from(second) << 20,
        uncompressed_bytes: second.is_multiple_of(2).then_some(9),
        locks: 1,
    };
    Measurement { repository: repository_id(repository), at: at(second), measured }
}

pub(super) fn previewed(number: u32) -> PreviewedSnapshot {
    let kept_by = vec!["daily snapshot".to_owned(); number as usize % 2];
    PreviewedSnapshot { id: format!("{number:064x}"), time: at(number), kept_by }
}

pub(super) fn end(state: JobState) -> JobEnd {
    JobEnd::new(state, Cause::None)
}

pub(super) fn facts(restic_version: &str) -> HostFacts {
    let mut facts = HostFacts::default();
    facts.operating_system = "linux".into();
    facts.restic_version = Some(restic_version.into());
    facts
}

pub(super) fn line(sequence: u64) -> LogLine {
    LogLine {
        sequence,
        at: at(sequence as u32),
        stream: LogStream::Stdout,
        text: format!("new  /home/user/documents/file-{sequence:06}.txt, saved in 0.00{}s", sequence % 10),
    }
}

pub(super) fn listed(number: u32) -> SnapshotSeen {
    let mut snapshot = SnapshotSeen::new(format!("{number:08x}{}", "ab".repeat(28)), at(number));
    snapshot.paths = vec!["/home".into()];
    snapshot.hostname = "host".into();
    snapshot
}

pub(super) fn entry(number: u32, action: Action) -> NewAuditEntry {
    NewAuditEntry {
        id: audit_id(number),
        moment: at(number),
        actor: Actor {
            kind: ActorKind::User,
            id: Some(format!("user-{}", number % 2)),
            name: Some("Ada".into()),
        },
        action,
        subject: Some(Subject { kind: "host".into(), id: Some(format!("host-{}", number % 3)), name: None }),
        outcome: Outcome::Done,
        address: Some("192.0.2.7".into()),
        detail: serde_json::json!({"z": [1, null, "two"], "a": {"name": "wörter"}}),
    }
}

pub(super) fn found(number: u32, kind: AlertKind, host: u32) -> NewAlert {
    NewAlert {
        id: alert_id(number),
        kind,
        severity: Severity::Warning,
        subject: AlertSubject::new("host", host_id(host)),
        subject_name: format!("Host {host}"),
        host: Some(host_id(host)),
        repository: None,
        job: Some(job_id(number)),
        cause: None,
        summary: format!("finding {number}"),
        evidence: format!("line {number}"),
        detail: serde_json::json!({ "number": number }),
        moment: at(number),
    }
}

/// A database with hosts 1 and 2, repositories 1 and 2, both hosts attached to both.
pub(super) async fn fleet(store: &dyn Store) -> Result<(), Error> {
    let mut tx = store.begin().await?;
    for number in 1..=2 {
        tx.repositories().add(&repository(number)).await?;
        tx.hosts().enrol(&host(number)).await?;
    }
    for number in 1..=2 {
        tx.attachments().attach(host_id(number), repository_id(1), None).await?;
        tx.attachments().attach(host_id(number), repository_id(2), Some("rest:there")).await?;
    }
    tx.commit(ROUTINE).await
}

/// The [`fleet`], with source groups 1 and 2 on host 1 and groups 3 and 4 on host 2.
pub(super) async fn planned(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let mut tx = store.begin().await?;
    for number in 1..=4 {
        tx.sources().add(&group(number, number.div_ceil(2), 1)).await?;
    }
    tx.commit(ROUTINE).await
}

/// Runs one change in a transaction of its own.
macro_rules! change {
    ($store:expr, |$tx:ident| $change:expr) => {
        async {
            let mut $tx = $store.begin().await?;
            let done = $change.await?;
            $tx.commit($crate::conformance::samples::ROUTINE).await?;
            Ok::<_, $crate::Error>(done)
        }
        .await
    };
}
pub(super) use change;

/// Commits an entry, again and again while others are faster.
pub(super) async fn commit_entry(store: &dyn Store, entry: &NewAuditEntry) -> Result<(), Error> {
    retry(|| async { store.begin().await?.commit(Audit::entry(entry.clone())).await }).await
}

/// Asserts what kind of error a change ends with.
#[track_caller]
pub(super) fn assert_kind<T: core::fmt::Debug>(outcome: Result<T, Error>, kind: ErrorKind) {
    assert_eq!(outcome.as_ref().err().map(Error::kind), Some(kind), "{outcome:?}");
}

/// Begins, for a case that goes on after an error in a transaction of its own.
pub(super) async fn begin(store: &dyn Store) -> Result<Box<dyn Transaction>, Error> {
    store.begin().await
}
