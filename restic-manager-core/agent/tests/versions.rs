//! A server of another version: nothing that it says ends the connection, and what is not known here is answered.

use restic_manager_proto::{
    JobId,
    agent::{ErrorCode, Message, Reply, Unknown},
    capability::Capabilities,
};
use serde_json::{Value, json};

use crate::support::{Peer, TestHost, TestServer};

/// What servers of an earlier build asked for, as it was recorded.
fn recorded() -> Vec<(String, String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../restic-manager-proto/tests/golden/v1");
    let asked = ["configure", "job.cancel", "job.start", "token.rotate"];
    let mut frames: Vec<_> = std::fs::read_dir(folder)
        .expect("the golden frames")
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("a frame");
            let mut frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, frame["type"].as_str().expect("a kind").to_owned(), frame["body"].take())
        })
        .filter(|(_, kind, _)| asked.contains(&kind.as_str()))
        .collect();
    frames.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(frames.len() > 8, "{} frames", frames.len());
    frames
}

/// What people choose is closed: to pass over a part of it would be to do something else than was asked for.
const CLOSED: &[&str] =
    &["bandwidth", "command", "misfire", "options", "policies", "read_data", "restore", "retention", "retry"];

/// The same of a newer build: every object has a field more, but for what is closed.
fn with_more(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let open = fields.iter_mut().filter(|(name, _)| !CLOSED.contains(&name.as_str()));
            open.for_each(|(_, value)| with_more(value));
            fields.insert("of-a-newer-build".to_owned(), json!({ "deep": [1, null] }));
        }
        Value::Array(items) => items.iter_mut().for_each(with_more),
        _ => {}
    }
}

/// A configuration in which people chose something that is newer than this build.
fn with_another_choice() -> Value {
    let recorded = recorded().into_iter().find(|(name, ..)| name == "configure");
    let (_, _, mut body) = recorded.expect("it was recorded");
    body["schedules"][0]["misfire"]["of-a-newer-build"] = json!(true);
    body
}

async fn say(peer: &mut Peer, kind: &str, body: &Value) -> Reply {
    peer.ask(Message::Unknown(Unknown::new(kind, body.to_string()))).await
}

fn is_unsupported(reply: &Reply) -> bool {
    matches!(reply, Reply::Error { code: ErrorCode::Unsupported, .. })
}

/// The connection goes on, and so does the work.
async fn works_on(peer: &mut Peer) {
    let reply = peer.ask(Message::CancelJob { job: JobId::from_bytes([4; 16]) }).await;
    assert!(matches!(reply, Reply::Error { code: ErrorCode::UnknownJob, .. }), "{reply:?}");
}

#[tokio::test]
async fn a_server_from_before_capabilities_is_understood_in_all_that_it_asks() {
    let mut server = TestServer::new();
    let (_host, _agent, mut peer) = TestHost::connected(&mut server).await;
    for (name, kind, body) in recorded() {
        let reply = say(&mut peer, &kind, &body).await;
        assert!(!is_unsupported(&reply), "{name}: {reply:?}");
    }
    works_on(&mut peer).await;
}

#[tokio::test]
async fn a_server_of_a_newer_build_is_answered_as_far_as_it_is_understood_and_never_wedges_the_agent() {
    let mut server = TestServer::new();
    let host = TestHost::enrolled(&mut server).await;
    let newer = ["report-job-ended", "telepathy"].map(str::to_owned);
    server.capabilities = Capabilities::of_names(newer);
    let _agent = host.start(&server);
    let arrival = server.arrival().await;
    assert!(arrival.hello.capabilities.may("job-backup"), "the agent says what it can do");
    assert!(!arrival.hello.capabilities.may("job-levitate"));
    let (_, mut peer) = server.admit(arrival).await;
    peer.inventory().await;
    for (name, kind, mut body) in recorded() {
        with_more(&mut body);
        let reply = say(&mut peer, &kind, &body).await;
        assert!(!is_unsupported(&reply), "{name}: {reply:?}");
    }
    let unknown = [
        ("moon.phase", json!({ "full": true })),
        ("job.start", json!({ "kind": "levitate", "height": 3 })),
        ("configure", json!({ "by": "telepathy" })),
        ("configure", with_another_choice()),
    ];
    for (kind, body) in unknown {
        let reply = say(&mut peer, kind, &body).await;
        assert!(is_unsupported(&reply), "{kind}: {reply:?}");
    }
    works_on(&mut peer).await;
}
