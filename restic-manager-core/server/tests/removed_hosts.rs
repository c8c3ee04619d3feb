//! Removed hosts: their history is read until it is purged on purpose.

use http::StatusCode;
use restic_manager_core::mint::Mint;
use restic_manager_crypto::SeededRandom;
use restic_manager_proto::{
    JobEnd,
    api::{
        Page,
        audit::Entry,
        hosts::{Attachment, Host},
        jobs::Job,
        schedules::Schedule,
        source_groups::SourceGroup,
    },
    vocabulary::{Action, Cause, JobKind, JobState, Trigger},
};
use restic_manager_store::{Audit, jobs::NewJob};
use serde_json::json;
use std::sync::Arc;

use crate::{
    support::{Answer, App},
    world::World,
};

/// A world whose host was removed.
async fn removed() -> World {
    let world = World::new().await;
    world.admin.delete(&format!("/api/v1/hosts/{}", world.host)).await.expect(StatusCode::NO_CONTENT);
    world
}

async fn purge(world: &World, name: &str) -> Answer {
    let path = format!("/api/v1/hosts/{}/purge", world.host);
    world.admin.post(&path, json!({ "host_name": name })).await
}

async fn listed(world: &World, query: &str) -> Vec<Host> {
    let answer = world.admin.get(&format!("/api/v1/hosts{query}")).await;
    answer.expect(StatusCode::OK).json::<Page<Host>>().items
}

