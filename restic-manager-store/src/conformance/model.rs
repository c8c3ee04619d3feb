//! Random operations, for a property test that holds a backend against the memory backend: after the same steps both
//! have given the same answers and are in the same state.

use restic_manager_proto::{
    Bandwidth, LogLine, Scope,
    agent::ConfigurationVersion,
    vocabulary::{
        Action, AlertKind, CredentialSlot, EnrolmentState, JobKind, JobState, LeaseMode, LeaseState,
        PresenceMode, RepositoryState, Role, Severity,
    },
};

use super::samples::*;
use crate::{
    Audit, Error, PageRequest, PasswordHash, PublicKey, Read, SealedBlob, Store, Transaction,
    alerts::{Acknowledgement, AlertFilter, AlertPlace, NewAlert},
    audit::AuditScope,
    channels::{Channel, ChannelStanding},
    deliveries::Delivery,
    drafts::Draft,
    hooks::HookOwner,
    hosts::{Backups, HostFilter, HostOrder, HostPlan, HostSettings, OutboxPosition},
    jobs::{JobScope, NewJob, Slots},
    leases::Lease,
    limits::Lane,
    pending_hosts::{PendingHost, Sighting},
    replies::Reply,
    repositories::{Credential, RepositorySettings},
    schedules::Schedule,
    sessions::Session,
    snapshots::SnapshotScope,
    upkeep::Duty,
    users::User,
};

/// One operation: what to do, and on what. Any four numbers are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by the generator of a property test")]
pub struct Step {
    /// Which operation.
    pub verb: u8,
    /// On which row; few, so that operations meet.
    pub row: u8,
    /// And which other row.
    pub other: u8,
    /// And with which value.
    pub value: u8,
}

/// Fills an empty database with rows for the steps to meet.
///
/// # Errors
/// When the backend fails.
pub async fn populate(store: &dyn Store) -> Result<(), Error> {
    fleet(store).await?;
    let mut tx = store.begin().await?;
    for number in 1..=2 {
        tx.users().add(&user(number)).await?;
        tx.sessions().open(&session(number, number)).await?;
        tx.enrolments().issue(&enrolment(number)).await?;
        tx.sources().add(&group(number, number, 1)).await?;
        for job_number in [number, number + 2] {
            tx.jobs().queue(&job(job_number, number)).await?;
        }
    }
    tx.commit(ROUTINE).await
}

/// Does one step in a transaction of its own. Answers what it said: a value, or the kind of its error.
///
/// # Errors
/// When the transaction cannot be begun or committed.
pub async fn apply(store: &dyn Store, step: Step) -> Result<String, Error> {
    let mut tx = store.begin().await?;
    match perform(&mut *tx, step).await {
        Ok(answer) if step.value == 7 => Ok(format!("{answer}, dropped")),
        Ok(answer) => {
            let audit = match step.value {
                0 => Audit::entry(entry(u32::from(step.row), Action::HostUpdate)),
                _ => ROUTINE,
            };
            // Entries have ids of their own, and a step may come twice.
            match tx.commit(unique(audit, store).await?).await {
                Ok(()) => Ok(answer),
                Err(error) => Err(error),
            }
        }
        Err(error) => Ok(format!("{:?}", error.kind())),
    }
}

async fn unique(audit: Audit, store: &dyn Store) -> Result<Audit, Error> {
    let Audit::Entry(mut entry) = audit else { return Ok(audit) };
    let head = store.read().await?.audit().head().await?;
    entry.id = audit_id(u32::try_from(head.sequence).unwrap_or(u32::MAX));
    Ok(Audit::Entry(entry))
}

async fn perform(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    match step.verb % 7 {
        0 => configure(tx, step).await,
        1 => people(tx, step).await,
        2 => alerts(tx, step).await,
        3 => upkeep(tx, step).await,
        4 => notifications(tx, step).await,
        _ => work(tx, step).await,
    }
}

/// The rest of a step's verb, for a choice among so many.
fn choice(step: Step, among: u8) -> u8 {
    (step.verb / 6) % among
}

macro_rules! answer {
    ($change:expr) => {
        $change.await.map(|value| format!("{value:?}"))
    };
}

