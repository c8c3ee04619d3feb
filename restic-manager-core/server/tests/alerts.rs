//! What needs somebody: found, listed, taken on, closed.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    JobEnd, SnapshotSeen, Timestamp,
    agent::{JobOrder, ReportItem},
    api::{Page, alerts::Alert, fleet::Fleet, hosts::HostStatistics},
    vocabulary::{
        Action, AlertKind, AlertState, AlertStep, Cause, JobState, NoticeKind, RepositoryState, Role,
        Severity,
    },
};
use restic_manager_store::Audit;
use restic_manager_testkit::started;
use serde_json::json;

use crate::{
    fleet::{self, failed, good},
    support::PASSWORD,
    world::{World, make_channel, raise},
};

#[tokio::test]
async fn an_alert_is_counted_until_somebody_takes_it_on() {
    let world = World::new().await;
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!((fleet.alerts_critical, fleet.alerts_warning, fleet.alerts_info), (1, 0, 0));
    let page: Page<Alert> = world.admin.get("/api/v1/alerts?state=open&severity=critical").await.json();
    let [alert] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((alert.id, alert.count, alert.state), (world.alert, 1, AlertState::Open));
    assert_eq!((alert.severity, alert.subject.as_str()), (Severity::Critical, "web-1"));
    assert_eq!(alert.subject_id, world.host.to_string());
    assert!(alert.next_step.contains("treat the host as taken over"), "{}", alert.next_step);

    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    let taken: Alert = world.admin.post(&path, json!({})).await.expect(StatusCode::OK).json();
    assert_eq!((taken.state, taken.acknowledged_by.as_deref()), (AlertState::Acknowledged, Some("alice")));
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!(fleet.alerts_critical, 0, "the change is seen at once");

    raise(&world.app, world.host).await;
    let again: Alert = world.admin.get(&format!("/api/v1/alerts/{}", world.alert)).await.json();
    assert_eq!((again.count, again.state), (2, AlertState::Acknowledged));
}

#[tokio::test]
async fn closing_twice_is_done_and_audited_once() {
    let world = World::new().await;
    let entries = world.app.audited().await.len();
    let path = format!("/api/v1/alerts/{}/resolve", world.alert);
    for _ in 0..2 {
        let closed: Alert = world.admin.post(&path, json!({})).await.expect(StatusCode::OK).json();
        assert_eq!((closed.state, closed.resolved_by.as_deref()), (AlertState::Resolved, Some("alice")));
    }
    assert_eq!(world.app.audited().await.split_off(entries), [Action::AlertResolve]);
    let nothing: Page<Alert> = world.admin.get("/api/v1/alerts?state=open").await.json();
    assert!(nothing.items.is_empty());
    let unknown = format!("/api/v1/alerts/{}/resolve", world.host);
    world.admin.post(&unknown, json!({})).await.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_refused_again_and_again_does_not_fill_the_audit_log() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    for _ in 0..40 {
        viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    }
    let refused = async || {
        let audited = world.app.audited().await;
        audited.iter().filter(|action| **action == Action::AccessRefused).count()
    };
    assert_eq!(refused().await, 30);
    world.app.clock.advance(core::time::Duration::from_secs(60));
    viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(refused().await, 31);
}

