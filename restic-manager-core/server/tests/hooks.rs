//! Hooks, commands and speed limits: who may set them, and what of them reaches an agent.

use http::StatusCode;
use restic_manager_core::handshake::{configured_hooks_context, job_hooks_context};
use restic_manager_proto::{
    Bandwidth, Hooks,
    agent::{JobOrder, Message},
    api::{
        Page, hooks::HookOrigin, hooks::HookSet, jobs::Job, schedules::Schedule, source_groups::SourceGroup,
    },
    vocabulary::{Cause, JobState, Role, Shell},
};
use restic_manager_store::{
    Audit, SealedBlob,
    hooks::{HookOwner, Hooks as Row},
};
use serde_json::{Value, json};

use crate::{scene::Scene, world::World};

fn hooks(pre: &str) -> Value {
    json!({ "pre": { "shell": "bash", "script": pre, "timeout_seconds": 90 } })
}

async fn only_group(scene: &Scene) -> SourceGroup {
    let path = format!("/api/v1/hosts/{}/source-groups", scene.persona.host);
    scene.admin.get(&path).await.json::<Page<SourceGroup>>().items.remove(0)
}

async fn set(scene: &Scene, place: &str, hooks: Value) -> HookSet {
    let path = format!("/api/v1/{place}/hooks");
    let version = scene.admin.get(&path).await.json::<HookSet>().version;
    scene.admin.put(&path, Some(version), hooks).await.expect(StatusCode::OK).json()
}

/// What an order carries sealed.
fn opened(scene: &mut Scene, order: &JobOrder) -> Option<Hooks> {
    let sealed = order.source()?.hooks.clone()?;
    let plain = scene.agent().keys.open(&job_hooks_context(order.job), sealed.as_bytes());
    serde_json::from_slice(plain.expect("sealed for this job").expose()).ok()
}

#[tokio::test]
async fn hooks_are_for_admins_alone_even_to_read() {
    let world = World::new().await;
    let operator = world.somebody(Role::Operator).await;
    for place in [format!("hosts/{}", world.host), format!("source-groups/{}", world.group)] {
        let path = format!("/api/v1/{place}/hooks");
        operator.get(&path).await.problem(StatusCode::FORBIDDEN);
        operator.put(&path, Some(1), hooks("true")).await.problem(StatusCode::FORBIDDEN);
        operator.delete(&path).await.problem(StatusCode::FORBIDDEN);
    }
    let command = json!({ "words": ["id"], "file_name": "id" });
    let path = format!("/api/v1/source-groups/{}/command", world.command_group);
    operator.put(&path, Some(1), command.clone()).await.problem(StatusCode::FORBIDDEN);
    let body = json!({ "name": "mine", "repository": world.repository, "command": command });
    let path = format!("/api/v1/hosts/{}/command-source-groups", world.host);
    operator.post(&path, body).await.problem(StatusCode::FORBIDDEN);
    // What is not the command is an operator's.
    let path = format!("/api/v1/source-groups/{}", world.command_group);
    let change = json!({ "name": "nightly-dump", "includes": [], "repository": world.repository });
    let kept: SourceGroup = operator.put(&path, Some(1), change).await.expect(StatusCode::OK).json();
    assert_eq!(kept.command.expect("it stays").words, ["pg_dump", "shop"]);
}

#[tokio::test]
async fn a_groups_own_hooks_replace_both_of_its_hosts() {
    let mut scene = Scene::new().await;
    let (group, host) = (only_group(&scene).await.id, scene.persona.host);
    let of_group = format!("source-groups/{group}");
    set(&scene, &format!("hosts/{host}"), hooks("echo of the host")).await;
    let seen: HookSet = scene.admin.get(&format!("/api/v1/{of_group}/hooks")).await.json();
    assert_eq!((seen.origin, seen.version), (Some(HookOrigin::Host), 0));

    let job = scene.ask_for_backup().await;
    let order = scene.agent().order().await;
    let sent = opened(&mut scene, &order).expect("hooks");
    let pre = sent.pre.expect("one before");
    assert_eq!((pre.shell, pre.script.expose(), pre.timeout_seconds), (Shell::Bash, "echo of the host", 90));
    finish(&mut scene, &job).await;

    let own = set(&scene, &of_group, json!({})).await;
    assert_eq!((own.origin, own.version, own.hooks.is_empty()), (Some(HookOrigin::SourceGroup), 1, true));
    let job = scene.ask_for_backup().await;
    let order = scene.agent().order().await;
    assert_eq!(opened(&mut scene, &order), Some(Hooks::default()), "none is a choice, too");
    finish(&mut scene, &job).await;

    let path = format!("/api/v1/{of_group}/hooks");
    scene.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    scene.admin.delete(&path).await.problem(StatusCode::NOT_FOUND);
    let seen: HookSet = scene.admin.get(&path).await.json();
    assert_eq!(seen.origin, Some(HookOrigin::Host));
}