async fn configure(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 3), u32::from(step.value % 8));
    let version = i64::from(value % 3) + 1;
    let (host, there) = (host_id(a), repository_id(b));
    let settings = HostSettings {
        name: host_name(value),
        tags: vec![format!("tag-{b}"), "all".into()],
        presence_mode: PresenceMode::Intermittent,
        bandwidth: Bandwidth { upload_kib: Some(value + 1), download_kib: None },
    };
    match choice(step, 21) {
        0 | 1 => answer!(tx.hosts().enrol(&self::host(a, value))),
        2 => answer!(tx.hosts().configure(host, &settings, version)),
        3 if value > 6 => answer!(tx.hosts().purge(host, 999)),
        3 if value > 5 => answer!(tx.hosts().delete(host, at(value))),
        3 if value > 3 => answer!(tx.hosts().offer_token(host, &token(b))),
        3 if value > 1 => answer!(tx.hosts().confirm_token(host, &token(b), at(value))),
        3 if value > 0 => answer!(tx.hosts().withdraw_token(host)),
        3 => answer!(tx.hosts().age_token(host)),
        18 => answer!(tx.hosts().rotate_token(host, &token(value % 4))),
        4 => answer!(tx.hosts().take_over(host, &PublicKey::new([9; 32]), &token(value % 4), at(value))),
        5 => answer!(tx.repositories().add(&repository(b))),
        6 => {
            let settings = RepositorySettings {
                name: format!("REPOSITORY {value}"),
                location: "s3:bucket".into(),
                backend: "s3".into(),
            };
            answer!(tx.repositories().configure(there, &settings, version))
        }
        7 => {
            let slot = CredentialSlot::ALL[(a % 2) as usize];
            let sealed = SealedBlob::new([step.value; 3]);
            let set_by = Some(user_id(a));
            let credential = Credential { repository: there, slot, sealed, set: at(value), set_by };
            answer!(tx.repositories().set_credential(&credential))
        }
        8 if value > 4 => answer!(tx.repositories().delete(there, at(value))),
        8 => answer!(tx.repositories().set_password(there, &SealedBlob::new([1]), at(value))),
        9 => answer!(tx.repositories().clear_credential(there, CredentialSlot::ALL[(a % 2) as usize])),
        10 | 11 => answer!(tx.attachments().attach(host, there, None)),
        12 => answer!(tx.attachments().relocate(host, there, Some("rest:else"), version)),
        13 if value > 5 => answer!(tx.attachments().detach(host, there)),
        13 => answer!(tx.attachments().request_checks(there)),
        14 => answer!(tx.sources().add(&group(value % 4, a, b))),
        19 if value > 5 => answer!(tx.hooks().remove(hook_owner(a, b))),
        19 => answer!(tx.hooks().set(&hooks(hook_owner(a, b), value), version - 1)),
        16 => answer!(tx.schedules().add(&plan(value % 3, a, b))),
        17 if value > 4 => answer!(tx.schedules().delete(schedule_id(value % 3))),
        17 => answer!(tx.schedules().update(&plan(value % 3, a, b), version)),
        20 if value > 4 => answer!(tx.freezes().lift(freeze_id(a))),
        20 => answer!(tx.freezes().add(&freeze(a, b, (value > 1).then_some(value % 4)))),
        _ if value > 4 => answer!(tx.sources().delete(group_id(value % 4))),
        _ => answer!(tx.sources().update(&group(value % 4, a, b), version)),
    }
}

async fn notifications(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 3), u32::from(step.value % 8));
    let version = i64::from(value % 3) + 1;
    let named = |name: u32| Channel { name: format!("CHANNEL {name}"), enabled: value > 3, ..channel(a) };
    let attempts = value % 3;
    let ended = (value > 4).then(|| at(value));
    let settled = Delivery {
        attempts: attempts + 1,
        count: 5,
        due: ended.is_none().then(|| at(value)),
        ended,
        ..delivery(a, b, 0)
    };
    match choice(step, 14) {
        0 | 1 => answer!(tx.channels().add(&channel(a))),
        2 => answer!(tx.channels().update(&named(b), version)),
        3 if value > 5 => answer!(tx.channels().delete(channel_id(a))),
        3 if value > 3 => answer!(tx.channels().switch_off(channel_id(a))),
        3 => {
            let trouble = (value > 1).then(|| "no\0 answer".to_owned());
            let standing = ChannelStanding { failing_since: Some(at(value)), trouble, delivered: None };
            answer!(tx.channels().note(channel_id(a), &standing))
        }
        4 if value > 5 => answer!(tx.routes().delete(route_id(a))),
        4 => answer!(tx.routes().update(&route(a, value), version)),
        5 => answer!(tx.routes().add(&route(a, value))),
        6 => answer!(tx.silences().add(&silence(a, value, value + b))),
        7 if value > 5 => answer!(tx.silences().purge(at(value))),
        7 => answer!(tx.silences().end(silence_id(a), at(value))),
        8 => answer!(tx.deliveries().note(&notice(a + value))),
        9 => answer!(tx.deliveries().forget(notice_id(a + value))),
        10 | 11 => answer!(tx.deliveries().queue(&delivery(a, b, value))),
        12 => answer!(tx.deliveries().purge_ended(at(value), 2)),
        _ => answer!(tx.deliveries().settle(&settled, attempts)),
    }
}

