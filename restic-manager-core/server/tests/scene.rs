//! A server, a host and its agent, over real sockets.

use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_crypto::{Identity, SeededRandom};
use restic_manager_proto::{
    agent::{KnownJob, ReportItem},
    api::{
        enrolments::Invitation,
        fleet::Fleet,
        hosts::Host,
        jobs::{Job, JobUpdate},
        repositories::CreatedRepository,
    },
    vocabulary::{AlertKind, JobKind, RepositoryState},
};
use restic_manager_store::alerts::AlertSubject;
use restic_manager_testkit::{Agent, Persona, ended, patiently, started};
use serde_json::json;
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::support::{App, Client, Listening, ORIGIN};

pub(crate) const PASSWORD: &str = "a repository password";

/// A server, its admin, and a host that has just enrolled and whose repository was found ready.
pub(crate) struct Scene {
    pub(crate) app: App,
    pub(crate) admin: Client,
    pub(crate) listening: Listening,
    pub(crate) persona: Persona,
    pub(crate) agent: Option<Agent>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let (app, admin) = App::with_admin().await;
        let listening = app.listen().await;
        let invitation = invite(&admin, "web-01").await;
        let (mut persona, mut agent) =
            Persona::enrol(&app.remote(listening.address), key(11), invitation.token.expose()).await;
        agent.take_stock(Vec::new()).await;
        let order = agent.order().await;
        assert_eq!(order.kind(), JobKind::CheckRepository);
        let checked = ReportItem::RepositoryChecked {
            repository: order.repository.id,
            at: app.now(),
            state: RepositoryState::Ready,
            detail: String::new(),
        };
        let items = vec![started(app.now(), order.job), checked, ended(app.now(), order.job)];
        persona.report(&mut agent, items).await;
        Self { app, admin, listening, persona, agent: Some(agent) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.address
    }

    pub(crate) async fn ask_for_backup(&self) -> Job {
        let body = json!({ "host": self.persona.host, "kind": "backup" });
        let answer = self.admin.post("/api/v1/jobs", body).await;
        answer.expect(StatusCode::ACCEPTED).json()
    }

    pub(crate) async fn job(&self, id: impl ToString) -> Job {
        self.admin.get(&format!("/api/v1/jobs/{}", id.to_string())).await.expect(StatusCode::OK).json()
    }

    pub(crate) async fn fleet(&self) -> Fleet {
        self.admin.get("/api/v1/fleet").await.expect(StatusCode::OK).json()
    }

    pub(crate) async fn host(&self) -> Host {
        self.admin.get(&format!("/api/v1/hosts/{}", self.persona.host)).await.expect(StatusCode::OK).json()
    }

    pub(crate) async fn log(&self, id: impl ToString) -> Vec<String> {
        let answer = self.admin.get(&format!("/api/v1/jobs/{}/log?format=ndjson", id.to_string())).await;
        answer.expect(StatusCode::OK);
        let line = |line: &str| serde_json::from_str::<restic_manager_proto::LogLine>(line).unwrap().text;
        answer.text().lines().map(line).collect()
    }

    /// The agent comes back, as after a break, with the jobs that it knows.
    pub(crate) async fn reconnect(&mut self, known: Vec<KnownJob>) {
        let mut agent = self.persona.connect(&self.app.remote(self.listening.address)).await;
        agent.take_stock(known).await;
        self.agent = Some(agent);
    }

    /// The connection breaks, and the server notices.
    pub(crate) async fn lose_agent(&mut self) {
        let mut events = follow_events(&self.admin, self.listening.address).await;
        self.agent = None;
        loop {
            let event = patiently(events.next()).await.unwrap().unwrap().into_text().unwrap();
            if event.contains(r#""type":"host""#) {
                return;
            }
        }
    }

    pub(crate) fn agent(&mut self) -> &mut Agent {
        self.agent.as_mut().expect("the agent is connected")
    }

    pub(crate) async fn report(&mut self, items: Vec<ReportItem>) {
        let agent = self.agent.as_mut().expect("the agent is connected");
        self.persona.report(agent, items).await;
    }
}

/// The same key for the same seed.
pub(crate) fn key(seed: u64) -> Identity {
    Identity::generate(&SeededRandom::new(seed))
}

pub(crate) type Socket = tokio_tungstenite::WebSocketStream<tokio::net::TcpStream>;

pub(crate) async fn open_socket(client: &Client, address: SocketAddr, path: &str) -> Socket {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    request.headers_mut().insert("cookie", client.cookie.as_deref().unwrap().parse().unwrap());
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    patiently(tokio_tungstenite::client_async(request, stream)).await.unwrap().0
}

pub(crate) async fn follow_events(client: &Client, address: SocketAddr) -> Socket {
    open_socket(client, address, "/api/v1/events").await
}

/// The next that a view of a job is told.
pub(crate) async fn update(socket: &mut Socket) -> JobUpdate {
    let message = patiently(socket.next()).await.unwrap().unwrap();
    serde_json::from_str(&message.into_text().unwrap()).unwrap()
}

pub(crate) async fn invite(admin: &Client, name: &str) -> Invitation {
    let repository: CreatedRepository =
        match admin.get("/api/v1/repositories").await.json::<serde_json::Value>()["items"].get(0) {
            Some(repository) => serde_json::from_value(json!({ "repository": repository })).unwrap(),
            None => {
                let body = json!({
                    "name": "main",
                    "location": "rest:https://backup.example.com/web/",
                    "password": PASSWORD,
                    "everyday": { "kind": "rest", "username": "web", "password": "transport secret" },
                });
                admin.post("/api/v1/repositories", body).await.expect(StatusCode::CREATED).json()
            }
        };
    let body = json!({
        "host_name": name,
        "tags": ["web"],
        "repositories": [{ "repository": repository.repository.id }],
        "include_paths": ["/srv"],
    });
    admin.post("/api/v1/enrolments", body).await.expect(StatusCode::CREATED).json()
}

/// An alert about the scene's host.
pub(crate) async fn alert_of(scene: &Scene, kind: AlertKind) -> Option<String> {
    let mut read = scene.app.store.read().await.unwrap();
    let subject = AlertSubject::new("host", scene.persona.host);
    read.alerts().unresolved(kind, &subject).await.unwrap().map(|alert| alert.summary)
}
