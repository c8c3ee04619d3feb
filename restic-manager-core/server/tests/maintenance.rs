//! Maintenance: what it takes back, which times it may have, and whose it is.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    HostFacts, Scope,
    api::{Page, fleet::Fleet, hosts::Host, maintenance::MaintenanceWindow},
    vocabulary::{Health, JobState, Presence, Role},
};
use restic_manager_store::{
    Audit,
    hosts::{HostPlan, LastBackup},
};
use serde_json::{Value, json};

use crate::{
    support::Client,
    world::{World, add_user_within, enrol_tagged},
};

const WINDOWS: &str = "/api/v1/maintenance";
const MINUTE: Duration = Duration::from_secs(60);

fn wish(world: &World, scope: &Scope) -> Value {
    json!({ "scope": scope, "until": world.app.now().after(60 * MINUTE), "reason": "Disks are replaced" })
}

async fn announce(world: &World, client: &Client, scope: &Scope) -> MaintenanceWindow {
    client.post(WINDOWS, wish(world, scope)).await.expect(StatusCode::CREATED).json()
}

/// Its agent was there once, and its newest snapshot is too old.
async fn neglect(world: &World, worst_backup: Option<LastBackup>) {
    let now = world.app.now();
    let plan = HostPlan { next_run: None, fresh_until: Some(now), worst_backup };
    let mut transaction = world.app.store.begin().await.unwrap();
    transaction.hosts().connect(world.host, now, &HostFacts::default(), None).await.unwrap();
    transaction.hosts().plan(world.host, &plan).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    world.app.clock.advance(2 * MINUTE);
}

async fn said_of(world: &World) -> (Health, Presence) {
    let host: Host = world.admin.get(&format!("/api/v1/hosts/{}", world.host)).await.json();
    (host.health, host.presence)
}

/// How many hosts a list of a health has, and what the counts say of overdue and maintained ones.
async fn counted(world: &World, health: Health) -> (usize, u64, u64) {
    world.app.clock.advance(MINUTE);
    let list: Page<Host> = world.admin.get(&format!("/api/v1/hosts?health={health}")).await.json();
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    (list.items.len(), fleet.overdue, fleet.maintenance)
}

#[tokio::test]
async fn maintenance_takes_back_what_it_explains_and_gives_it_again() {
    let world = World::new().await;
    neglect(&world, None).await;
    assert_eq!(said_of(&world).await, (Health::Overdue, Presence::Offline));
    assert_eq!(counted(&world, Health::Overdue).await, (1, 1, 0));
    let window = announce(&world, &world.admin, &Scope::hosts([world.host])).await;
    assert_eq!(said_of(&world).await, (Health::Maintenance, Presence::Maintenance));
    assert_eq!(counted(&world, Health::Overdue).await, (0, 0, 1));
    assert_eq!(counted(&world, Health::Maintenance).await, (1, 0, 1));
    world.admin.delete(&format!("{WINDOWS}/{}", window.id)).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(said_of(&world).await, (Health::Overdue, Presence::Offline));
    world.admin.delete(&format!("{WINDOWS}/{}", window.id)).await.problem(StatusCode::CONFLICT);
    announce(&world, &world.admin, &Scope::All).await;
    assert_eq!(said_of(&world).await, (Health::Maintenance, Presence::Maintenance));
    world.app.clock.advance(60 * MINUTE);
    assert_eq!(said_of(&world).await, (Health::Overdue, Presence::Offline), "it is over by itself");
}

#[tokio::test]
async fn a_backup_that_failed_is_told_all_the_same() {
    let world = World::new().await;
    let failed = LastBackup {
        job: world.job,
        state: JobState::Failed,
        cause: restic_manager_proto::vocabulary::Cause::Unreachable,
        ended: world.app.now(),
        bytes_processed: 0,
    };
    neglect(&world, Some(failed)).await;
    announce(&world, &world.admin, &Scope::All).await;
    assert_eq!(said_of(&world).await, (Health::Failing, Presence::Maintenance));
}

#[tokio::test]
async fn what_is_no_time_or_no_reason_is_refused_by_its_field() {
    let world = World::new().await;
    let now = world.app.now();
    let day = 24 * 60 * MINUTE;
    for (field, change) in [
        ("until", json!({ "until": now })),
        ("until", json!({ "from": now.after(day), "until": now.after(day / 2) })),
        ("until", json!({ "until": now.after(31 * day) })),
        ("from", json!({ "from": now.after(400 * day), "until": now.after(401 * day) })),
        ("reason", json!({ "reason": "" })),
        ("reason", json!({ "reason": "two\nlines" })),
        ("scope", json!({ "scope": { "kind": "tags", "tags": [] } })),
    ] {
        let mut body = wish(&world, &Scope::All);
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let refused = world.admin.post(WINDOWS, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.fields[0].field, field, "{change}");
    }
}

#[tokio::test]
async fn operators_announce_it_for_what_they_see_and_end_no_more() {
    let world = World::new().await;
    let mine = enrol_tagged(&world.app, "mine-1", &["mine"]).await;
    let of = |name: &'static str, role| add_user_within(&world.app, name, role, Scope::tags(["mine"]));
    of("olga", Role::Operator).await;
    of("vera", Role::Viewer).await;
    let password = crate::support::PASSWORD;
    let operator = world.app.sign_in("olga", password).await;
    let viewer = world.app.sign_in("vera", password).await;
    viewer.post(WINDOWS, wish(&world, &Scope::tags(["mine"]))).await.problem(StatusCode::FORBIDDEN);
    for foreign in [Scope::All, Scope::tags(["mine", "linux"]), Scope::hosts([mine, world.host])] {
        operator.post(WINDOWS, wish(&world, &foreign)).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let own = announce(&world, &operator, &Scope::hosts([mine])).await;
    world.app.clock.advance(MINUTE);
    let all = announce(&world, &world.admin, &Scope::All).await;
    world.app.clock.advance(MINUTE);
    let shared = announce(&world, &world.admin, &Scope::hosts([mine, world.host])).await;
    let seen: Page<MaintenanceWindow> = operator.get(WINDOWS).await.json();
    let seen: Vec<_> =
        seen.items.iter().map(|window| (window.id, window.yours, window.scope.clone())).collect();
    let expected = [
        (own.id, true, Scope::hosts([mine])),
        (all.id, false, Scope::tags(["mine"])),
        (shared.id, false, Scope::hosts([mine])),
    ];
    assert_eq!(seen, expected, "and no more of the others is told");
    operator.delete(&format!("{WINDOWS}/{}", shared.id)).await.problem(StatusCode::CONFLICT);
    operator.delete(&format!("{WINDOWS}/{}", world.window)).await.problem(StatusCode::NOT_FOUND);
    operator.delete(&format!("{WINDOWS}/{}", own.id)).await.expect(StatusCode::NO_CONTENT);
}