/// A host, or one of the groups that steps make.
fn hook_owner(a: u32, b: u32) -> HookOwner {
    if b == 0 { HookOwner::Host(host_id(a)) } else { HookOwner::SourceGroup(group_id(a)) }
}

async fn people(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 3), u32::from(step.value % 8));
    let version = i64::from(value % 3) + 1;
    let family = session_id(value % 2);
    let reply = Reply {
        actor: format!("user-{a}"),
        key: format!("key-{b}"),
        fingerprint: [step.value; 32],
        status: 201,
        body: vec![step.row],
        created: at(value),
        expires: at(value + 2),
    };
    match choice(step, 27) {
        26 => announced(tx, a, b, value).await,
        0 | 1 => answer!(tx.users().add(&User { role: Role::ALL[b as usize], ..user(a) })),
        2 => {
            let changed =
                User { name: format!("USER {b}"), disabled: value > 4, role: Role::Admin, ..user(a) };
            answer!(tx.users().update(&changed, version))
        }
        3 => answer!(tx.users().set_password(user_id(a), &PasswordHash::new("$new"), at(value))),
        4 => {
            let (old, new) = (PasswordHash::new("$new"), PasswordHash::new("$strong"));
            answer!(tx.users().strengthen_password(user_id(a), &old, &new))
        }
        5 | 6 => answer!(tx.sessions().open(&session(value, a))),
        7 => {
            let new = Session { family, confirmed: None, ..session(value, a) };
            answer!(tx.sessions().rotate(session_id(b), &new))
        }
        8 if value > 5 => answer!(tx.sessions().prove(session_id(b), at(value))),
        8 => answer!(tx.sessions().touch(session_id(b), at(value), at(value + 9))),
        9 if value > 4 => answer!(tx.sessions().end_all_of(user_id(a), Some(family))),
        9 => answer!(tx.sessions().end_family(family)),
        10 => answer!(tx.sessions().purge(at(value + 1000))),
        11 => answer!(tx.enrolments().issue(&enrolment(value % 4))),
        12 if value > 4 => answer!(tx.enrolments().revoke(enrolment_id(b))),
        12 => answer!(tx.enrolments().spend(enrolment_id(b), host_id(a))),
        13 if value > 4 => answer!(tx.enrolments().expire(at(value + 3598))),
        13 => answer!(tx.enrolments().reissue(enrolment_id(b), &enrolment(value + 4))),
        14 if value > 4 => answer!(tx.replies().purge(at(value))),
        14 => answer!(tx.replies().remember(&reply)),
        15 => {
            let new = Session { family, confirmed: None, ..session(value + 8, a) };
            answer!(tx.sessions().supersede(session_id(b), session_id(value), &new))
        }
        16 => answer!(tx.users().note_login(user_id(a), at(value))),
        17 => answer!(tx.setup_links().issue(&setup_link(value % 4, a))),
        18 if value > 5 => answer!(tx.setup_links().purge(at(value + 3598))),
        18 => answer!(tx.setup_links().remove(user_id(a))),
        19 if value > 5 => answer!(tx.limits().purge(at(value))),
        19 => answer!(tx.limits().set(&Lane::new([step.row % 3; 32]), at(value))),
        20 if value > 5 => answer!(tx.factors().clear(user_id(a))),
        20 if value > 3 => answer!(tx.factors().spend_totp(user_id(a), 98 + u64::from(value), at(value))),
        20 => answer!(tx.factors().set_totp(&totp(a, value))),
        21 if value > 5 => answer!(tx.factors().remove_totp(user_id(a))),
        21 if value > 2 => answer!(tx.factors().spend_recovery_code(user_id(a), &token(b))),
        21 => answer!(tx.factors().replace_recovery_codes(user_id(a), &[token(0), token(1)])),
        22 if value > 5 => answer!(tx.factors().remove_passkey(user_id(a), passkey_id(b))),
        22 if value > 3 => answer!(tx.factors().use_passkey(passkey_id(b), value, at(value))),
        22 => answer!(tx.factors().add_passkey(&passkey(b, a))),
        23 if value > 6 => answer!(tx.api_tokens().revoke_all_of(user_id(a), at(value))),
        23 if value > 5 => answer!(tx.api_tokens().revoke(api_token_id(b), at(value))),
        23 if value > 3 => answer!(tx.api_tokens().touch(api_token_id(b), at(value), None)),
        23 if value > 2 => answer!(tx.factors().spend_once(&token(a), at(value), at(b))),
        23 => answer!(tx.api_tokens().add(&api_token(b, a))),
        _ if value > 5 => answer!(tx.bootstrap().spend(&token(b), at(value))),
        _ => answer!(tx.bootstrap().offer(&token(b), at(value))),
    }
}

