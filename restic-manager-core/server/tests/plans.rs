//! What agents do by themselves: told, acknowledged, and reported.

use http::StatusCode;
use restic_manager_core::handshake::configured_secrets_context;
use restic_manager_proto::{
    JobEnd, JobId, RepositorySecrets, ScheduleId, SourceGroupId, Timestamp,
    agent::{Configuration, ErrorCode, KnownJob, Message, Reply, ReportItem, SlotJob},
    api::{Page, alerts::Alert, hosts::Host, jobs::Job, schedules::Schedule, source_groups::SourceGroup},
    session::RequestNumber,
    vocabulary::{Action, Cause, Health, JobState, Trigger},
};
use restic_manager_testkit::{Agent, ended, started};
use serde_json::json;
use std::time::Duration;

use crate::scene::Scene;

async fn only_group(scene: &Scene) -> SourceGroup {
    let path = format!("/api/v1/hosts/{}/source-groups", scene.persona.host);
    scene.admin.get(&path).await.json::<Page<SourceGroup>>().items.remove(0)
}

async fn make_schedule(scene: &Scene, name: &str) -> Schedule {
    let group = only_group(scene).await.id;
    let body = json!({ "name": name, "cron": "30 2 * * *", "zone": "UTC", "source_groups": [group] });
    let path = format!("/api/v1/hosts/{}/schedules", scene.persona.host);
    scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json()
}

