//! From a new server to a host that can be backed up.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_crypto::{Context, Keyring, Sealed, SeededRandom};
use restic_manager_proto::{
    TransportCredential,
    api::{
        Page,
        audit::Entry,
        enrolments::{Enrolment, Invitation},
        fleet::Fleet,
        hosts::{Attachment, Host},
        jobs::Job,
        repositories::{CreatedRepository, Repository},
        source_groups::SourceGroup,
    },
    vocabulary::{Action, CredentialSlot, EnrolmentState, Health, JobKind, Presence, RepositoryState},
};
use restic_manager_store::{Audit, hosts::HostPlan};
use serde_json::json;

use crate::{
    support::{App, ORIGIN},
    world::{World, enrol, make_repository},
};

#[tokio::test]
async fn a_repository_gets_a_password_that_is_shown_once_and_kept_sealed() {
    let (app, admin) = App::with_admin().await;
    let body = json!({
        "name": "main", "location": "rest:https://storage.example.com/main/",
        "everyday": { "kind": "rest", "username": "web", "password": "storage-secret" },
    });
    let answer = admin.post("/api/v1/repositories", body).await;
    let created: CreatedRepository = answer.expect(StatusCode::CREATED).json();
    let password = created.generated_password.unwrap().into_exposed();
    assert_eq!(password.len(), 43);
    let id = created.repository.id;
    assert_eq!(created.repository.everyday.set_by.as_deref(), Some("alice"));
    assert!(created.repository.password.set_at.is_some() && created.repository.maintenance.set_at.is_none());

    let shown = admin.get(&format!("/api/v1/repositories/{id}")).await;
    for secret in [password.as_str(), "storage-secret"] {
        assert!(!shown.text().contains(secret));
        let log = admin.get("/api/v1/audit").await;
        assert!(!log.text().contains(secret));
    }
    // The keyring of the fixture, made from the same seed.
    let keyring = Keyring::generate(&SeededRandom::new(7));
    let mut read = app.store.read().await.unwrap();
    let row = read.repositories().find(id).await.unwrap().unwrap();
    let sealed = Sealed::from_bytes(row.password.unwrap().as_bytes());
    let opened = keyring.open(&Context::repository_password(id.as_bytes()), &sealed).unwrap();
    assert_eq!(opened.expose(), password.as_bytes());
    let row = read.repositories().credential(id, CredentialSlot::Everyday).await.unwrap().unwrap();
    let sealed = Sealed::from_bytes(row.sealed.as_bytes());
    let opened = keyring.open(&Context::everyday_credential(id.as_bytes()), &sealed).unwrap();
    let credential: TransportCredential = serde_json::from_slice(opened.expose()).unwrap();
    assert!(matches!(credential, TransportCredential::Rest { username, .. } if username == "web"));
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_used_repository_stays() {
    let world = World::new().await;
    let body = json!({ "name": "MAIN", "location": "/srv/other" });
    world.admin.post("/api/v1/repositories", body).await.problem(StatusCode::CONFLICT);
    let used = format!("/api/v1/repositories/{}", world.repository);
    world.admin.delete(&used).await.problem(StatusCode::CONFLICT);
    let attached = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.repository);
    world.admin.delete(&attached).await.problem(StatusCode::CONFLICT);
    let in_use = [
        format!("/api/v1/schedules/{}", world.schedule),
        format!("/api/v1/source-groups/{}", world.group),
        format!("/api/v1/source-groups/{}", world.lone_group),
        format!("/api/v1/source-groups/{}", world.command_group),
    ];
    for path in in_use {
        world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    }
    world.admin.delete(&attached).await.expect(StatusCode::NO_CONTENT);
    world.admin.delete(&used).await.expect(StatusCode::NO_CONTENT);
    world.admin.get(&used).await.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_credential_fits_its_storage() {
    let world = World::new().await;
    let path = format!("/api/v1/repositories/{}/credentials/everyday", world.repository);
    let s3 = json!({ "credential": { "kind": "s3", "access_key_id": "id", "secret_access_key": "key" } });
    world.admin.put(&path, None, s3).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let rest = json!({ "credential": { "kind": "rest", "username": "web", "password": "secret" } });
    world.admin.put(&path, None, rest).await.expect(StatusCode::NO_CONTENT);

    let repository = format!("/api/v1/repositories/{}", world.repository);
    let version = world.admin.get(&repository).await.json::<Repository>().version;
    let moved = json!({ "name": "main", "location": "s3:s3.example.com/bucket" });
    world.admin.put(&repository, Some(version), moved.clone()).await.problem(StatusCode::CONFLICT);
    world.admin.put(&path, None, json!({ "credential": null })).await.expect(StatusCode::NO_CONTENT);
    let version = world.admin.get(&repository).await.json::<Repository>().version;
    world.admin.put(&repository, Some(version), moved).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn new_attachments_and_changed_secrets_are_looked_at() {
    let world = World::new().await;
    let looks = async || {
        let page: Page<Job> =
            world.admin.get(&format!("/api/v1/jobs?host={}&limit=500", world.host)).await.json();
        page.items.iter().filter(|job| job.kind == JobKind::CheckRepository).count()
    };
    let before = looks().await;
    let attach = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.unused);
    let attachment: Attachment = world.admin.put(&attach, None, json!({})).await.json();
    assert_eq!(attachment.state, RepositoryState::Unverified);
    assert!(!attachment.next_step.is_empty());
    assert_eq!(looks().await, before + 1);
    world.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    assert_eq!(looks().await, before + 1, "the same attachment again changes nothing");
    let elsewhere = json!({ "location": "/mnt/unused" });
    let attachment: Attachment = world.admin.put(&attach, None, elsewhere).await.json();
    assert_eq!(attachment.location.as_deref(), Some("/mnt/unused"));
    assert_eq!(looks().await, before + 2);
    let password = format!("/api/v1/repositories/{}/password", world.unused);
    world.admin.put(&password, None, json!({ "password": "another" })).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(looks().await, before + 3);
    let mut read = world.app.store.read().await.unwrap();
    assert!(read.attachments().find(world.host, world.unused).await.unwrap().unwrap().needs_check);
}

#[tokio::test]
async fn an_invitation_carries_its_token_outside_urls_and_arguments() {
    let (_app, admin) = App::with_admin().await;
    let repository = make_repository(&admin, "main", "/srv/main").await;
    let body = json!({
        "host_name": "web-1", "tags": ["b", "a", "b"], "include_paths": ["/home"],
        "repositories": [{ "repository": repository, "location": "/mnt/main" }],
    });
    let answer = admin.post("/api/v1/enrolments", body).await;
    let invitation: Invitation = answer.expect(StatusCode::CREATED).json();
    let token = invitation.token.expose();
    assert!(token.starts_with("rme_"));
    assert_eq!(invitation.server_url, ORIGIN);
    assert_eq!(invitation.enrolment.tags, ["a", "b"]);
    assert_eq!(invitation.enrolment.repositories[0].name, "main");
    let command = invitation.linux_command.expose();
    assert!(command.contains(token) && command.contains(&invitation.server_fingerprint));
    let urls = command.split('\'').filter(|part| part.starts_with("https://"));
    assert!(urls.clone().count() >= 2 && urls.clone().all(|url| !url.contains("rme_")), "{command}");
    // `printf` is the shell's own; everything that is a process of its own comes after the token.
    assert!(command.find(token).unwrap() < command.find("curl").unwrap());

    let shown = admin.get(&format!("/api/v1/enrolments/{}", invitation.enrolment.id)).await;
    assert!(!shown.text().contains(token));
}

#[tokio::test]
async fn the_script_is_for_whoever_brings_the_token() {
    let world = World::new().await;
    let path = format!("/api/v1/enrolments/{}/script", world.invitation.enrolment.id);
    let token = world.invitation.token.expose();
    let answer = world.admin.post(&path, json!({ "token": token })).await;
    answer.expect(StatusCode::OK);
    let disposition = answer.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(disposition, "attachment; filename=\"install-web-2.sh\"");
    assert!(answer.text().starts_with("#!/bin/sh") && answer.text().contains(token));
    let other = json!({ "token": world.app.bootstrap_token });
    world.admin.post(&path, other).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_lost_token_is_replaced_and_a_withdrawn_one_is_dead() {
    let world = World::new().await;
    let old = world.invitation.enrolment.id;
    let answer = world.admin.post(&format!("/api/v1/enrolments/{old}/reissue"), json!({})).await;
    let new: Invitation = answer.expect(StatusCode::CREATED).json();
    assert_ne!(new.token, world.invitation.token);
    let shown: Enrolment = world.admin.get(&format!("/api/v1/enrolments/{old}")).await.json();
    assert_eq!((shown.state, shown.replaced_by), (EnrolmentState::Revoked, Some(new.enrolment.id)));
    world
        .admin
        .post(&format!("/api/v1/enrolments/{old}/reissue"), json!({}))
        .await
        .problem(StatusCode::CONFLICT);
    let path = format!("/api/v1/enrolments/{}", new.enrolment.id);
    world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    world.admin.delete(&path).await.problem(StatusCode::CONFLICT);
    let open: Page<Enrolment> = world.admin.get("/api/v1/enrolments?state=open").await.json();
    assert!(open.items.is_empty());
}

#[tokio::test]
async fn a_token_lives_for_an_hour_and_can_be_issued_anew_after_it() {
    let world = World::new().await;
    let path = format!("/api/v1/enrolments/{}", world.invitation.enrolment.id);
    world.app.clock.advance(Duration::from_secs(3599));
    assert_eq!(world.admin.get(&path).await.json::<Enrolment>().state, EnrolmentState::Open);
    world.app.clock.advance(Duration::from_secs(1));
    assert_eq!(world.admin.get(&path).await.json::<Enrolment>().state, EnrolmentState::Expired);
    world.admin.delete(&path).await.problem(StatusCode::CONFLICT);
    // Its host is given a repository, so whoever issues it anew proves who they are.
    let proof = json!({ "kind": "password", "password": crate::support::PASSWORD });
    world.admin.post("/api/v1/session/proof", proof).await.expect(StatusCode::OK);
    world.admin.post(&format!("{path}/reissue"), json!({})).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_host_name_is_invited_only_while_it_is_free() {
    let world = World::new().await;
    let body = json!({ "host_name": "WEB-1" });
    world.admin.post("/api/v1/enrolments", body.clone()).await.problem(StatusCode::CONFLICT);
    world.admin.delete(&format!("/api/v1/hosts/{}", world.host)).await.expect(StatusCode::NO_CONTENT);
    world.admin.post("/api/v1/enrolments", body).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_removed_host_is_gone_from_lists_and_its_history_stays() {
    let world = World::new().await;
    let path = format!("/api/v1/hosts/{}", world.host);
    world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    world.admin.delete(&path).await.problem(StatusCode::NOT_FOUND);
    assert!(world.admin.get("/api/v1/hosts").await.json::<Page<Host>>().items.is_empty());
    world.admin.get(&format!("{path}/snapshots")).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_renamed_group_keeps_its_tag_and_a_new_one_gets_its_own() {
    let world = World::new().await;
    let path = format!("/api/v1/source-groups/{}", world.group);
    let body = |name: &str| json!({ "name": name, "includes": ["/home"], "excludes": ["*.tmp"], "repository": world.repository });
    let renamed: SourceGroup = world.admin.put(&path, Some(1), body("people")).await.json();
    assert_eq!((renamed.name.as_str(), renamed.tag.as_str()), ("people", "home"));
    let groups = format!("/api/v1/hosts/{}/source-groups", world.host);
    let second: SourceGroup = world.admin.post(&groups, body("home")).await.json();
    assert_eq!((second.name.as_str(), second.tag.as_str()), ("home", "home-2"));
    world.admin.post(&groups, body("HOME")).await.problem(StatusCode::CONFLICT);
    let elsewhere = json!({ "name": "x", "includes": ["/home"], "repository": world.unused });
    world.admin.post(&groups, elsewhere).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let nothing = json!({ "name": "x", "includes": [], "repository": world.repository });
    world.admin.post(&groups, nothing).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_fleet_is_counted_by_health() {
    let world = World::new().await;
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!((fleet.hosts, fleet.unknown, fleet.online, fleet.enrolments_open), (1, 1, 0, 1));
    assert_eq!(fleet.jobs_queued, 3);
    enrol(&world.app, "db-1").await;
    assert_eq!(
        world.admin.get("/api/v1/fleet").await.json::<Fleet>().hosts,
        1,
        "a count is kept for a moment"
    );
    world.app.clock.advance(Duration::from_secs(5));
    assert_eq!(world.admin.get("/api/v1/fleet").await.json::<Fleet>().hosts, 2);

    let seen = restic_manager_proto::SnapshotSeen::new("a".repeat(64), world.app.now());
    let mut transaction = world.app.store.begin().await.unwrap();
    let snapshots = transaction.snapshots();
    snapshots.record_listing(world.host, world.repository, &[seen], world.app.now()).await.unwrap();
    let day_and_a_half = world.app.now().after(Duration::from_secs(36 * 60 * 60));
    let plan = HostPlan { fresh_until: Some(day_and_a_half), ..HostPlan::default() };
    transaction.hosts().plan(world.host, &plan).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    world.app.clock.advance(Duration::from_secs(5));
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!((fleet.good, fleet.unknown), (1, 1));
    let path = format!("/api/v1/repositories/{}", world.repository);
    let repository: Repository = world.admin.get(&path).await.json();
    assert_eq!((repository.hosts, repository.snapshots), (1, 1));
    assert!(repository.last_snapshot_at.is_some());
    let host: Host = world.admin.get(&format!("/api/v1/hosts/{}", world.host)).await.json();
    assert_eq!((host.health, host.snapshots, host.presence), (Health::Good, 1, Presence::Online));
    world.app.clock.advance(Duration::from_secs(36 * 60 * 60));
    let admin = world.app.sign_in("alice", crate::support::PASSWORD).await;
    let fleet: Fleet = admin.get("/api/v1/fleet").await.json();
    assert_eq!((fleet.good, fleet.overdue, fleet.unknown), (0, 1, 1));
    let host: Host = admin.get(&format!("/api/v1/hosts/{}", world.host)).await.json();
    assert_eq!((host.health, host.presence), (Health::Overdue, Presence::Offline));
    for (wanted, found) in [("overdue", 1), ("unknown", 1), ("good", 0), ("failing", 0)] {
        let page: Page<Host> = admin.get(&format!("/api/v1/hosts?health={wanted}")).await.json();
        assert_eq!(page.items.len(), found, "{wanted}");
    }
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_from_where() {
    let world = World::new().await;
    let page: Page<Entry> = world.admin.get("/api/v1/audit?action=repository-create&limit=1").await.json();
    let entry = &page.items[0];
    assert_eq!((entry.action, entry.actor.as_str()), (Action::RepositoryCreate, "alice"));
    assert_eq!((entry.subject_kind.as_str(), entry.subject.as_str()), ("repository", "unused"));
    assert_eq!(entry.address.as_deref(), Some("192.0.2.1"));
    let next = page.next.unwrap();
    let page: Page<Entry> =
        world.admin.get(&format!("/api/v1/audit?action=repository-create&limit=1&after={next}")).await.json();
    assert_eq!(page.items[0].subject, "spare");
}

#[tokio::test]
async fn builds_of_the_agent_come_with_their_checksum() {
    let folder = std::env::temp_dir().join(format!("rm-server-builds-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("restic-manager-agent-linux-amd64"), b"abc").unwrap();
    let app = App::with(|config| config.bundled_assets = Some(folder.clone())).await;
    let client = app.anonymous();
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let binary = client.get("/agent/binary?os=linux&arch=amd64").await;
    assert_eq!((binary.text().as_str(), binary.headers["x-sha256"].to_str().unwrap()), ("abc", sum));
    let line = client.get("/agent/binary.sha256?os=linux&arch=amd64").await;
    assert_eq!(line.text(), format!("{sum}  restic-manager-agent-linux-amd64\n"));
    std::fs::write(folder.join("restic-manager-agent-linux-amd64"), b"abcd").unwrap();
    assert_eq!(client.get("/agent/binary?os=linux&arch=amd64").await.text(), "abcd");
    client.get("/agent/binary?os=linux&arch=arm64").await.problem(StatusCode::NOT_FOUND);
    client
        .get("/agent/binary?os=../../etc/passwd&arch=amd64")
        .await
        .problem(StatusCode::UNPROCESSABLE_ENTITY);
    client.get("/agent/binary").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn the_install_script_is_one_that_a_shell_understands() {
    let world = World::new().await;
    let path = format!("/api/v1/enrolments/{}/script", world.invitation.enrolment.id);
    let body = json!({ "token": world.invitation.token.expose() });
    let baked = world.admin.post(&path, body).await.text();
    let fixed = world.admin.send(world.admin.request(Method::GET, "/install/agent.sh", None)).await.text();
    for script in [baked, fixed] {
        let checked = std::process::Command::new("sh").args(["-n", "-c", &script]).status().unwrap();
        assert!(checked.success());
    }
}