#[tokio::test]
async fn a_viewer_looks_and_does_not_touch() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    viewer.get("/api/v1/alerts").await.expect(StatusCode::OK);
    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    viewer.get("/api/v1/alerts?state=sideways").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn taking_on_says_why_and_until_when() {
    let world = World::new().await;
    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    for (field, body) in [
        ("reason", json!({ "reason": "x".repeat(201) })),
        ("until", json!({ "until": world.app.now() })),
        ("until", json!({ "until": world.app.now().after(Duration::from_secs(91 * 86_400)) })),
    ] {
        let problem = world.admin.post(&path, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, field);
    }
    let until = world.app.now().after(Duration::from_secs(86_400));
    let body = json!({ "reason": " the machine is looked at ", "until": until });
    let taken: Alert = world.admin.post(&path, body).await.expect(StatusCode::OK).json();
    assert_eq!((taken.reason.as_str(), taken.acknowledged_until), ("the machine is looked at", Some(until)));
    let steps: Vec<_> = taken.history.iter().map(|event| (event.step, event.by.as_deref())).collect();
    assert_eq!(steps, [(AlertStep::Raised, None), (AlertStep::Acknowledged, Some("alice"))]);
    let list: Page<Alert> = world.admin.get("/api/v1/alerts").await.json();
    assert!(list.items[0].history.is_empty(), "lists leave it out");
    let both = format!("/api/v1/alerts?below={}&state=open", world.alert);
    world.admin.get(&both).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_new_admin_is_told() {
    let world = World::new().await;
    let body = json!({ "name": "mallory", "role": "admin", "scope": { "kind": "all" } });
    world.admin.post("/api/v1/users", body).await.expect(StatusCode::CREATED);
    let told: Page<Alert> = world.admin.get("/api/v1/alerts?kind=admin-added").await.json();
    assert_eq!(told.items[0].summary, "alice made mallory an admin.");
    assert_eq!((told.items.len(), told.items[0].severity), (1, Severity::Info));
}

/// The alerts that last and have no cause, oldest first, by kind and subject.
async fn lasting(fleet: &fleet::Fleet) -> Vec<(AlertKind, String)> {
    let page: Page<Alert> = fleet.admin.get("/api/v1/alerts?state=open").await.json();
    page.items.into_iter().rev().map(|alert| (alert.kind, alert.subject)).collect()
}

async fn only(fleet: &fleet::Fleet, kind: AlertKind) -> Alert {
    let page: Page<Alert> = fleet.admin.get(&format!("/api/v1/alerts?kind={kind}")).await.json();
    let [alert] = &page.items[..] else { panic!("{kind}: {page:?}") };
    fleet.admin.get(&format!("/api/v1/alerts/{}", alert.id)).await.json()
}

/// A backup of a host that ends so.
async fn backs_up(fleet: &mut fleet::Fleet, host: usize, end: JobEnd) -> JobOrder {
    fleet.backup(host).await;
    let order = fleet.begins(host).await;
    fleet.ends(host, order.job, end).await;
    order
}

fn says(mut end: JobEnd, detail: &str) -> JobEnd {
    detail.clone_into(&mut end.detail);
    end
}

#[tokio::test]
async fn a_backup_that_failed_is_an_alert_until_one_is_whole() {
    let mut fleet = fleet::Fleet::of(1).await;
    let end = says(failed(Cause::Other), "Fatal: something broke\nmore of it");
    let order = backs_up(&mut fleet, 0, end.clone()).await;
    let alert = only(&fleet, AlertKind::BackupFailed).await;
    assert_eq!((alert.subject.as_str(), alert.severity), ("web-1/default", Severity::Warning));
    assert_eq!((alert.evidence.as_str(), alert.job), ("Fatal: something broke", Some(order.job)));
    assert_eq!((alert.host, alert.repository), (Some(fleet.hosts[0].persona.host), Some(fleet.repository)));
    for _ in 0..2 {
        backs_up(&mut fleet, 0, end.clone()).await;
    }
    let alert = only(&fleet, AlertKind::BackupFailed).await;
    assert_eq!((alert.count, alert.severity), (3, Severity::Critical), "it was tried often enough");
    // Another end is another matter, and one at a time.
    for (end, kind) in [
        (JobEnd::new(JobState::Incomplete, Cause::SourceUnreadable), AlertKind::BackupIncomplete),
        (failed(Cause::SourceMissing), AlertKind::SourceMissing),
        (failed(Cause::HookFailed), AlertKind::HookFailed),
    ] {
        backs_up(&mut fleet, 0, end).await;
        assert_eq!(lasting(&fleet).await, [(kind, "web-1/default".to_owned())]);
    }
    backs_up(&mut fleet, 0, JobEnd::new(JobState::Cancelled, Cause::Cancelled)).await;
    assert_eq!(lasting(&fleet).await.len(), 1, "one that was cancelled says nothing");
    backs_up(&mut fleet, 0, good()).await;
    assert_eq!(lasting(&fleet).await, []);
}

#[tokio::test]
async fn a_full_disk_is_told_by_its_name() {
    let mut fleet = fleet::Fleet::of(1).await;
    backs_up(&mut fleet, 0, says(failed(Cause::OutOfSpace), "write: no space left on device")).await;
    let alert = only(&fleet, AlertKind::OutOfSpace).await;
    assert_eq!(
        (alert.severity, alert.evidence.as_str()),
        (Severity::Critical, "write: no space left on device")
    );
    backs_up(&mut fleet, 0, good()).await;
    assert_eq!(lasting(&fleet).await, []);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_until_it_is_right() {
    let mut fleet = fleet::Fleet::of(1).await;
    let third = Duration::from_secs(20 * 60);
    let minute = Duration::from_secs(60);
    for (off, words) in [
        (None, None),
        (Some((third, true)), Some("20 minutes or more ahead of the server's")),
        (Some((minute, true)), None),
        (Some((third, false)), Some("20 minutes or more behind the server's")),
        (Some((minute, false)), None),
    ] {
        fleet.backup(0).await;
        let at = match off {
            None => fleet.app.now(),
            Some((by, true)) => fleet.app.now().after(by),
            Some((by, false)) => fleet.app.now().before(by),
        };
        let worker = &mut fleet.hosts[0];
        let order = worker.agent.order().await;
        worker.persona.report(&mut worker.agent, vec![started(at, order.job)]).await;
        fleet.ends(0, order.job, good()).await;
        let page: Page<Alert> = fleet.admin.get("/api/v1/alerts?kind=clock-skew").await.json();
        let lasting: Vec<_> = page.items.iter().filter(|alert| alert.state != AlertState::Resolved).collect();
        match words {
            None => assert!(lasting.iter().all(|alert| alert.settles_at.is_some()), "{lasting:?}"),
            Some(words) => assert!(lasting[0].summary.contains(words), "{lasting:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_that_an_agent_does_not_replace_is_told() {
    let mut fleet = fleet::Fleet::of(1).await;
    let look = async |fleet: &fleet::Fleet| {
        let mut transaction = fleet.app.store.begin().await.unwrap();
        let (host, now) = (fleet.hosts[0].persona.host, fleet.app.now());
        transaction.hosts().watch(host, Some(now)).await.unwrap();
        transaction.commit(Audit::Routine("a fixture")).await.unwrap();
        fleet::rounds().await;
        fleet::rounds().await;
    };
    let day = Duration::from_secs(86_400);
    fleet.app.clock.advance(30 * day);
    look(&fleet).await;
    fleet.admin = fleet.app.sign_in("alice", PASSWORD).await;
    let path = "/api/v1/alerts?kind=agent-token-old";
    assert!(fleet.admin.get(path).await.json::<Page<Alert>>().items.is_empty());
    fleet.app.clock.advance(2 * day);
    look(&fleet).await;
    fleet.admin = fleet.app.sign_in("alice", PASSWORD).await;
    assert_eq!(only(&fleet, AlertKind::AgentTokenOld).await.count, 1);
}

#[tokio::test]
async fn a_digest_tells_what_ran_what_failed_and_what_grew() {
    let mut fleet = fleet::Fleet::of(2).await;
    let channel = make_channel(&fleet.admin, "Ops").await;
    let route = json!({ "name": "Daily", "rule": { "channels": [channel], "timing": "daily" } });
    fleet.admin.post("/api/v1/notification-routes", route).await.expect(StatusCode::CREATED);
    let mut grown = holds(10, GIB);
    grown.statistics.bytes_added = 3 * GIB;
    backs_up(&mut fleet, 0, grown).await;
    backs_up(&mut fleet, 1, failed(Cause::SourceMissing)).await;
    fleet::rounds().await;
    let seven: Timestamp = "2026-11-22T07:00:00Z".parse().unwrap();
    fleet.app.clock.set(seven);
    fleet::rounds().await;
    let digest = fleet.app.heard.next().await;
    assert_eq!(digest.kind, NoticeKind::Digest);
    for line in [
        "From 2026-11-21T07:00:00Z to 2026-11-22T07:00:00Z:",
        "backup: 1 failed, 1 succeeded",
        "- web-2/default: backup, source missing",
        "- web-1/default: 3.0 GiB",
    ] {
        assert!(digest.body.lines().any(|one| one == line), "{line}: {}", digest.body);
    }
}

#[tokio::test]
async fn storage_that_is_down_is_one_alert_with_the_backups_below_it() {
    let mut fleet = fleet::Fleet::of(3).await;
    let down = says(failed(Cause::Unreachable), "dial tcp: connection refused");
    for host in 0..3 {
        backs_up(&mut fleet, host, down.clone()).await;
    }
    assert_eq!(lasting(&fleet).await, [(AlertKind::RepositoryUnreachable, "main".to_owned())]);
    let alert = only(&fleet, AlertKind::RepositoryUnreachable).await;
    assert_eq!((alert.below, alert.count), (3, 1), "the hosts of a repository may be thousands");
    assert_eq!(alert.evidence, "dial tcp: connection refused");
    let below: Page<Alert> = fleet.admin.get(&format!("/api/v1/alerts?below={}", alert.id)).await.json();
    assert_eq!(below.items.len(), 3);
    assert!(below.items.iter().all(|one| one.kind == AlertKind::BackupFailed && one.cause == Some(alert.id)));
    let counted: Fleet = fleet.admin.get("/api/v1/fleet").await.json();
    assert_eq!((counted.alerts_critical, counted.alerts_warning), (1, 0));

    // It is over when no host sees it so any more.
    backs_up(&mut fleet, 0, good()).await;
    assert_eq!(only(&fleet, AlertKind::RepositoryUnreachable).await.state, AlertState::Open);
    backs_up(&mut fleet, 1, good()).await;
    let host = fleet.hosts[2].persona.host;
    fleet.admin.delete(&format!("/api/v1/hosts/{host}")).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(only(&fleet, AlertKind::RepositoryUnreachable).await.state, AlertState::Resolved);
    assert_eq!(lasting(&fleet).await, []);
}

#[tokio::test]
async fn what_a_look_finds_is_told_by_its_name() {
    let mut fleet = fleet::Fleet::of(1).await;
    for (state, kind) in [
        (RepositoryState::WrongPassword, AlertKind::WrongPassword),
        (RepositoryState::AccessDenied, AlertKind::AccessDenied),
        (RepositoryState::Missing, AlertKind::RepositoryMissing),
    ] {
        looks(&mut fleet, state).await;
        assert_eq!(lasting(&fleet).await, [(kind, "main".to_owned())]);
    }
    looks(&mut fleet, RepositoryState::Ready).await;
    assert_eq!(lasting(&fleet).await, []);
}

async fn looks(fleet: &mut fleet::Fleet, state: RepositoryState) {
    let (repository, at) = (fleet.repository, fleet.app.now());
    let report = ReportItem::RepositoryChecked { repository, at, state, detail: "as seen".to_owned() };
    let worker = &mut fleet.hosts[0];
    worker.persona.report(&mut worker.agent, vec![report]).await;
}

async fn lists(fleet: &mut fleet::Fleet, ids: &[u8]) {
    let (repository, at) = (fleet.repository, fleet.app.now());
    let seen = |number: &u8| {
        let id = format!("{number:064x}");
        let json =
            json!({ "id": id, "time": at, "tags": ["default"], "paths": ["/srv"], "hostname": "web-1" });
        serde_json::from_value::<SnapshotSeen>(json).unwrap()
    };
    let snapshots = ids.iter().map(seen).collect();
    let report = ReportItem::Snapshots { repository, at, snapshots, part: 0, last: true };
    let worker = &mut fleet.hosts[0];
    worker.persona.report(&mut worker.agent, vec![report]).await;
}

#[tokio::test]
async fn snapshots_that_nobody_here_removed_are_missed() {
    let mut fleet = fleet::Fleet::of(1).await;
    lists(&mut fleet, &[1, 2, 3]).await;
    lists(&mut fleet, &[1, 2, 3, 4]).await;
    assert_eq!(lasting(&fleet).await, []);
    lists(&mut fleet, &[3, 4]).await;
    let alert = only(&fleet, AlertKind::SnapshotsVanished).await;
    assert_eq!(alert.summary, "2 snapshots are gone from main, and no forget of ours removed them.");
    assert_eq!((alert.severity, alert.host), (Severity::Critical, Some(fleet.hosts[0].persona.host)));
    lists(&mut fleet, &[3, 4]).await;
    assert_eq!(only(&fleet, AlertKind::SnapshotsVanished).await.count, 1, "once");
}

#[tokio::test]
async fn a_forget_that_did_not_live_to_report_explains_what_is_gone() {
    let mut fleet = fleet::Fleet::of(1).await;
    fleet.name_runner_alone().await;
    fleet.give_policy(0).await;
    lists(&mut fleet, &[1, 2, 3]).await;
    fleet.upkeep("forget").await;
    let order = fleet.begins(0).await;
    lists(&mut fleet, &[3]).await;
    fleet.ends(0, order.job, failed(Cause::AgentStopped)).await;
    let told = lasting(&fleet).await;
    assert!(told.iter().all(|(kind, _)| *kind != AlertKind::SnapshotsVanished), "{told:?}");
}

fn holds(files: u64, bytes: u64) -> JobEnd {
    let mut end = good();
    (end.statistics.files_unmodified, end.statistics.bytes_processed) = (files, bytes);
    (end.statistics.files_processed, end.statistics.bytes_added) = (files, 100);
    end.statistics.duration_milliseconds = 60_000;
    end
}

const GIB: u64 = 1 << 30;

#[tokio::test]
async fn a_source_that_shrinks_is_told_until_it_is_usual_or_meant_to_be() {
    let mut fleet = fleet::Fleet::of(1).await;
    for _ in 0..10 {
        backs_up(&mut fleet, 0, holds(1000, 4 * GIB)).await;
    }
    backs_up(&mut fleet, 0, holds(0, 0)).await;
    let alert = only(&fleet, AlertKind::SourceShrunk).await;
    assert_eq!(alert.severity, Severity::Critical);
    assert!(alert.summary.starts_with("The backup of web-1/default holds no files"), "{}", alert.summary);
    backs_up(&mut fleet, 0, holds(1000, 4 * GIB)).await;
    assert_eq!(lasting(&fleet).await, [], "usual again");

    fleet.app.clock.advance(Duration::from_secs(2 * 3600));
    backs_up(&mut fleet, 0, holds(300, GIB)).await;
    backs_up(&mut fleet, 0, holds(300, GIB)).await;
    let lasts = lasting(&fleet).await;
    assert_eq!(lasts, [(AlertKind::SourceShrunk, "web-1/default".to_owned())]);
    let page: Page<Alert> = fleet.admin.get("/api/v1/alerts?state=open").await.json();
    let path = format!("/api/v1/alerts/{}/resolve", page.items[0].id);
    fleet.admin.post(&path, json!({})).await.expect(StatusCode::OK);
    backs_up(&mut fleet, 0, holds(300, GIB)).await;
    assert_eq!(lasting(&fleet).await, [], "somebody said that it is meant to be so");

    let path = format!("/api/v1/hosts/{}/statistics", fleet.hosts[0].persona.host);
    let found: HostStatistics = fleet.admin.get(&path).await.json();
    assert_eq!(found.days.iter().map(|day| day.runs).sum::<u64>(), 15);
    assert_eq!(found.days.last().map(|day| day.bytes), Some(GIB));
    fleet.admin.get(&format!("{path}?days=401")).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_same_on_three_hosts_is_one_matter() {
    let mut fleet = fleet::Fleet::of(3).await;
    for host in 0..3 {
        backs_up(&mut fleet, host, holds(1000, GIB)).await;
    }
    for host in 0..2 {
        backs_up(&mut fleet, host, holds(0, 0)).await;
    }
    assert_eq!(lasting(&fleet).await.len(), 2);
    backs_up(&mut fleet, 2, holds(0, 0)).await;
    assert_eq!(lasting(&fleet).await, [(AlertKind::ManyAnomalies, String::new())]);
    assert_eq!(only(&fleet, AlertKind::ManyAnomalies).await.below, 3);
    for host in 0..3 {
        backs_up(&mut fleet, host, holds(1000, GIB)).await;
    }
    assert_eq!(lasting(&fleet).await, []);
}