async fn finish(scene: &mut Scene, job: &Job) {
    let now = scene.app.now();
    let items =
        vec![restic_manager_testkit::started(now, job.id), restic_manager_testkit::ended(now, job.id)];
    let agent = scene.agent.as_mut().expect("an agent");
    scene.persona.report(agent, items).await;
}

#[tokio::test]
async fn scripts_lie_sealed_and_a_seal_that_does_not_open_fails_the_job() {
    let scene = Scene::new().await;
    let host = scene.persona.host;
    set(&scene, &format!("hosts/{host}"), hooks("echo a-very-secret-word")).await;
    let owner = HookOwner::Host(host);
    let stored = scene.app.store.read().await.unwrap().hooks().find(owner).await.unwrap().unwrap();
    let holds = |needle: &[u8]| stored.sealed.as_bytes().windows(needle.len()).any(|part| part == needle);
    assert!(!holds(b"secret-word"));
    let entries = scene.admin.get("/api/v1/audit?action=hooks-set").await.expect(StatusCode::OK).text();
    assert!(entries.contains("\"pre\":\"true\"") && !entries.contains("secret-word"), "{entries}");

    // As after another key file was put in the place of the right one.
    let mut transaction = scene.app.store.begin().await.unwrap();
    let row = Row { sealed: SealedBlob::new([7; 64]), ..stored };
    transaction.hooks().set(&row, row.version).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    let path = format!("/api/v1/hosts/{host}/hooks");
    let seen: HookSet = scene.admin.get(&path).await.json();
    assert!(seen.unreadable && seen.hooks.is_empty(), "{seen:?}");
    let job = scene.ask_for_backup().await;
    let mut ended = scene.job(job.id).await;
    while !ended.state.is_end() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        ended = scene.job(job.id).await;
    }
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::SecretUnreadable), "{ended:?}");
    assert!(ended.detail.contains("hooks"), "{}", ended.detail);
    scene.admin.put(&path, Some(seen.version), hooks("true")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn what_a_hook_or_a_command_cannot_be_is_refused_by_its_field() {
    let world = World::new().await;
    let fields = |answer: crate::support::Answer| -> Vec<String> {
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        problem.fields.into_iter().map(|field| field.field).collect()
    };
    let path = format!("/api/v1/hosts/{}/hooks", world.host);
    let wrong = json!({ "pre": { "shell": "sh", "script": " ", "timeout_seconds": 0 },
        "post": { "shell": "sh", "script": "x".repeat(16 * 1024 + 1), "timeout_seconds": 86_401 } });
    let refused = fields(world.admin.put(&path, Some(1), wrong).await);
    assert_eq!(refused, ["pre.script", "pre.timeout_seconds", "post.script", "post.timeout_seconds"]);

    let path = format!("/api/v1/hosts/{}/command-source-groups", world.host);
    let body = json!({ "name": "x", "repository": world.repository, "retry": { "attempts": 11, "delay_seconds": 0 },
        "command": { "shell": "sh", "words": ["a", "b"], "file_name": "a/b" } });
    let refused = fields(world.admin.post(&path, body).await);
    let expected =
        ["command.words", "command.file_name", "options.retry.attempts", "options.retry.delay_seconds"];
    assert_eq!(refused, expected);

    let path = format!("/api/v1/source-groups/{}", world.command_group);
    let body = json!({ "name": "x", "includes": ["/etc"], "excludes": ["*"], "repository": world.repository,
        "options": { "one_file_system": true } });
    let refused = fields(world.admin.put(&path, Some(1), body).await);
    assert_eq!(refused, ["includes", "excludes", "options.one_file_system"]);
    let path = format!("/api/v1/source-groups/{}/command", world.group);
    let command = json!({ "words": ["id"], "file_name": "id" });
    world.admin.put(&path, Some(1), command).await.problem(StatusCode::CONFLICT);

    let path = format!("/api/v1/hosts/{}", world.host);
    let body = json!({ "name": "web-1", "tags": [], "presence_mode": "always-on",
        "bandwidth": { "upload_kib": 0, "download_kib": 4_194_305 } });
    let refused = fields(world.admin.put(&path, Some(1), body).await);
    assert_eq!(refused, ["bandwidth.upload_kib", "bandwidth.download_kib"]);
}

#[tokio::test]
async fn an_order_carries_the_slowest_limit_and_what_shapes_the_backup() {
    let mut scene = Scene::new().await;
    let group = only_group(&scene).await;
    let path = format!("/api/v1/source-groups/{}", group.id);
    let body = json!({ "name": group.name, "includes": ["/srv"], "repository": group.repository.id,
        "options": { "retry": { "attempts": 3, "delay_seconds": 60 }, "one_file_system": true,
            "exclude_caches": true } });
    scene.admin.put(&path, Some(group.version), body).await.expect(StatusCode::OK);
    let host = scene.host().await;
    let path = format!("/api/v1/hosts/{}", host.id);
    let body = json!({ "name": "renamed", "tags": [], "presence_mode": "always-on",
        "bandwidth": { "upload_kib": 500, "download_kib": 9000 } });
    scene.admin.put(&path, Some(host.version), body).await.expect(StatusCode::OK);

    let body =
        json!({ "host": host.id, "kind": "backup", "bandwidth": { "upload_kib": 800, "download_kib": 70 } });
    let job: Job = scene.admin.post("/api/v1/jobs", body).await.expect(StatusCode::ACCEPTED).json();
    let order = scene.agent().order().await;
    assert_eq!(order.job, job.id);
    assert_eq!(order.bandwidth, Bandwidth { upload_kib: Some(500), download_kib: Some(70) });
    assert_eq!(order.host_name, "web-01", "restic goes on with the name of the enrolment");
    let source = order.source().expect("a source");
    assert_eq!(source.retry.map(|retry| retry.attempts), Some(3));
    assert!(source.one_file_system && source.exclude_caches);
}

#[tokio::test]
async fn a_configuration_carries_hooks_sealed_for_the_group_and_changes_with_them() {
    let mut scene = Scene::new().await;
    let (group, host) = (only_group(&scene).await.id, scene.persona.host);
    let body = json!({ "name": "nightly", "cron": "30 2 * * *", "zone": "UTC", "source_groups": [group],
        "bandwidth": { "upload_kib": 300 } });
    let path = format!("/api/v1/hosts/{host}/schedules");
    let schedule: Schedule = scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json();
    assert_eq!(schedule.bandwidth.upload_kib, Some(300));
    let before = scene.host().await.configuration.wanted;
    set(&scene, &format!("hosts/{host}"), hooks("echo one")).await;
    let after = scene.host().await.configuration.wanted;
    assert!(after > before, "{before:?} {after:?}");
    scene.agent().send(Message::Configured { version: None });
    let configuration = loop {
        match scene.agent().message().await {
            (_, Message::Configure(configuration)) => break configuration,
            (_, Message::Acknowledge { .. }) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(configuration.schedules[0].bandwidth.upload_kib, Some(300));
    let sealed = configuration.groups[0].source.hooks.clone().expect("hooks");
    let plain = scene.agent().keys.open(&configured_hooks_context(group), sealed.as_bytes());
    let hooks: Hooks = serde_json::from_slice(plain.expect("sealed for the group").expose()).unwrap();
    assert_eq!(hooks.pre.expect("one before").script.expose(), "echo one");
}

#[tokio::test]
async fn a_new_host_gets_another_name_for_restic_when_its_own_is_taken() {
    let mut scene = Scene::new().await;
    let host = scene.host().await;
    let body = json!({ "name": "old", "tags": [], "presence_mode": "always-on" });
    let path = format!("/api/v1/hosts/{}", host.id);
    scene.admin.put(&path, Some(host.version), body).await.expect(StatusCode::OK);
    assert_eq!(scene.host().await.restic_name, "web-01");
    let invitation = crate::scene::invite(&scene.admin, "web-01").await;
    let (persona, _agent) = restic_manager_testkit::Persona::enrol(
        &scene.app.remote(scene.address()),
        crate::scene::key(12),
        invitation.token.expose(),
    )
    .await;
    let new = scene.admin.get(&format!("/api/v1/hosts/{}", persona.host)).await;
    let new: restic_manager_proto::api::hosts::Host = new.json();
    assert_eq!((new.name.as_str(), new.restic_name.as_str()), ("web-01", "web-01-2"));

    // A removed host keeps its name too: its policies go on with the snapshots of that name.
    scene.admin.delete(&format!("/api/v1/hosts/{}", persona.host)).await.expect(StatusCode::NO_CONTENT);
    let invitation = crate::scene::invite(&scene.admin, "web-01").await;
    let (third, _agent) = restic_manager_testkit::Persona::enrol(
        &scene.app.remote(scene.address()),
        crate::scene::key(13),
        invitation.token.expose(),
    )
    .await;
    let third = scene.admin.get(&format!("/api/v1/hosts/{}", third.host)).await;
    let third: restic_manager_proto::api::hosts::Host = third.json();
    assert_eq!((third.name.as_str(), third.restic_name.as_str()), ("web-01", "web-01-3"));
    scene.lose_agent().await;
}