async fn upkeep(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 6), u32::from(step.value % 8));
    let (host, there) = (host_id(a), repository_id(1 + value % 2));
    let lease = Lease {
        mode: LeaseMode::ALL[(value % 2) as usize],
        state: LeaseState::ALL[(step.row % 4).min(2) as usize],
        expires: at(value),
        ..lease(b, a, 1 + value % 2)
    };
    let duty = Duty {
        due: (value > 1).then(|| at(value)),
        failures: a,
        job: Some(job_id(b)),
        ..duty(1 + value % 2, [JobKind::Forget, JobKind::Prune, JobKind::Check][a as usize])
    };
    match choice(step, 14) {
        10 => answer!(tx.measurements().record(&measurement(1 + value % 2, a * 40_000 + b))),
        11 if value > 5 => answer!(tx.measurements().purge(at(a * 40_000), 2)),
        11 if value > 3 => answer!(tx.upkeep().discard_deletion_test(there)),
        11 => answer!(tx.upkeep().record_deletion_test(&deletion_test(1 + value % 2, b))),
        12 => answer!(tx.previews().add(job_id(b), &[previewed(a), previewed(value)])),
        13 if value > 4 => answer!(tx.drafts().wipe(job_id(b))),
        13 => answer!(tx.drafts().keep(&Draft { job: job_id(b), sealed: SealedBlob::new([step.value]) })),
        0..=2 => answer!(tx.leases().take(&lease)),
        3 => answer!(tx.leases().reflect(&lease)),
        4 => answer!(tx.leases().renew(host, at(value + 9))),
        5 if value > 3 => answer!(tx.leases().release(job_id(b))),
        5 => answer!(tx.leases().lose(job_id(b), at(value), at(value + 5))),
        6 if value > 3 => answer!(tx.leases().release_lost(there)),
        6 => answer!(tx.leases().leave_queue(host)),
        7 => answer!(tx.repositories().appoint(there, Some(host), Some(value), i64::from(value % 3) + 1)),
        _ => answer!(tx.upkeep().set(&duty)),
    }
}

