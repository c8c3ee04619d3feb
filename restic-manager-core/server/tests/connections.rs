//! Connections of agents, and views that follow a job: who takes whose place, and how they end.

use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_core::link::Ended;
use restic_manager_proto::{
    agent::{Intent, Message, RefusalCode},
    api::{hosts::Host, jobs::JobUpdate},
    vocabulary::{AlertKind, JobState},
};
use restic_manager_testkit::{Persona, ended, lines, patiently, shake_hands, started};
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};

use crate::{
    scene::{Scene, alert_of, invite, key, open_socket, update},
    support::App,
};

#[tokio::test]
async fn a_newer_connection_replaces_an_older_one() {
    let mut scene = Scene::new().await;
    let old = scene.agent.take().unwrap();
    scene.reconnect(Vec::new()).await;
    let Ended::ClosedByPeer { code, .. } = old.ended().await else { panic!("the old connection goes on") };
    assert_eq!(code, 4004);
    let job = scene.ask_for_backup().await;
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_host_that_was_removed_is_cut_off_and_told_so() {
    let mut scene = Scene::new().await;
    let agent = scene.agent.take().unwrap();
    let host: Host = scene.host().await;
    scene.admin.delete(&format!("/api/v1/hosts/{}", host.id)).await.expect(StatusCode::NO_CONTENT);
    let Ended::ClosedByPeer { code, .. } = agent.ended().await else { panic!("the connection goes on") };
    assert_eq!(code, 4001);
    let (identity, token) = (&scene.persona.identity, scene.persona.token.expose());
    let intent = Intent::Connect { host: host.id };
    let refusal = shake_hands(&scene.app.remote(scene.address()), identity, intent, token).await.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::Removed);
}

#[tokio::test]
async fn a_live_view_replays_and_follows_to_the_end() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=3)]).await;
    let path = format!("/api/v1/jobs/{}/stream?after=1", job.id);
    let mut socket = open_socket(&scene.admin, scene.address(), &path).await;
    assert!(matches!(update(&mut socket).await, JobUpdate::Job { job } if job.state == JobState::Running));
    let JobUpdate::Lines { lines: replayed } = update(&mut socket).await else { panic!("no lines") };
    assert_eq!(replayed.iter().map(|line| line.sequence).collect::<Vec<_>>(), [2, 3]);

    let mut progress = restic_manager_proto::Progress::default();
    progress.files_done = 7;
    let message = Message::Progress { job: job.id, progress };
    scene.agent().send(message);
    scene.report(vec![lines(scene.app.now(), job.id, 4..=4)]).await;
    let mut seen = Vec::new();
    let mut figures = 0;
    scene.report(vec![lines(scene.app.now(), job.id, 5..=5), ended(scene.app.now(), job.id)]).await;
    loop {
        match update(&mut socket).await {
            JobUpdate::Lines { lines } => seen.extend(lines.iter().map(|line| line.sequence)),
            JobUpdate::Progress { progress } => figures = progress.files_done,
            JobUpdate::Job { job } => figures = job.progress.map_or(figures, |progress| progress.files_done),
            JobUpdate::End {} => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, [4, 5]);
    assert!(figures == 7 || figures == 0, "figures come when the view looks in time, and are never made up");
    assert_eq!(scene.job(job.id).await.state, JobState::Succeeded);
}

#[tokio::test]
async fn a_server_that_stops_says_so_to_agents_and_views() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=3)]).await;
    let mut socket =
        open_socket(&scene.admin, scene.address(), &format!("/api/v1/jobs/{}/stream", job.id)).await;
    assert!(matches!(update(&mut socket).await, JobUpdate::Job { .. }));
    assert!(matches!(update(&mut socket).await, JobUpdate::Lines { .. }));
    scene.app.shutdown.request();
    assert_eq!(update(&mut socket).await, JobUpdate::Resume { after: 3 });
    let Ended::ClosedByPeer { code, .. } = scene.agent.take().unwrap().ended().await else {
        panic!("it goes on")
    };
    assert_eq!(code, 1001);
    drop(socket);
    patiently(scene.listening.served).await.unwrap();
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_ends_that_connection_alone() {
    let mut scene = Scene::new().await;
    let invitation = invite(&scene.admin, "web-02").await;
    let (_other, agent) =
        Persona::enrol(&scene.app.remote(scene.address()), key(13), invitation.token.expose()).await;
    let mut raw = patiently(tokio_tungstenite::connect_async(format!("ws://{}/ws/agent", scene.address())))
        .await
        .unwrap()
        .0;
    futures_util::SinkExt::send(&mut raw, tungstenite::Message::text("{")).await.unwrap();
    let mut last = None;
    while let Some(Ok(message)) = patiently(raw.next()).await {
        last = Some(message);
    }
    assert!(matches!(last, Some(tungstenite::Message::Close(Some(frame))) if u16::from(frame.code) == 4002));
    let job = scene.ask_for_backup().await;
    assert_eq!(scene.agent().order().await.job, job.id);
    drop(agent);
}

#[tokio::test]
async fn a_browser_of_another_site_gets_no_agent_socket() {
    let (app, _admin) = App::with_admin().await;
    let address = app.listen().await.address;
    let mut request = format!("ws://{address}/ws/agent").into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://evil.example.net".parse().unwrap());
    let refused = patiently(tokio_tungstenite::connect_async(request)).await;
    assert!(matches!(refused, Err(tungstenite::Error::Http(response)) if response.status() == 403));
}

#[tokio::test]
async fn two_agents_with_one_identity_are_told() {
    let mut scene = Scene::new().await;
    for _ in 0..3 {
        scene.reconnect(Vec::new()).await;
    }
    assert_eq!(alert_of(&scene, AlertKind::AgentDuplicated).await, None);
    scene.reconnect(Vec::new()).await;
    assert!(alert_of(&scene, AlertKind::AgentDuplicated).await.is_some());
}
