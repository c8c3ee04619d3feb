//! Schedules over the API: times that are checked, shown and promised.

use http::StatusCode;
use restic_manager_proto::{
    Misfire,
    api::{
        Page,
        hosts::Host,
        schedules::{NextRuns, Schedule, TimeZones},
    },
    vocabulary::{Action, PresenceMode},
};
use serde_json::{Value, json};
use std::time::Duration;

use crate::world::World;

fn nightly(world: &World) -> Value {
    json!({ "name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin", "source_groups": [world.group] })
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn a_schedule_is_made_changed_and_removed() {
    let world = World::new().await;
    let path = format!("/api/v1/schedules/{}", world.schedule);
    let made: Schedule = world.admin.get(&path).await.json();
    assert_eq!((made.misfire, made.jitter_seconds, made.enabled), (Misfire::RunOnce, 0, true));
    assert_eq!(made.source_groups[0].name, "home");
    let next = made.next_run.unwrap();
    // It is 4:00 in Berlin.
    assert_eq!(
        (next.at.to_string().as_str(), next.local.as_str()),
        ("2026-11-23T01:30:00Z", "2026-11-23 02:30 CET")
    );

    let off = json!({
        "name": "weekly", "cron": "0 3 * * sun", "zone": "Asia/Kathmandu", "enabled": false,
        "misfire": { "policy": "run-if-older", "seconds": 86400 }, "jitter_seconds": 900,
        "source_groups": [world.lone_group, world.group],
    });
    let changed: Schedule = world.admin.put(&path, Some(1), off).await.json();
    assert_eq!((changed.version, changed.next_run.as_ref()), (2, None));
    let names: Vec<_> = changed.source_groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["lone", "home"], "groups keep their order");
    assert_eq!(changed.misfire, Misfire::RunIfOlder { seconds: 86_400 });

    let list = format!("/api/v1/hosts/{}/schedules", world.host);
    world
        .admin
        .post(&list, with(nightly(&world), "name", json!("WEEKLY")))
        .await
        .problem(StatusCode::CONFLICT);
    world.admin.post(&list, nightly(&world)).await.expect(StatusCode::CREATED);
    let all: Page<Schedule> = world.admin.get(&list).await.json();
    assert_eq!(all.items.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["nightly", "weekly"]);
    world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    world.admin.get(&path).await.problem(StatusCode::NOT_FOUND);
    let audited = world.app.audited().await;
    let schedules =
        [Action::ScheduleCreate, Action::ScheduleUpdate, Action::ScheduleCreate, Action::ScheduleDelete];
    let seen: Vec<_> = audited.into_iter().filter(|action| schedules.contains(action)).collect();
    assert_eq!(seen, schedules);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_an_example() {
    let world = World::new().await;
    let list = format!("/api/v1/hosts/{}/schedules", world.host);
    for (field, value, example) in [
        ("name", json!("a b"), "web-1"),
        ("cron", json!("30 2 * *"), "30 2 * * "),
        ("cron", json!("61 2 * * *"), "61"),
        ("cron", json!("* * * * * *"), "instead of five"),
        ("zone", json!("CEST"), "Europe/Berlin"),
        ("zone", json!("../../etc/passwd"), "Europe/Berlin"),
        ("misfire", json!({ "policy": "run-if-older", "seconds": 5 }), "86400"),
        ("jitter_seconds", json!(43_201), "600"),
        ("source_groups", json!([]), "1 to 64"),
        ("source_groups", json!([world.group, world.group]), "each once"),
        ("source_groups", json!([world.host]), "of this host"),
    ] {
        let answer = world.admin.post(&list, with(nightly(&world), field, value.clone())).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, field, "{value}");
        assert!(problem.fields[0].message.contains(example), "{value}: {}", problem.fields[0].message);
    }
    let unknown = with(nightly(&world), "timezone", json!("UTC"));
    world.admin.post(&list, unknown).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let all: Page<Schedule> = world.admin.get(&list).await.json();
    assert_eq!(all.items.len(), 1);
}

#[tokio::test]
async fn the_next_five_runs_are_shown_with_what_the_clock_does_to_them() {
    let world = World::new().await;
    world.app.clock.advance(Duration::from_secs(124 * 86_400));
    let admin = world.app.sign_in("alice", crate::support::PASSWORD).await;
    let times = json!({ "cron": "30 2 * * *", "zone": "Europe/Berlin" });
    let preview: NextRuns = admin.post("/api/v1/schedules/preview", times).await.json();
    let local: Vec<_> = preview.runs.iter().map(|run| run.local.as_str()).collect();
    assert_eq!(local[0], "2027-03-27 02:30 CET");
    assert_eq!((local[1], preview.runs[1].note.is_empty()), ("2027-03-28 03:00 CEST", false));
    assert_eq!(local.len(), 5);
    let wrong = json!({ "cron": "nonsense", "zone": "Mars/Olympus" });
    let problem =
        admin.post("/api/v1/schedules/preview", wrong).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields.len(), 2);
    let zones: TimeZones = admin.get("/api/v1/time-zones").await.json();
    assert!(zones.zones.len() > 400 && zones.zones.contains(&"Pacific/Chatham".to_owned()));
}

#[tokio::test]
async fn a_group_that_a_schedule_runs_cannot_go() {
    let world = World::new().await;
    let group = format!("/api/v1/source-groups/{}", world.group);
    let problem = world.admin.delete(&group).await.problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains("nightly"), "{}", problem.detail);
    world.admin.delete(&format!("/api/v1/schedules/{}", world.schedule)).await.expect(StatusCode::NO_CONTENT);
    world.admin.delete(&group).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_host_says_when_it_runs_next() {
    let world = World::new().await;
    let path = format!("/api/v1/hosts/{}", world.host);
    let next_run = async |world: &World| {
        let host: Host = world.admin.get(&path).await.json();
        host.next_run_at.map(|at| at.to_string())
    };
    assert_eq!(next_run(&world).await.as_deref(), Some("2026-11-23T01:30:00Z"));
    let list = format!("/api/v1/hosts/{}/schedules", world.host);
    let hourly = with(with(nightly(&world), "cron", json!("0 * * * *")), "name", json!("hourly"));
    let hourly: Schedule = world.admin.post(&list, hourly).await.json();
    assert_eq!(next_run(&world).await.as_deref(), Some("2026-11-22T04:00:00Z"));
    let sorted: Page<Host> = world.admin.get("/api/v1/hosts?sort=next-run").await.json();
    assert_eq!(sorted.items[0].id, world.host);
    world.admin.delete(&format!("/api/v1/schedules/{}", hourly.id)).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(next_run(&world).await.as_deref(), Some("2026-11-23T01:30:00Z"));
    let host: Host = world.admin.get(&path).await.json();
    assert_eq!((host.presence_mode, host.fresh_until), (PresenceMode::AlwaysOn, None));
}