async fn work(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 6), u32::from(step.value % 8));
    let (host, id) = (host_id(a), job_id(b));
    match choice(step, 20) {
        0 => answer!(tx.jobs().queue(&job(b, a))),
        1 => {
            let slots = Some(Slots::one(schedule_id(value % 2), at(u32::from(step.row))));
            answer!(tx.jobs().queue(&NewJob { slots, ..job(b, a) }))
        }
        16 => {
            let moment = |second| (value > second).then(|| at(value));
            let worst_backup = (value > 5).then(|| last_backup(value, JobState::ALL[b as usize % 4], b));
            let plan = HostPlan { next_run: moment(2), fresh_until: moment(4), worst_backup };
            answer!(tx.hosts().plan(host, &plan))
        }
        17 => answer!(tx.hosts().note_missed(host, &[i64::from(value) * 7, i64::from(b)])),
        18 => answer!(tx.hosts().want_configuration(host, &format!("digest-{}", value % 3), at(value))),
        19 if value == 7 => answer!(tx.hosts().refuse_configuration(host, "no\0thing")),
        19 => {
            let digest = format!("digest-{}", value % 3);
            let held = ConfigurationVersion { number: u64::from(b), digest };
            answer!(tx.hosts().hold_configuration(host, (value > 1).then_some(&held), at(value)))
        }
        2 => answer!(tx.jobs().dispatch(id, at(value))),
        3 => answer!(tx.jobs().claim_queued(host, at(value))),
        4 => answer!(tx.jobs().requeue(id)),
        5 | 6 => answer!(tx.jobs().start(id, at(value), Some("restic backup"))),
        7 => answer!(tx.jobs().request_cancel(id, at(value))),
        8 | 9 => {
            let mut end = end(JobState::ALL[value as usize]);
            end.statistics.bytes_processed = u64::from(step.row);
            answer!(tx.jobs().finish(id, at(value), &end))
        }
        10 if value > 5 => answer!(tx.jobs().collect(at(value), 1)),
        10 => answer!(tx.logs().discard(at(value), 2)),
        11 | 12 => {
            let first = u64::from(step.row) * 40;
            let lines: Vec<LogLine> = (first..first + u64::from(step.value)).map(line).collect();
            answer!(tx.logs().append(id, &lines))
        }
        13 => {
            let listing: Vec<_> = (a..b).map(listed).collect();
            let there = repository_id(value % 3);
            match value {
                7 => answer!(tx.snapshots().forget(host, there, &[listed(a).id, listed(a).id, listed(b).id])),
                _ => answer!(tx.snapshots().record_listing(host, there, &listing, at(value))),
            }
        }
        14 if value > 4 => answer!(tx.hosts().note_last_seen(host, at(value))),
        14 => answer!(tx.hosts().connect(host, at(value), &facts("0.19.1"), Some("192.0.2.1"))),
        _ if value > 4 => {
            let (state, there) = (RepositoryState::ALL[value as usize % 7], repository_id(b % 3));
            answer!(tx.attachments().record_check(host, there, state, Some("looked"), at(value)))
        }
        _ => {
            let position = OutboxPosition { outbox: outbox_id(b % 2), sequence: u64::from(value) };
            answer!(tx.hosts().advance_outbox(host, position))
        }
    }
}

async fn alerts(tx: &mut dyn Transaction, step: Step) -> Result<String, Error> {
    let (a, b, value) = (u32::from(step.row % 3), u32::from(step.other % 3), u32::from(step.value % 8));
    let kind = AlertKind::ALL[a as usize];
    let (subject, severity) = (found(0, kind, b).subject, Severity::ALL[(value % 3) as usize]);
    let id = alert_id(u32::from(step.other));
    let cause = Some(alert_id(a)).filter(|cause| value > 4 && *cause != id);
    let finding = NewAlert { severity, cause, ..found(u32::from(step.other), kind, b) };
    let how = Acknowledgement {
        by: user_id(a),
        at: at(value),
        reason: format!("reason {value}"),
        until: Some(at(value + b)).filter(|_| value > 3),
    };
    match choice(step, 16) {
        0..=3 => answer!(tx.alerts().raise(&finding)),
        4 => answer!(tx.alerts().acknowledge(id, &how)),
        10 => answer!(tx.alerts().advance(id, at(3000 * value))),
        11 if value > 3 => {
            answer!(tx.alerts().set_cause(
                id,
                Some(alert_id(a)).filter(|cause| value > 5 && *cause != id),
                at(value)
            ))
        }
        11 => answer!(tx.alerts().close(id, at(value))),
        12 => answer!(tx.alerts().settle_up(id)),
        13 if value > 4 => answer!(tx.sources().note_reads(group_id(a), at(value))),
        13 => answer!(tx.backup_days().note(&backup_day(a, i64::from(b), value))),
        14 => answer!(tx.backup_days().purge(i64::from(b), 2)),
        15 if b == 0 => answer!(tx.hosts().watch_all(at(value))),
        15 if b == 1 => answer!(tx.hosts().watch_by(host_id(a), at(value))),
        15 => answer!(tx.hosts().watch(host_id(a), Some(at(value)).filter(|_| value > 1))),
        5 => answer!(tx.alerts().resolve(kind, &subject, at(value))),
        6 => answer!(tx.alerts().resolve_by_hand(id, user_id(a), at(value))),
        7 => answer!(tx.alerts().purge(at(value), 2)),
        8 => answer!(tx.maintenance().add(&window(a, value, value + b))),
        _ if value > 5 => answer!(tx.maintenance().purge(at(value))),
        _ => answer!(tx.maintenance().end(maintenance_id(a), at(value))),
    }
}

