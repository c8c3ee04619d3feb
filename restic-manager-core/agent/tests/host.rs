//! What a host lacks, hides, or loses for a while.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use restic_manager_agent::link::IfEnrolled;
use restic_manager_proto::{
    agent::{ErrorCode, Message, Reply, ReportItem},
    vocabulary::{Cause, JobState},
};

use crate::{
    jobs::{Scene, log},
    support::{TestHost, TestServer, find_restic, password, restic},
};

/// A host whose agent is set up by `change` before it starts.
async fn scene(change: impl FnOnce(&mut TestHost)) -> Scene {
    let mut server = TestServer::new();
    let mut host = TestHost::new(server.fingerprint());
    host.config.restic = Some(find_restic());
    change(&mut host);
    host.enrol(&mut server, IfEnrolled::Refuse).await.expect("the host enrols");
    let agent = host.start(&server);
    let mut peer = server.accept().await;
    peer.inventory().await;
    Scene { server, host, agent, peer }
}

fn program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("a program");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a program");
}

#[tokio::test]
async fn without_a_place_for_the_cache_restic_goes_without_one() {
    let mut scene = scene(|host| {
        let file = host.folder.path().join("a file");
        fs::write(&file, "no folder").expect("a file");
        host.config.cache_folder = Some(file.join("cache"));
    })
    .await;
    let order = scene.backup(1, &scene.source());
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
}

#[tokio::test]
async fn a_restic_that_comes_or_moves_is_found() {
    let mut scene = scene(|host| host.config.restic = Some(host.folder.path().join("restic"))).await;
    let restic = scene.path("restic");
    let order = scene.backup(1, &scene.source());
    assert_eq!(scene.run(order, &password()).await.cause, Cause::ResticMissing);
    symlink(find_restic(), &restic).expect("a link");
    let order = scene.backup(2, &scene.source());
    assert_eq!(scene.run(order, &password()).await.state, JobState::Succeeded);
    fs::remove_file(&restic).expect("it goes");
    let order = scene.backup(3, &scene.source());
    assert_eq!(scene.run(order, &password()).await.cause, Cause::ResticMissing);
}

#[tokio::test]
async fn a_version_probe_that_is_killed_is_repeated() {
    let mut scene = scene(|host| {
        let path = host.folder.path().join("restic");
        let real = find_restic();
        let (killed, real) = (host.folder.path().join("killed"), real.display());
        let killed = killed.display();
        program(&path, &format!("if [ -e {killed} ]; then rm {killed}; kill -9 $$; fi; exec {real} \"$@\""));
        host.config.restic = Some(path);
    })
    .await;
    fs::write(scene.path("killed"), "once").expect("a file");
    let order = scene.backup(1, &scene.source());
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Succeeded, Cause::None), "{end:?}");
    assert!(!scene.path("killed").exists(), "it was killed once");
}

#[tokio::test]
async fn the_agents_own_state_is_left_out_of_every_backup() {
    let mut scene = scene(|_| {}).await;
    let whole = scene.host.folder.path().to_owned();
    let mut order = scene.backup(1, &whole);
    order.source_mut().expect("a source").excludes.push("!vault.key".to_owned());
    let end = scene.run(order, &password()).await;
    assert_eq!(end.state, JobState::Succeeded, "{end:?}");
    let listed = restic(&scene.repository(), ["ls", "latest"]);
    assert!(listed.contains("/policy.toml") || listed.contains("/repository"), "{listed}");
    for own in ["vault.key", "identity.pem", "enrolment.json", "jobs.json"] {
        assert!(!listed.contains(own), "{own}: {listed}");
    }
    let said = log(&scene.peer)
        .into_iter()
        .any(|(_, line)| line.starts_with("left out: ") && line.contains("state"));
    assert!(said, "the log says so");

    let order = scene.backup(2, &whole.join("state"));
    let end = scene.run(order, &password()).await;
    assert_eq!((end.state, end.cause), (JobState::Failed, Cause::AgentRefused), "{end:?}");
    assert!(end.detail.contains("holds its keys"), "{end:?}");
}

#[tokio::test]
async fn names_are_held_to_the_rule_for_names() {
    let mut scene = scene(|_| {}).await;
    for name in ["-rf ../../etc; $(id)\n", "", "a b"] {
        let mut order = scene.backup(1, &scene.source());
        name.clone_into(&mut order.source_mut().expect("a source").name);
        let reply = scene.peer.start(order, &password()).await;
        assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{name:?}: {reply:?}");
        let mut order = scene.backup(1, &scene.source());
        name.clone_into(&mut order.host_name);
        let reply = scene.peer.start(order, &password()).await;
        assert!(matches!(reply, Reply::Error { code: ErrorCode::Invalid, .. }), "{name:?}: {reply:?}");
    }
}

#[tokio::test]
async fn the_log_shows_the_steps_of_a_cancel() {
    let mut scene = scene(|_| {}).await;
    let job = scene.run_endless(1).await;
    assert_eq!(scene.peer.ask(Message::CancelJob { job }).await, Reply::Ok {});
    assert_eq!(scene.peer.end_of(job).await.state, JobState::Cancelled);
    let asked = "restic is asked to end, because somebody cancelled the job; in 60 seconds it is killed";
    let said = |item: &ReportItem| match item {
        ReportItem::JobLog { lines, .. } => lines.iter().any(|line| line.text == asked),
        _ => false,
    };
    assert!(scene.peer.heard.iter().any(|(_, item)| said(item)), "{:?}", scene.peer.heard);
}
