//! Two ends of different versions: neither wedges, and what one cannot do is said.

use futures_util::{SinkExt as _, StreamExt as _};
use restic_manager_proto::{
    agent::{Message, Reply, ReportItem, Unknown},
    api::jobs::Job,
    capability::Capabilities,
    vocabulary::{AlertKind, Cause, JobState},
};
use restic_manager_testkit::{ended, patiently, started};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite;

use crate::scene::{Scene, alert_of};

#[tokio::test]
async fn what_a_newer_agent_reports_is_counted_and_holds_nothing_up() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let newer: ReportItem =
        serde_json::from_value(json!({ "kind": "job-levitated", "job": job.id.to_string(), "height": 3 }))
            .unwrap();
    scene.report(vec![started(scene.app.now(), job.id), newer, ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Succeeded);
    let told = alert_of(&scene, AlertKind::AgentNotUnderstood).await.expect("it is told");
    assert!(told.contains("not understood"), "{told}");
}

/// What agents of an earlier build sent, as it was recorded, by the kinds that an agent sends.
fn recorded() -> Vec<(String, String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../restic-manager-proto/tests/golden/v1");
    let sent = ["configured", "facts", "inventory", "progress", "report"];
    let mut frames: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let mut frame: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, frame["type"].as_str().unwrap().to_owned(), frame["body"].take())
        })
        .filter(|(_, kind, _)| sent.contains(&kind.as_str()))
        .collect();
    frames.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(frames.len() >= 20, "{} frames", frames.len());
    frames
}

/// The same of a newer build: every object has a field more.
fn with_more(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(with_more);
            fields.insert("of-a-newer-build".to_owned(), json!({ "deep": [1, null] }));
        }
        Value::Array(items) => items.iter_mut().for_each(with_more),
        _ => {}
    }
}

/// Says what was recorded, about a job of this host; every report is acknowledged.
async fn repeat(scene: &mut Scene, frames: Vec<(String, String, Value)>, job: &Job) {
    for (name, kind, body) in frames {
        let recorded_job = "01a20132-407a-7101-8101-010101010101";
        let body = body.to_string().replace(recorded_job, &job.id.to_string());
        let mut body: Value = serde_json::from_str(&body).unwrap();
        let Some(items) = body["items"].as_array().map(Vec::len) else {
            scene.agent().send(Message::Unknown(Unknown::new(kind, body.to_string())));
            continue;
        };
        body["outbox"] = json!(scene.persona.outbox);
        body["first"] = json!(scene.persona.sent + 1);
        scene.persona.sent += items as u64;
        scene.agent().send(Message::Unknown(Unknown::new(kind, body.to_string())));
        loop {
            match scene.agent().message().await {
                (_, Message::Acknowledge { through, .. }) if through == scene.persona.sent => break,
                (_, Message::Acknowledge { .. } | Message::Configure(_)) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

/// A backup can be asked for, run and reported, as ever.
async fn works_on(scene: &mut Scene) {
    let job = scene.ask_for_backup().await;
    loop {
        match scene.agent().message().await {
            (number, Message::StartJob(order)) if order.job == job.id => {
                let now = scene.agent().link.now();
                scene.agent().link.session().reply(now, number, Reply::Ok {}).unwrap();
                break;
            }
            (_, Message::Acknowledge { .. } | Message::Configure(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    scene.report(vec![started(scene.app.now(), job.id), ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Succeeded);
}

#[tokio::test]
async fn an_agent_from_before_capabilities_is_understood_in_all_that_it_says() {
    let mut scene = Scene::new().await;
    let remote = scene.app.remote(scene.address());
    let mut agent = scene.persona.connect_stating(&remote, Capabilities::default()).await;
    agent.take_stock(Vec::new()).await;
    scene.agent = Some(agent);
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    repeat(&mut scene, recorded(), &job).await;
    assert!(scene.job(job.id).await.state.is_end(), "what it reported of the job counts");
    works_on(&mut scene).await;
}

#[tokio::test]
async fn an_agent_of_a_newer_build_is_understood_as_far_as_it_goes_and_never_wedges() {
    let mut scene = Scene::new().await;
    let remote = scene.app.remote(scene.address());
    let newer = ["job-backup", "job-check-repository", "job-levitate", "telepathy"].map(str::to_owned);
    let mut agent = scene.persona.connect_stating(&remote, Capabilities::of_names(newer)).await;
    agent.take_stock(Vec::new()).await;
    scene.agent = Some(agent);
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let mut frames = recorded();
    frames.iter_mut().for_each(|(_, _, body)| with_more(body));
    let levitated = json!({ "items": [{ "kind": "job-levitated", "job": job.id, "height": 3 }] });
    frames.insert(0, ("newer-item".to_owned(), "report".to_owned(), levitated));
    frames.insert(0, ("newer-kind".to_owned(), "moon.phase".to_owned(), json!({ "full": true })));
    repeat(&mut scene, frames, &job).await;
    assert!(scene.job(job.id).await.state.is_end(), "what is understood counts");
    assert!(alert_of(&scene, AlertKind::AgentNotUnderstood).await.is_some(), "and what is not is told");
    works_on(&mut scene).await;
}

#[tokio::test]
async fn an_agent_that_says_what_it_can_do_is_asked_for_nothing_else() {
    let mut scene = Scene::new().await;
    let remote = scene.app.remote(scene.address());
    let older = Capabilities::of_names(["job-check-repository".to_owned()]);
    let mut agent = scene.persona.connect_stating(&remote, older).await;
    agent.take_stock(Vec::new()).await;
    assert!(agent.welcome.capabilities.may("report-job-ended"), "the server says what it understands");
    assert!(!agent.welcome.capabilities.may("report-job-levitated"));
    scene.agent = Some(agent);
    let job = scene.ask_for_backup().await;
    let ended = patiently(async {
        loop {
            let job = scene.job(job.id).await;
            if job.state.is_end() {
                return job;
            }
        }
    });
    let ended = ended.await;
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::AgentRefused));
    assert!(ended.detail.contains("update the agent"), "{}", ended.detail);
}

#[tokio::test]
async fn an_agent_of_another_protocol_is_told_what_to_update() {
    let scene = Scene::new().await;
    let url = format!("ws://{}/ws/agent", scene.address());
    let (mut socket, _) = patiently(tokio_tungstenite::connect_async(url)).await.unwrap();
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../restic-manager-proto/tests/golden/v1/hello-connect.json");
    let mut hello: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    hello["body"]["versions"] = json!({ "min": 7, "max": 9 });
    socket.send(tungstenite::Message::text(hello.to_string())).await.unwrap();
    let told = patiently(socket.next()).await.unwrap().unwrap().into_text().unwrap();
    for words in ["refusal", "protocol 1", "speaks 7 to 9", "update the older of the two"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}