/// Names that meet now and then, whatever their case.
fn host_name(value: u32) -> String {
    if value.is_multiple_of(2) { format!("Host {}", value / 2) } else { format!("HOST {}", value / 2) }
}

fn host(number: u32, value: u32) -> crate::hosts::NewHost {
    crate::hosts::NewHost { name: host_name(value), ..super::samples::host(number) }
}

fn plan(number: u32, host: u32, group: u32) -> Schedule {
    Schedule {
        host: host_id(host),
        name: format!("Schedule {}", group % 2),
        groups: (0..=group).map(group_id).collect(),
        ..schedule(number, 1)
    }
}

/// Everything that queries can tell, as text.
///
/// # Errors
/// When a query fails.
pub async fn state(store: &dyn Store) -> Result<String, Error> {
    let mut read = store.read().await?;
    let mut parts = vec![fleet_state(&mut *read).await?, work_state(&mut *read).await?];
    parts.push(people_state(&mut *read).await?);
    Ok(parts.join("\n"))
}

/// What a monitoring system would be told, as text; apart from [`state`], because counts begin with the version that counts.
///
/// # Errors
/// When the backend fails.
pub async fn metrics(store: &dyn Store) -> Result<String, Error> {
    let mut read = store.read().await?;
    let metrics = read.metrics();
    let counts = (metrics.ended_jobs().await?, metrics.job_durations().await?, metrics.log_bytes().await?);
    let rows = (metrics.lease_tallies().await?, metrics.groups(None, 50).await?);
    let repositories = (metrics.measured(None, 50).await?, metrics.duties(None, 50).await?);
    Ok(format!("{counts:#?}\n{rows:#?}\n{repositories:#?}"))
}

async fn fleet_state(read: &mut dyn Read) -> Result<String, Error> {
    let mut seen = Vec::new();
    let filters = [
        HostFilter::default(),
        HostFilter { tag: Some("tag-1".into()), ..HostFilter::default() },
        HostFilter { backups: Some(Backups::Failing), ..HostFilter::default() },
        HostFilter { backups: Some(Backups::FreshAt(at(3))), ..HostFilter::default() },
        HostFilter { backups: Some(Backups::StaleAt(at(3))), ..HostFilter::default() },
        HostFilter { backups: Some(Backups::Unknown), ..HostFilter::default() },
        HostFilter { drifting: true, ..HostFilter::default() },
        HostFilter { deleted: true, ..HostFilter::default() },
        HostFilter { search: Some("T 1".into()), ..HostFilter::default() },
        HostFilter { scope: Scope::tags(["tag-1"]), ..HostFilter::default() },
    ];
    for filter in filters {
        for order in [HostOrder::Name, HostOrder::NextRun, HostOrder::LastGood] {
            seen.push(format!("{:#?}", read.hosts().page(&filter, order, PageRequest::first(2)).await?));
        }
    }
    seen.push(format!("{:?}", read.hosts().run_passed(at(3), 9).await?));
    let mut standings = read.hosts().standings(&Scope::All, at(3)).await?;
    standings.sort_unstable();
    seen.push(format!("{standings:?}"));
    seen.push(format!("{:?}", read.hosts().tags().await?));
    seen.push(format!("{:#?}", read.repositories().page(&Scope::All, PageRequest::first(9)).await?));
    for number in 0..3 {
        let (host, there) = (host_id(number), repository_id(number));
        seen.push(format!("{:#?}", read.hosts().find(host).await?));
        seen.push(format!("{:#?}", read.repositories().find(there).await?));
        seen.push(format!("{:#?}", read.repositories().credentials(there).await?));
        seen.push(format!("{:#?}", read.attachments().of_host(host).await?));
        seen.push(format!("{:#?}", read.attachments().of_repository(there, &Scope::All).await?));
        seen.push(format!("{:#?}", read.sources().of_host(host).await?));
        seen.push(format!("{:#?}", read.hooks().find(HookOwner::Host(host)).await?));
        seen.push(format!("{:#?}", read.hooks().find(HookOwner::SourceGroup(group_id(number))).await?));
        seen.push(format!("{:#?}", read.schedules().of_host(host).await?));
        seen.push(format!("{:#?}", read.freezes().of_repository(there).await?));
        seen.push(format!("{:#?}", read.sources().with_retention_in(there).await?));
        let newest = read.snapshots().newest_tagged(host, there, "a").await?;
        seen.push(format!("{newest:?}"));
        let scope = SnapshotScope::Host(host);
        seen.push(format!("{:#?}", read.snapshots().page(scope, PageRequest::first(3)).await?));
    }
    Ok(seen.join("\n"))
}

