//! What one agent and one person may take of a server.

use http::StatusCode;
use restic_manager_proto::{agent::Message, vocabulary::JobState};
use restic_manager_testkit::{lines, started};
use serde_json::json;

use crate::scene::{Scene, follow_events};

#[tokio::test]
async fn an_agent_holds_so_many_jobs_and_no_more() {
    let mut scene = Scene::new().await;
    for number in 0..20 {
        let (name, location) = (format!("more-{number}"), format!("/srv/more-{number}"));
        let repository = crate::world::make_repository(&scene.admin, &name, &location).await;
        let attach = format!("/api/v1/hosts/{}/repositories/{repository}", scene.persona.host);
        scene.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    }
    let mut orders = Vec::new();
    for _ in 0..16 {
        orders.push(scene.agent().order().await.job);
    }
    scene.report(vec![started(scene.app.now(), orders[0])]).await;
    let mut read = scene.app.store.read().await.unwrap();
    let active = read.jobs().active_of(scene.persona.host).await.unwrap();
    let queued = active.iter().filter(|job| job.state == JobState::Queued).count();
    assert_eq!((active.len(), queued), (20, 4));
}

#[tokio::test]
async fn sockets_of_one_person_have_a_number() {
    let scene = Scene::new().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(follow_events(&scene.admin, scene.address()).await);
    }
    let request = scene.admin.request(http::Method::GET, "/api/v1/events", None);
    let (mut parts, body) = request.into_parts();
    for (name, value) in [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ] {
        parts.headers.insert(name, value.parse().unwrap());
    }
    let answer = scene.admin.send(http::Request::from_parts(parts, body)).await;
    let problem = answer.problem(StatusCode::TOO_MANY_REQUESTS);
    assert!(problem.detail.contains("64 sockets"), "{}", problem.detail);
}

#[tokio::test]
async fn progress_is_cut_to_its_limits_as_it_arrives() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    let mut progress = restic_manager_proto::Progress::default();
    progress.fraction_done = Some(-5.0);
    progress.current_files = vec!["x".repeat(900); 1000];
    scene.agent().send(Message::Progress { job: job.id, progress });
    scene.report(vec![lines(scene.app.now(), job.id, 1..=1)]).await;
    let shown = scene.job(job.id).await.progress.expect("it was reported before the line");
    assert_eq!((shown.fraction_done, shown.current_files.len()), (Some(0.0), 4));
    assert!(shown.current_files.iter().all(|file| file.len() <= 256));
}
