//! What agents report, and what is kept of it.

use restic_manager_proto::{
    JobEnd, OutboxId, Progress, SnapshotSeen,
    agent::{KnownJob, Message, Report, ReportItem},
    api::{Page, snapshots::Snapshot},
    session::Event,
    vocabulary::{Action, AlertKind, Cause, Health, JobKind, JobState},
};
use restic_manager_store::{Audit, alerts::AlertSubject};
use restic_manager_testkit::{Persona, ended, lines, patiently, started};

use crate::scene::{Scene, alert_of, invite, key};

#[tokio::test]
async fn a_backup_runs_and_its_log_and_result_are_kept() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.fleet().await.unknown, 1);
    let job = scene.ask_for_backup().await;
    assert_eq!(job.state, JobState::Queued);
    let order = scene.agent().order().await;
    assert_eq!((order.job, order.kind(), order.host_name.as_str()), (job.id, JobKind::Backup, "web-01"));
    let source = order.source().expect("a backup has a source");
    assert_eq!((source.includes.clone(), source.name.as_str()), (vec!["/srv".to_owned()], "default"));

    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=2)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
    let snapshot = SnapshotSeen::new("b".repeat(64), scene.app.now());
    let part = |part, last, snapshots| ReportItem::Snapshots {
        repository: order.repository.id,
        at: "2026-11-22T03:00:00Z".parse().unwrap(),
        snapshots,
        part,
        last,
    };
    let items =
        vec![part(0, false, vec![snapshot]), part(1, true, Vec::new()), ended(scene.app.now(), job.id)];
    scene.report(items).await;

    let done = scene.job(job.id).await;
    assert_eq!((done.state, done.cause, done.log_lines), (JobState::Succeeded, Cause::None, 2));
    assert_eq!(done.command, "restic backup --json -- /srv");
    assert_eq!(done.statistics.unwrap().bytes_processed, 4096);
    assert_eq!(scene.log(job.id).await, ["line 1", "line 2"]);
    let host = scene.host().await;
    assert_eq!((host.health, host.snapshots), (Health::Good, 1));
    assert_eq!(scene.fleet().await.good, 1, "a change is counted at once");
    let path = format!("/api/v1/hosts/{}/snapshots", scene.persona.host);
    let snapshots: Page<Snapshot> = scene.admin.get(&path).await.json();
    assert_eq!(snapshots.items[0].snapshot.id, "b".repeat(64));
}

#[tokio::test]
async fn what_is_reported_twice_is_kept_once() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let before = scene.persona.sent;
    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=3)]).await;
    // The acknowledgement was lost with the connection, so the agent sends everything again.
    scene.lose_agent().await;
    scene.reconnect(vec![KnownJob::new(job.id, JobState::Running)]).await;
    scene.persona.sent = before;
    let items = vec![
        started(scene.app.now(), job.id),
        lines(scene.app.now(), job.id, 1..=3),
        lines(scene.app.now(), job.id, 4..=5),
    ];
    scene.report(items).await;
    assert_eq!(scene.log(job.id).await, ["line 1", "line 2", "line 3", "line 4", "line 5"]);
}

#[tokio::test]
async fn a_report_on_another_hosts_job_changes_nothing_and_is_noted() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let invitation = invite(&scene.admin, "web-02").await;
    let (mut other, mut agent) =
        Persona::enrol(&scene.app.remote(scene.address()), key(13), invitation.token.expose()).await;
    let items = vec![
        started(scene.app.now(), job.id),
        lines(scene.app.now(), job.id, 1..=1),
        ended(scene.app.now(), job.id),
    ];
    other.report(&mut agent, items).await;
    let untouched = scene.job(job.id).await;
    assert_eq!((untouched.state, untouched.log_lines), (JobState::Dispatched, 0));
    assert_eq!(
        scene.app.audited().await.iter().filter(|action| **action == Action::AgentOverreach).count(),
        1
    );
    let mut read = scene.app.store.read().await.unwrap();
    let subject = AlertSubject::new("host", other.host);
    let alert = read.alerts().unresolved(AlertKind::AgentOverreach, &subject).await.unwrap();
    assert_eq!(alert.map(|alert| alert.subject_name).as_deref(), Some("web-02"));
}

#[tokio::test]
async fn a_gap_in_an_outbox_is_passed_over() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.persona.sent += 5;
    let report =
        Report::new(scene.persona.outbox, scene.persona.sent + 1, vec![started(scene.app.now(), job.id)]);
    let last = report.last();
    scene.agent().send(Message::Report(report));
    assert!(
        matches!(scene.agent().message().await, (_, Message::Acknowledge { through, .. }) if through == last)
    );
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
}

#[tokio::test]
async fn a_job_that_the_server_ended_first_makes_room_when_the_agent_ends_it_too() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let now = scene.app.now();
    scene.report(vec![started(now, job.id)]).await;
    let mut transaction = scene.app.store.begin().await.unwrap();
    let end = JobEnd::new(JobState::Failed, Cause::DeadlineExceeded);
    assert!(transaction.jobs().finish(job.id, now, &end).await.unwrap());
    transaction.leases().release(job.id).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();

    let progress = || Message::Progress { job: job.id, progress: Progress::default() };
    scene.agent().send(progress());
    scene.report(vec![ended(now, job.id)]).await;
    assert_eq!(scene.job(job.id).await.progress, None, "its figures are nobody's");
    scene.agent().send(progress());
    scene.report(vec![lines(now, job.id, 1..=1)]).await;
    assert_eq!(scene.job(job.id).await.progress, None, "and it may not report any");
    let next = scene.ask_for_backup().await;
    assert_eq!(scene.agent().order().await.job, next.id);
}

#[tokio::test]
async fn reports_that_were_confirmed_and_are_not_known_are_told() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.persona.sent += 5;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    assert!(alert_of(&scene, AlertKind::ServerRestored).await.is_some());
}

#[tokio::test]
async fn the_welcome_says_what_was_reported_and_an_agent_that_went_back_is_told() {
    let mut scene = Scene::new().await;
    let reported = scene.persona.sent;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    let welcome = scene.agent().welcome.reported.expect("it has reported");
    assert_eq!((welcome.outbox, welcome.through), (scene.persona.outbox, reported));

    // It finds that it never held so much, and begins anew, with numbers that go on.
    let before = scene.persona.outbox;
    scene.persona.outbox = OutboxId::from_bytes([9; 16]);
    scene.persona.sent = 1;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let began = ReportItem::OutboxBegan { at: scene.app.now(), before, last: 1, confirmed: reported };
    scene.report(vec![started(scene.app.now(), job.id), began]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
    assert!(alert_of(&scene, AlertKind::AgentRestored).await.is_some());
    assert_eq!(
        alert_of(&scene, AlertKind::ServerRestored).await,
        None,
        "another outbox has numbers of its own"
    );
}

#[tokio::test]
async fn an_inventory_in_parts_is_one_inventory() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    let mut agent = scene.persona.connect(&scene.app.remote(scene.address())).await;
    for (jobs, more) in [(vec![KnownJob::new(job.id, JobState::Running)], true), (Vec::new(), false)] {
        let now = agent.link.now();
        let asked = agent.link.session().request(now, Message::Inventory { jobs, more }).unwrap();
        let Event::Reply { number, .. } = patiently(agent.link.next()).await.unwrap() else {
            panic!("no answer")
        };
        assert_eq!(number, asked);
    }
    scene.agent = Some(agent);
    assert_eq!(scene.job(job.id).await.state, JobState::Running, "it is not taken for lost");
}