/// Jobs of a host that ended long ago.
async fn add_jobs(app: &App, world: &World, number: usize) {
    let mint = Mint::new(Arc::clone(&app.clock) as _, Arc::new(SeededRandom::new(99)) as _);
    let mut transaction = app.store.begin().await.unwrap();
    for _ in 0..number {
        let job = NewJob {
            id: mint.job(),
            host: world.host,
            kind: JobKind::Backup,
            trigger: Trigger::Manual,
            requested_by: None,
            source_group: None,
            slots: None,
            repository: None,
            dispatch_by: None,
            end_by: None,
            created: app.now(),
            options: restic_manager_proto::JobOptions::default(),
        };
        transaction.jobs().queue(&job).await.unwrap();
        let end = JobEnd::new(JobState::Skipped, Cause::HostOffline);
        assert!(transaction.jobs().finish(job.id, app.now(), &end).await.unwrap());
    }
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

#[tokio::test]
async fn the_history_of_a_removed_host_stays_readable() {
    let world = removed().await;
    assert!(listed(&world, "").await.is_empty());
    let names: Vec<_> = listed(&world, "?deleted=true").await.into_iter().map(|host| host.name).collect();
    assert_eq!(names, ["old-1", "web-1"]);
    let path = format!("/api/v1/hosts/{}", world.host);
    let shown: Host = world.admin.get(&path).await.expect(StatusCode::OK).json();
    assert_eq!((shown.name.as_str(), shown.deleted_at), ("web-1", Some(world.app.now())));
    let read = async |part: &str| world.admin.get(&format!("{path}/{part}")).await;
    let attached: Page<Attachment> = read("repositories").await.expect(StatusCode::OK).json();
    assert_eq!(attached.items.len(), 2);
    let groups: Page<SourceGroup> = read("source-groups").await.expect(StatusCode::OK).json();
    assert_eq!(groups.items.len(), 3);
    let schedules: Page<Schedule> = read("schedules").await.expect(StatusCode::OK).json();
    assert_eq!(schedules.items.len(), 1);
    read("snapshots").await.expect(StatusCode::OK);
    let job: Job =
        world.admin.get(&format!("/api/v1/jobs/{}", world.job)).await.expect(StatusCode::OK).json();
    assert_eq!((job.state, job.detail.as_str()), (JobState::Cancelled, "the host was removed"));
    let query = format!("/api/v1/audit?subject_kind=host&subject_id={}", world.host);
    let entries: Page<Entry> = world.admin.get(&query).await.expect(StatusCode::OK).json();
    assert!(entries.items.iter().any(|entry| entry.action == Action::HostDelete));
}

#[tokio::test]
async fn nothing_is_done_with_a_removed_host() {
    let world = removed().await;
    let (host, repository, group) = (world.host, world.repository, world.group);
    let path = format!("/api/v1/hosts/{host}");
    let body = json!({ "name": "web-9", "tags": [], "presence_mode": "always-on" });
    world.admin.put(&path, Some(1), body).await.problem(StatusCode::NOT_FOUND);
    for (path, body) in [
        (format!("{path}/token"), json!({})),
        (format!("{path}/enrolment"), json!({})),
        (
            format!("{path}/source-groups"),
            json!({ "name": "etc", "includes": ["/etc"], "repository": repository }),
        ),
        (
            format!("{path}/schedules"),
            json!({ "name": "weekly", "cron": "0 3 * * sun", "zone": "UTC", "source_groups": [group] }),
        ),
        (
            "/api/v1/jobs".to_owned(),
            json!({ "host": host, "kind": "list-snapshots", "repository": repository }),
        ),
    ] {
        let answer = world.admin.post(&path, body).await;
        assert!(matches!(answer.status.as_u16(), 404 | 409 | 422), "{path}: {}", answer.text());
    }
    world
        .admin
        .put(&format!("{path}/repositories/{}", world.unused), None, json!({}))
        .await
        .problem(StatusCode::NOT_FOUND);
    for path in [
        path.clone(),
        format!("{path}/repositories/{}", world.spare),
        format!("/api/v1/source-groups/{}", world.lone_group),
        format!("/api/v1/schedules/{}", world.schedule),
    ] {
        world.admin.delete(&path).await.problem(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn removed_hosts_have_no_health_to_filter_by() {
    let world = removed().await;
    for query in ["health=good", "drift=true", "tag=linux"] {
        let answer = world.admin.get(&format!("/api/v1/hosts?deleted=true&{query}")).await;
        answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(listed(&world, "?deleted=true&text=WEB&sort=last-good").await.len(), 1);
}

#[tokio::test]
async fn a_purge_wants_the_name_and_leaves_only_the_audit_log() {
    let world = removed().await;
    let problem = purge(&world, "web-2").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "host_name");
    purge(&world, "web-1").await.expect(StatusCode::NO_CONTENT);
    purge(&world, "web-1").await.problem(StatusCode::NOT_FOUND);
    assert_eq!(listed(&world, "?deleted=true").await.len(), 1, "the other one stays");
    for path in [
        format!("hosts/{}", world.host),
        format!("hosts/{}/snapshots", world.host),
        format!("jobs/{}", world.job),
        format!("source-groups/{}", world.group),
        format!("schedules/{}", world.schedule),
    ] {
        world.admin.get(&format!("/api/v1/{path}")).await.problem(StatusCode::NOT_FOUND);
    }
    world.admin.get(&format!("/api/v1/repositories/{}", world.repository)).await.expect(StatusCode::OK);
    let audited = world.app.audited().await;
    assert_eq!(audited.iter().filter(|action| **action == Action::HostPurge).count(), 1);
    assert!(audited.contains(&Action::HostDelete), "the audit log forgets nothing");
    let repository = format!("/api/v1/repositories/{}", world.repository);
    world.admin.delete(&repository).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_purge_of_much_goes_in_parts_under_one_entry() {
    let world = World::new().await;
    add_jobs(&world.app, &world, 1300).await;
    purge(&world, "web-1").await.problem(StatusCode::CONFLICT);
    world.admin.delete(&format!("/api/v1/hosts/{}", world.host)).await.expect(StatusCode::NO_CONTENT);
    purge(&world, "web-1").await.expect(StatusCode::NO_CONTENT);
    let mut read = world.app.store.read().await.unwrap();
    assert_eq!(read.hosts().find(world.host).await.unwrap(), None);
    assert_eq!(read.jobs().tallies().await.unwrap(), []);
    let audited = world.app.audited().await;
    assert_eq!(audited.iter().filter(|action| **action == Action::HostPurge).count(), 1);
}