/// The next configuration that the agent is told, which waits for its answer.
async fn told(agent: &mut Agent) -> (RequestNumber, Configuration) {
    loop {
        match agent.message().await {
            (number, Message::Configure(configuration)) => return (number, *configuration),
            (_, Message::Acknowledge { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Answers, and sees to it that the answer leaves.
async fn answer(agent: &mut Agent, number: RequestNumber, reply: Reply) {
    let now = agent.link.now();
    agent.link.session().reply(now, number, reply).unwrap();
    while agent.link.next_or_sent().await.unwrap().is_some() {}
}

/// Waits until the host is as wanted; what agents say is done a moment later.
async fn host_that(scene: &Scene, wanted: impl Fn(&Host) -> bool) -> Host {
    for _ in 0..2000 {
        let host = scene.host().await;
        if wanted(&host) {
            return host;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the host did not become so: {:?}", scene.host().await);
}

#[tokio::test]
async fn a_schedule_reaches_the_agent_and_drift_ends_with_its_word() {
    let mut scene = Scene::new().await;
    let schedule = make_schedule(&scene, "nightly").await;
    let drifting = scene.host().await.configuration;
    assert!(drifting.drift_since.is_some() && drifting.held.is_none(), "{drifting:?}");
    scene.agent().send(Message::Configured { version: None });
    let (number, configuration) = told(scene.agent()).await;
    assert_eq!(configuration.schedules[0].id, schedule.id);
    assert_eq!(configuration.groups[0].source.includes, ["/srv"]);
    let target = &configuration.repositories[0];
    let context = configured_secrets_context(target.id);
    let plain =
        scene.agent().keys.open(&context, target.secrets.as_bytes()).expect("sealed for this connection");
    let secrets: RepositorySecrets = serde_json::from_slice(plain.expose()).unwrap();
    assert_eq!(secrets.password.expose(), "a repository password");
    answer(scene.agent(), number, Reply::Ok {}).await;
    let host = host_that(&scene, |host| host.configuration.drift_since.is_none()).await;
    assert_eq!(host.configuration.held, Some(configuration.version.number));
    let all: Page<Host> = scene.admin.get("/api/v1/hosts?drift=true").await.json();
    assert!(all.items.is_empty());

    // Changes that come while one is on its way are told together, once it has answered.
    let path = format!("/api/v1/schedules/{}", schedule.id);
    let body = |cron: &str| {
        let groups: Vec<_> = schedule.source_groups.iter().map(|group| group.id).collect();
        json!({ "name": "nightly", "cron": cron, "zone": "UTC", "source_groups": groups })
    };
    for (version, cron) in [(1, "0 3 * * *"), (2, "0 4 * * *"), (3, "0 5 * * *")] {
        scene.admin.put(&path, Some(version), body(cron)).await.expect(StatusCode::OK);
    }
    let (number, _first) = told(scene.agent()).await;
    answer(scene.agent(), number, Reply::Ok {}).await;
    let mut last = _first;
    while last.schedules[0].cron != "0 5 * * *" {
        let (number, next) = told(scene.agent()).await;
        answer(scene.agent(), number, Reply::Ok {}).await;
        last = next;
    }
    host_that(&scene, |host| host.configuration.drift_since.is_none()).await;
}

#[tokio::test]
async fn an_agent_that_comes_back_is_told_only_what_it_lacks() {
    let mut scene = Scene::new().await;
    make_schedule(&scene, "nightly").await;
    scene.agent().send(Message::Configured { version: None });
    let (number, configuration) = told(scene.agent()).await;
    answer(scene.agent(), number, Reply::Ok {}).await;
    host_that(&scene, |host| host.configuration.drift_since.is_none()).await;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    scene.agent().send(Message::Configured { version: Some(configuration.version.clone()) });

    // Changed while it was connected and silent: another password is another configuration.
    let path = format!("/api/v1/repositories/{}/password", configuration.repositories[0].id);
    scene.admin.put(&path, None, json!({ "password": "another" })).await.expect(StatusCode::NO_CONTENT);
    let mut changed = None;
    while changed.is_none() {
        match scene.agent().message().await {
            (number, Message::Configure(next)) => changed = Some((number, next)),
            (number, Message::StartJob(_)) => answer(scene.agent(), number, Reply::Ok {}).await,
            (_, Message::Acknowledge { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    let (number, next) = changed.unwrap();
    assert!(next.version.number > configuration.version.number);
    let refusal = Reply::Error { code: ErrorCode::Invalid, message: "no such zone here".to_owned() };
    answer(scene.agent(), number, refusal).await;
    let host = host_that(&scene, |host| !host.configuration.refusal.is_empty()).await;
    assert!(host.configuration.drift_since.is_some());
    assert_eq!(host.configuration.refusal, "no such zone here");
    let all: Page<Host> = scene.admin.get("/api/v1/hosts?drift=true").await.json();
    assert_eq!(all.items[0].id, scene.persona.host);
}

#[tokio::test]
async fn a_configuration_that_fits_no_frame_is_refused_at_entry() {
    let scene = Scene::new().await;
    let repository = only_group(&scene).await.repository.id;
    let includes: Vec<_> = (0..60).map(|number| format!("/{number}{}", "x".repeat(4000))).collect();
    let path = format!("/api/v1/hosts/{}", scene.persona.host);
    let mut groups = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let body = json!({ "name": name, "includes": includes, "repository": repository });
        let made = scene.admin.post(&format!("{path}/source-groups"), body).await;
        groups.push(made.expect(StatusCode::CREATED).json::<SourceGroup>().id);
    }
    let times = json!({ "name": "nightly", "cron": "30 2 * * *", "zone": "UTC", "source_groups": groups });
    let problem = scene.admin.post(&format!("{path}/schedules"), times).await.problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains("768 KiB"), "{}", problem.detail);
    let kept: Page<Schedule> = scene.admin.get(&format!("{path}/schedules")).await.json();
    assert!(kept.items.is_empty(), "nothing changed");
}

fn job_id(number: u8) -> JobId {
    JobId::from_parts("2026-11-22T02:30:01Z".parse().unwrap(), [number; 10])
}

fn due(schedule: ScheduleId, slot: Timestamp, job: JobId, group: &SourceGroup) -> ReportItem {
    let jobs = vec![SlotJob { job, group: group.id, repository: group.repository.id }];
    ReportItem::SlotDue { schedule, slot, at: slot, jobs }
}

fn skipped(
    schedule: ScheduleId,
    from: Timestamp,
    through: Timestamp,
    count: u64,
    group: SourceGroupId,
) -> ReportItem {
    let cause = Cause::SlotMissed;
    ReportItem::SlotSkipped { schedule, from, through, count, at: through, cause, groups: vec![group] }
}

#[tokio::test]
async fn a_slot_that_is_due_is_dispatched_once() {
    let mut scene = Scene::new().await;
    let (schedule, group) = (make_schedule(&scene, "nightly").await, only_group(&scene).await);
    let slot: Timestamp = "2026-11-23T02:30:00Z".parse().unwrap();
    scene.report(vec![due(schedule.id, slot, job_id(1), &group)]).await;
    let order = scene.agent().order().await;
    assert_eq!(order.job, job_id(1));
    let job = scene.job(job_id(1)).await;
    assert_eq!((job.trigger, job.slots.unwrap().schedule.name.as_str()), (Trigger::Schedule, "nightly"));
    // Told again under the same id, and under another one by an agent that forgot.
    scene
        .report(vec![due(schedule.id, slot, job_id(1), &group), due(schedule.id, slot, job_id(2), &group)])
        .await;
    scene.admin.get(&format!("/api/v1/jobs/{}", job_id(2))).await.problem(StatusCode::NOT_FOUND);
    let now = scene.app.now();
    scene.report(vec![started(now, job_id(1)), ended(now, job_id(1))]).await;
    let of_schedule: Page<Job> =
        scene.admin.get(&format!("/api/v1/jobs?schedule={}", schedule.id)).await.json();
    assert_eq!(of_schedule.items.iter().map(|job| job.state).collect::<Vec<_>>(), [JobState::Succeeded]);
    let days = scene.host().await.days;
    assert_eq!(
        (days.len(), days[0].good, days[0].start.to_string().as_str()),
        (1, 1, "2026-11-22T00:00:00Z")
    );
}

#[tokio::test]
async fn a_group_that_works_hides_none_that_fails() {
    let mut scene = Scene::new().await;
    let (schedule, failing) = (make_schedule(&scene, "nightly").await, only_group(&scene).await);
    let body = json!({ "name": "other", "includes": ["/etc"], "repository": failing.repository.id });
    let path = format!("/api/v1/hosts/{}/source-groups", scene.persona.host);
    let working: SourceGroup = scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json();
    let slot: Timestamp = "2026-11-23T02:30:00Z".parse().unwrap();
    let jobs = [(job_id(1), &failing), (job_id(2), &working)];
    let jobs = jobs.map(|(job, group)| SlotJob { job, group: group.id, repository: group.repository.id });
    scene
        .report(vec![ReportItem::SlotDue { schedule: schedule.id, slot, at: slot, jobs: jobs.into() }])
        .await;
    assert_eq!(scene.agent().order().await.job, job_id(1));
    let now = scene.app.now();
    let failed = ReportItem::JobEnded {
        job: job_id(1),
        at: now,
        end: JobEnd::new(JobState::Failed, Cause::Unreachable),
    };
    scene.report(vec![started(now, job_id(1)), failed]).await;
    assert_eq!(scene.agent().order().await.job, job_id(2));
    scene.report(vec![started(now, job_id(2)), ended(now, job_id(2))]).await;

    let host = scene.host().await;
    assert_eq!(host.health, Health::Failing);
    assert_eq!(host.last_backup.map(|last| last.job), Some(job_id(2)));
    assert_eq!(
        host.worst_backup.map(|worst| (worst.job, worst.cause)),
        Some((job_id(1), Cause::Unreachable))
    );
    let groups: Page<SourceGroup> = scene.admin.get(&path).await.json();
    let states: Vec<_> = groups.items.iter().map(|group| group.last_backup.as_ref().unwrap().state).collect();
    assert_eq!(states, [JobState::Failed, JobState::Succeeded]);
    let found: Page<Host> = scene.admin.get("/api/v1/hosts?health=failing").await.json();
    assert_eq!(found.items.len(), 1);

    // Without the group its failure is nobody's.
    scene.admin.delete(&format!("/api/v1/schedules/{}", schedule.id)).await.expect(StatusCode::NO_CONTENT);
    scene.admin.delete(&format!("/api/v1/source-groups/{}", failing.id)).await.expect(StatusCode::NO_CONTENT);
    let host = scene.host().await;
    assert_eq!((host.health, host.worst_backup.map(|worst| worst.job)), (Health::Unknown, Some(job_id(2))));
}

#[tokio::test]
async fn what_an_agent_did_alone_is_kept_whole() {
    let mut scene = Scene::new().await;
    let (schedule, group) = (make_schedule(&scene, "nightly").await, only_group(&scene).await);
    scene.lose_agent().await;
    scene.app.clock.advance(Duration::from_secs(2 * 86_400));
    scene.admin = scene.app.sign_in("alice", crate::support::PASSWORD).await;
    scene.reconnect(vec![KnownJob::new(job_id(1), JobState::Succeeded)]).await;
    let slot: Timestamp = "2026-11-23T02:30:00Z".parse().unwrap();
    let items =
        vec![due(schedule.id, slot, job_id(1), &group), started(slot, job_id(1)), ended(slot, job_id(1))];
    scene.report(items).await;
    let job = scene.job(job_id(1)).await;
    assert_eq!((job.state, job.created_at, job.ended_at), (JobState::Succeeded, slot, Some(slot)));
}

#[tokio::test]
async fn skipped_slots_are_jobs_with_a_reason() {
    let mut scene = Scene::new().await;
    let (schedule, group) = (make_schedule(&scene, "nightly").await, only_group(&scene).await);
    scene.app.clock.advance(Duration::from_secs(8 * 86_400));
    scene.admin = scene.app.sign_in("alice", crate::support::PASSWORD).await;
    let slot = |day: u32| format!("2026-11-{day:02}T02:30:00Z").parse::<Timestamp>().unwrap();
    let items = vec![
        skipped(schedule.id, slot(24), slot(27), 4, group.id),
        skipped(schedule.id, slot(29), slot(29), 1, group.id),
    ];
    scene.report(items.clone()).await;
    scene.report(items).await;
    let found: Page<Job> = scene.admin.get(&format!("/api/v1/jobs?schedule={}", schedule.id)).await.json();
    let shown: Vec<_> =
        found.items.iter().map(|job| (job.state, job.cause, job.slots.as_ref().unwrap().count)).collect();
    assert_eq!(shown, [(JobState::Skipped, Cause::SlotMissed, 1), (JobState::Skipped, Cause::SlotMissed, 4)]);
    assert!(!found.items[0].advice.is_empty());
    let days: Vec<_> =
        scene.host().await.days.iter().map(|day| (day.start.to_string(), day.missed)).collect();
    let missed = [24, 25, 26, 27, 29].map(|day| (format!("2026-11-{day}T00:00:00Z"), 1));
    assert_eq!(days, missed);
    let host = scene.persona.host;
    let day = format!("/api/v1/jobs?host={host}&from=2026-11-29T00:00:00Z&until=2026-11-30T00:00:00Z");
    let of_day: Page<Job> = scene.admin.get(&day).await.json();
    assert_eq!(of_day.items.len(), 1);
    let alone = scene.admin.get("/api/v1/jobs?from=2026-11-29T00:00:00Z").await;
    alone.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn another_hosts_schedule_is_none_of_an_agents_business() {
    let mut scene = Scene::new().await;
    let other = crate::world::enrol(&scene.app, "db-01").await;
    let group = only_group(&scene).await;
    let attach = format!("/api/v1/hosts/{other}/repositories/{}", group.repository.id);
    scene.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    let body = json!({ "name": "theirs", "includes": ["/srv"], "repository": group.repository.id });
    let path = format!("/api/v1/hosts/{other}/source-groups");
    let theirs: SourceGroup = scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json();
    let own = make_schedule(&scene, "nightly").await;
    let slot: Timestamp = "2026-11-23T02:30:00Z".parse().unwrap();
    scene
        .report(vec![due(own.id, slot, job_id(1), &theirs), skipped(own.id, slot, slot, 1, theirs.id)])
        .await;
    scene.admin.get(&format!("/api/v1/jobs/{}", job_id(1))).await.problem(StatusCode::NOT_FOUND);
    let audited = scene.app.audited().await;
    assert_eq!(audited.iter().filter(|action| **action == Action::AgentOverreach).count(), 2);
}

/// The agent takes the configuration that it is told.
async fn settle(scene: &mut Scene) {
    scene.agent().send(Message::Configured { version: None });
    let (number, _) = told(scene.agent()).await;
    answer(scene.agent(), number, Reply::Ok {}).await;
    host_that(scene, |host| host.configuration.drift_since.is_none()).await;
}

#[tokio::test]
async fn a_slot_that_no_schedule_has_makes_no_job_and_the_agent_gives_it_up() {
    let mut scene = Scene::new().await;
    let (schedule, group) = (make_schedule(&scene, "nightly").await, only_group(&scene).await);
    // Until the agent has the schedule as it is, it may follow what it had before, by the minute.
    let before = "2026-11-22T03:01:00Z".parse().unwrap();
    scene.report(vec![due(schedule.id, before, job_id(9), &group)]).await;
    assert_eq!(scene.agent().order().await.job, job_id(9));
    settle(&mut scene).await;
    let doubtful =
        ["2026-11-22T03:31:00Z", "2026-11-23T02:30:00.001Z", "2026-12-23T02:30:00Z", "2026-11-21T02:30:00Z"];
    for (number, slot) in (1..).zip(doubtful) {
        let slot = slot.parse().unwrap();
        scene
            .report(vec![
                due(schedule.id, slot, job_id(number), &group),
                skipped(schedule.id, slot, slot, 1, group.id),
            ])
            .await;
        assert_eq!(scene.agent().cancellation().await, job_id(number), "the agent gives it up");
        scene.admin.get(&format!("/api/v1/jobs/{}", job_id(number))).await.problem(StatusCode::NOT_FOUND);
    }
    let found: Page<Job> = scene.admin.get(&format!("/api/v1/jobs?schedule={}", schedule.id)).await.json();
    assert_eq!(found.items.len(), 1);
    let alerts: Page<Alert> = scene.admin.get("/api/v1/alerts").await.json();
    let told = alerts.items.iter().find(|alert| alert.summary.contains("are not taken"));
    assert!(told.is_some(), "{:?}", alerts.items);
}

#[tokio::test]
async fn jobs_of_slots_wait_up_to_a_number() {
    let mut scene = Scene::new().await;
    let group = only_group(&scene).await;
    let body = json!({ "name": "often", "cron": "* * * * *", "zone": "UTC", "source_groups": [group.id] });
    let path = format!("/api/v1/hosts/{}/schedules", scene.persona.host);
    let schedule: Schedule = scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json();
    settle(&mut scene).await;
    let start = scene.app.now();
    let slot = |minute: u64| start.after(Duration::from_secs(60 * minute));
    let job = |minute: u64| {
        JobId::from_parts(start, [(minute / 256) as u8, (minute % 256) as u8, 0, 0, 0, 0, 0, 0, 0, 1])
    };
    let items: Vec<_> =
        (1..=1100).map(|minute| due(schedule.id, slot(minute), job(minute), &group)).collect();
    for (number, items) in items.chunks(300).enumerate() {
        scene.report(items.to_vec()).await;
        if number == 0 {
            // One at a time works in a repository.
            scene.agent().order().await;
        }
    }
    let active = async |scene: &Scene| {
        let mut read = scene.app.store.read().await.unwrap();
        let jobs = read.jobs().active_of(scene.persona.host).await.unwrap();
        jobs.len()
    };
    assert_eq!(active(&scene).await, 1024);
    // Some of the rest are asked for one by one; the others end at the agent with their deadline.
    for _ in 0..64 {
        assert!(scene.agent().cancellation().await > job(1024));
    }
    // One that ends makes room.
    scene.report(vec![ended(start, job(1)), due(schedule.id, slot(1101), job(1101), &group)]).await;
    assert_eq!(active(&scene).await, 1024);
    assert_eq!(scene.job(job(1101)).await.state, JobState::Queued);
}