async fn work_state(read: &mut dyn Read) -> Result<String, Error> {
    let mut seen = vec![format!("{:?}", read.jobs().tallies().await?)];
    let scopes = [
        JobScope::Fleet,
        JobScope::Host(host_id(1)),
        JobScope::Repository(repository_id(1)),
        JobScope::SourceGroup(group_id(1)),
        JobScope::Schedule(schedule_id(1)),
        JobScope::HostWithin(host_id(1), at(0), at(9999)),
        JobScope::State(JobState::Running),
        JobScope::HostState(host_id(1), JobState::Queued),
    ];
    for scope in scopes {
        seen.push(format!("{:#?}", read.jobs().page(scope, &Scope::All, PageRequest::first(9)).await?));
    }
    for number in 1..=2 {
        let there = repository_id(number);
        let held = read.leases().held_in(there, 9).await?;
        let exclusive = held.iter().any(|lease| lease.mode == LeaseMode::Exclusive);
        seen.push(format!("{held:?} {exclusive} {:?}", read.leases().next_in(there).await?));
        seen.push(format!("{:?}", read.upkeep().of_repository(there).await?));
        seen.push(format!("{:?}", read.upkeep().deletion_test(there).await?));
        seen.push(format!("{:?}", read.measurements().history(there, 3).await?));
    }
    seen.push(format!(
        "{:?} {:?}",
        (read.leases().waited_for(None, 9).await?, read.leases().next_in_fleet().await?),
        read.leases().expired(at(5), 9).await?
    ));
    seen.push(format!("{:?} {:?}", read.upkeep().due(at(5), 9).await?, read.repositories().runners().await?));
    for number in 0..6 {
        let (job, there) = (job_id(number), repository_id(1 + number % 2));
        seen.push(format!("{:?}", read.leases().crowd(job, there).await?));
        seen.push(format!("{:?}", read.leases().fleet_crowd(job).await?));
        seen.push(format!("{:?}", read.previews().page(job, PageRequest::first(3)).await?.items));
        seen.push(format!("{:?}", read.drafts().find(job).await?));
        if let Some(lease) = read.leases().find(job).await? {
            seen.push(format!("{:?}", read.leases().places_before(&lease, 3).await?));
        }
        seen.push(format!("{:?}", read.logs().lines(job_id(number), 30, 2000).await?));
        seen.push(format!("{:?}", read.jobs().active_of(host_id(number)).await?));
    }
    seen.push(format!("{:?}", read.jobs().overdue(at(63), 9).await?));
    Ok(seen.join("\n"))
}

async fn announced(tx: &mut dyn Transaction, a: u32, b: u32, value: u32) -> Result<String, Error> {
    let id = pending_host_id(a);
    let facts = facts("0.19.0");
    let sighting = Sighting { facts, address: None, network: "::".into(), seen: at(value) };
    match value {
        0..=2 => answer!(tx.pending_hosts().add(&PendingHost { public_key: key(b), ..pending_host(a) })),
        3 if b == 0 => answer!(tx.pending_hosts().clear()),
        3 => answer!(tx.pending_hosts().look_at(id, at(b))),
        4 if b == 0 => answer!(tx.pending_hosts().purge(at(3601))),
        4 => answer!(tx.pending_hosts().see(id, &sighting)),
        5 => answer!(tx.pending_hosts().accept(id, host_id(b), at(9000))),
        6 if b == 0 => answer!(tx.pending_hosts().remove(id)),
        6 => answer!(tx.pending_hosts().note_last_seen(id, at(b))),
        _ => answer!(tx.pending_hosts().reject(id, at(9000))),
    }
}

fn key(number: u32) -> PublicKey {
    PublicKey::new(*token(number).as_bytes())
}

async fn people_state(read: &mut dyn Read) -> Result<String, Error> {
    let mut seen = vec![
        format!("{:#?}", read.users().page(PageRequest::first(9)).await?),
        format!("{:?}", read.users().enabled_admins().await?),
        format!("{:?}", read.bootstrap().current().await?),
        format!("{:#?}", read.enrolments().page(&Scope::All, PageRequest::first(20)).await?),
        format!("{:#?}", read.alerts().page(AlertFilter::default(), PageRequest::first(20)).await?),
        format!("{:?}", read.alerts().tallies().await?),
        format!("{:#?}", read.alerts().due(at(9000), 20).await?),
        format!("{:?}", read.hosts().to_watch(at(9000), 20).await?),
        format!("{:#?}", read.maintenance().not_over(at(0), 9).await?),
        format!("{:#?}", read.channels().all(9).await?),
        format!("{:#?}", read.routes().all(9).await?),
        format!("{:#?}", read.silences().not_over(at(0), 9).await?),
        format!("{:#?}", read.deliveries().notices(9).await?),
        format!("{:#?}", read.deliveries().due(at(4), 9).await?),
        format!("{:#?}", read.deliveries().page(None, PageRequest::first(9)).await?),
        format!("{:#?}", read.pending_hosts().waiting().await?),
        format!("{:#?}", read.audit().page(&AuditScope::Everything, PageRequest::first(99)).await?),
    ];
    for number in 0..12 {
        let filter = AlertFilter { place: AlertPlace::Below(alert_id(number)), ..AlertFilter::default() };
        seen.push(format!("{:#?}", read.alerts().page(filter, PageRequest::first(20)).await?));
        seen.push(format!("{:?}", read.alerts().below(alert_id(number), 20).await?));
    }
    for number in 0..3 {
        let kind = AlertKind::ALL[number as usize];
        seen.push(format!("{:?}", read.alerts().dismissed(kind, &found(0, kind, number).subject).await?));
        seen.push(format!("{:?}", read.alerts().lasting_on(host_id(number), 20).await?));
        seen.push(format!("{:?}", read.sources().reads_since(group_id(number)).await?));
        seen.push(format!("{:?}", read.backup_days().of_host(host_id(number), 0).await?));
        seen.push(format!("{:?}", read.users().named(&format!("user {number}")).await?));
        // Hashes do not show in `Debug`, so they are looked up.
        seen.push(format!(
            "{:?}",
            read.users().find(user_id(number)).await?.map(|user| user.password.as_str().to_owned())
        ));
        let channel = channel_id(number);
        seen.push(format!("{:?}", read.deliveries().newest(channel, "group-1").await?));
        seen.push(format!("{:?}", read.deliveries().waiting(channel, 2).await?));
        seen.push(format!("{:?}", read.deliveries().page(Some(channel), PageRequest::first(2)).await?));
        seen.push(format!("{:?}", read.sessions().live_of(user_id(number), at(5)).await?));
        seen.push(format!("{:?}", read.factors().totp(user_id(number)).await?));
        seen.push(format!("{:?}", read.factors().recovery_codes_left(user_id(number)).await?));
        seen.push(format!("{:?}", read.factors().passkeys(user_id(number)).await?));
        seen.push(format!("{:?}", read.api_tokens().find(api_token_id(number)).await?));
        seen.push(format!("{:?}", read.hosts().with_agent_token(&token(number)).await?.map(|host| host.id)));
        seen.push(format!("{:?}", read.sessions().with_token(&token(number)).await?));
        seen.push(format!("{:?}", read.setup_links().of_user(user_id(number)).await?));
        seen.push(format!("{:?}", read.setup_links().with_token(&token(number)).await?));
        seen.push(format!("{:?}", read.limits().full_at(&Lane::new([number as u8; 32])).await?));
        seen.push(format!("{:?}", read.pending_hosts().with_key(&key(number)).await?));
        let enrolment = read.enrolments().with_token(&token(number)).await?;
        seen.push(format!("{:?}", enrolment.map(|enrolment| enrolment.state == EnrolmentState::Open)));
        for key in 0..3 {
            seen.push(format!(
                "{:?}",
                read.replies().find(&format!("user-{number}"), &format!("key-{key}")).await?
            ));
        }
    }
    Ok(seen.join("\n"))
}
