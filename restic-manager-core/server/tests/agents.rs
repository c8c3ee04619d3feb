//! Agents enrol, connect, work and report, over real sockets.

use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_core::link::Ended;
use restic_manager_crypto::{Identity, SeededRandom};
use restic_manager_proto::{
    HostId, JobEnd, JobId, OutboxId, Progress, SnapshotSeen,
    agent::{ErrorCode, Intent, KnownJob, Message, RefusalCode, Reply, Report, ReportItem},
    api::{
        Page,
        enrolments::Invitation,
        fleet::Fleet,
        hosts::{Attachment, Host},
        jobs::{Job, JobUpdate},
        repositories::CreatedRepository,
        snapshots::Snapshot,
    },
    session::Event,
    vocabulary::{Action, AlertKind, Cause, Health, JobKind, JobState, Presence, RepositoryState},
};
use restic_manager_store::{Audit, alerts::AlertSubject};
use restic_manager_testkit::{Agent, Persona, ended, lines, patiently, shake_hands, started};
use serde_json::json;
use std::net::SocketAddr;
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest as _};

use crate::support::{App, Client, Listening, ORIGIN};

const PASSWORD: &str = "a repository password";

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
        assert_eq!(order.kind, JobKind::CheckRepository);
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

async fn open_socket(client: &Client, address: SocketAddr, path: &str) -> Socket {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("origin", ORIGIN.parse().unwrap());
    request.headers_mut().insert("cookie", client.cookie.as_deref().unwrap().parse().unwrap());
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    patiently(tokio_tungstenite::client_async(request, stream)).await.unwrap().0
}

pub(crate) async fn follow_events(client: &Client, address: SocketAddr) -> Socket {
    open_socket(client, address, "/api/v1/events").await
}

async fn update(socket: &mut Socket) -> JobUpdate {
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

#[tokio::test]
async fn an_enrolment_brings_about_all_that_it_promised() {
    let (app, admin) = App::with_admin().await;
    let listening = app.listen().await;
    let invitation = invite(&admin, "web-01").await;
    let (_persona, mut agent) =
        Persona::enrol(&app.remote(listening.address), key(11), invitation.token.expose()).await;
    let host: Host = admin.get(&format!("/api/v1/hosts/{}", agent.welcome.host)).await.json();
    assert_eq!(
        (host.name.as_str(), host.tags, host.presence),
        ("web-01", vec!["web".to_owned()], Presence::Online)
    );
    assert_eq!(host.facts.restic_version.as_deref(), Some("0.18.0"));
    let attached: Page<Attachment> =
        admin.get(&format!("/api/v1/hosts/{}/repositories", host.id)).await.expect(StatusCode::OK).json();
    assert_eq!(attached.items.len(), 1);
    assert_eq!(attached.items[0].state, RepositoryState::Unverified);
    let groups = admin.get(&format!("/api/v1/hosts/{}/source-groups", host.id)).await;
    assert!(groups.text().contains(r#""includes":["/srv"]"#), "{}", groups.text());

    agent.take_stock(Vec::new()).await;
    let order = agent.order().await;
    assert_eq!((order.kind, order.repository.initialise), (JobKind::CheckRepository, true));
    let secrets = agent.secrets(&order);
    assert_eq!(secrets.password.expose(), PASSWORD);
    assert!(secrets.credential.is_some());
    assert!(app.audited().await.contains(&Action::HostEnrol));
}

#[tokio::test]
async fn every_token_that_cannot_be_spent_gets_the_same_answer() {
    let (app, admin) = App::with_admin().await;
    let address = app.listen().await.address;
    let spent = invite(&admin, "web-01").await.token;
    Persona::enrol(&app.remote(address), key(11), spent.expose()).await;
    let expired = invite(&admin, "web-02").await.token;
    let unknown = format!("{}{}", &expired.expose()[..10], &spent.expose()[10..]);
    let mut answers = Vec::new();
    let identity = key(12);
    for token in [spent.expose(), &unknown, "nonsense", ""] {
        answers.push(
            shake_hands(&app.remote(address), &identity, Intent::Enrol {}, token)
                .await
                .expect_err("a refusal"),
        );
    }
    app.clock.advance(core::time::Duration::from_secs(3600));
    answers.push(
        shake_hands(&app.remote(address), &identity, Intent::Enrol {}, expired.expose())
            .await
            .expect_err("a refusal"),
    );
    assert!(answers.iter().all(|refusal| refusal == &answers[0]), "{answers:?}");
    assert_eq!(answers[0].code, RefusalCode::EnrolmentRefused);
    assert!(app.audited().await.iter().filter(|action| **action == Action::EnrolmentRefused).count() == 5);
}

#[tokio::test]
async fn an_agent_that_did_not_hear_its_welcome_may_ask_again_and_nobody_else() {
    let (app, admin) = App::with_admin().await;
    let address = app.listen().await.address;
    let token = invite(&admin, "web-01").await.token;
    let (first, _) = Persona::enrol(&app.remote(address), key(11), token.expose()).await;
    let (second, mut agent) = Persona::enrol(&app.remote(address), key(11), token.expose()).await;
    assert_eq!(first.host, second.host);
    agent.take_stock(Vec::new()).await;
    second.connect(&app.remote(address)).await;
    let intent = Intent::Connect { host: first.host };
    let stale =
        shake_hands(&app.remote(address), &first.identity, intent, first.token.expose()).await.unwrap_err();
    assert_eq!(stale.code, RefusalCode::Untrusted);
    let other = key(12);
    let refusal =
        shake_hands(&app.remote(address), &other, Intent::Enrol {}, token.expose()).await.unwrap_err();
    assert_eq!(refusal.code, RefusalCode::EnrolmentRefused);
}

#[tokio::test]
async fn key_token_and_host_must_belong_together() {
    let scene = Scene::new().await;
    let (app, address, host) = (&scene.app, scene.address(), scene.persona.host);
    let token = scene.persona.token.expose();
    let thief = key(99);
    let elsewhere = HostId::from_bytes([9; 16]);
    for (identity, host, token) in [
        (&thief, host, token),
        (&scene.persona.identity, host, "rma_nonsense"),
        (&scene.persona.identity, elsewhere, token),
    ] {
        let refusal =
            shake_hands(&app.remote(address), identity, Intent::Connect { host }, token).await.unwrap_err();
        assert_eq!(refusal.code, RefusalCode::Untrusted);
    }
    assert!(app.audited().await.contains(&Action::AgentRefused));
}

#[tokio::test]
async fn a_backup_runs_and_its_log_and_result_are_kept() {
    let mut scene = Scene::new().await;
    assert_eq!(scene.fleet().await.unknown, 1);
    let job = scene.ask_for_backup().await;
    assert_eq!(job.state, JobState::Queued);
    let order = scene.agent().order().await;
    assert_eq!((order.job, order.kind, order.host_name.as_str()), (job.id, JobKind::Backup, "web-01"));
    let source = order.source.expect("a backup has a source");
    assert_eq!((source.includes, source.name.as_str()), (vec!["/srv".to_owned()], "default"));

    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=2)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
    let snapshot = SnapshotSeen::new("b".repeat(64), scene.app.now());
    let part = |part, last, snapshots| ReportItem::Snapshots {
        repository: order.repository.id,
        at: "2026-11-22T03:00:00Z".parse().unwrap(),
        snapshots,
        part,
        last,
    };
    let items =
        vec![part(0, false, vec![snapshot]), part(1, true, Vec::new()), ended(scene.app.now(), job.id)];
    scene.report(items).await;

    let done = scene.job(job.id).await;
    assert_eq!((done.state, done.cause, done.log_lines), (JobState::Succeeded, Cause::None, 2));
    assert_eq!(done.command, "restic backup --json -- /srv");
    assert_eq!(done.statistics.unwrap().bytes_processed, 4096);
    assert_eq!(scene.log(job.id).await, ["line 1", "line 2"]);
    let host = scene.host().await;
    assert_eq!((host.health, host.snapshots), (Health::Good, 1));
    assert_eq!(scene.fleet().await.good, 1, "a change is counted at once");
    let path = format!("/api/v1/hosts/{}/snapshots", scene.persona.host);
    let snapshots: Page<Snapshot> = scene.admin.get(&path).await.json();
    assert_eq!(snapshots.items[0].snapshot.id, "b".repeat(64));
}

#[tokio::test]
async fn what_is_reported_twice_is_kept_once() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let before = scene.persona.sent;
    scene.report(vec![started(scene.app.now(), job.id), lines(scene.app.now(), job.id, 1..=3)]).await;
    // The acknowledgement was lost with the connection, so the agent sends everything again.
    scene.lose_agent().await;
    scene.reconnect(vec![KnownJob::new(job.id, JobState::Running)]).await;
    scene.persona.sent = before;
    let items = vec![
        started(scene.app.now(), job.id),
        lines(scene.app.now(), job.id, 1..=3),
        lines(scene.app.now(), job.id, 4..=5),
    ];
    scene.report(items).await;
    assert_eq!(scene.log(job.id).await, ["line 1", "line 2", "line 3", "line 4", "line 5"]);
}

#[tokio::test]
async fn the_same_job_is_not_made_twice() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let body = json!({ "host": scene.persona.host, "kind": "backup" });
    let problem = scene.admin.post("/api/v1/jobs", body).await.problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains(&job.id.to_string()), "{problem:?}");
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_running_job_is_cancelled_by_its_agent() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    let cancelled: Job = scene
        .admin
        .post(&format!("/api/v1/jobs/{}/cancel", job.id), json!({}))
        .await
        .expect(StatusCode::ACCEPTED)
        .json();
    assert_eq!(cancelled.state, JobState::Running);
    assert!(cancelled.cancel_requested_at.is_some());
    assert_eq!(scene.agent().cancellation().await, job.id);
    let end = JobEnd::new(JobState::Cancelled, Cause::Cancelled);
    scene.report(vec![ReportItem::JobEnded { job: job.id, at: scene.app.now(), end }]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn the_job_of_a_host_that_is_away_is_cancelled_in_place_and_stopped_when_it_comes_back() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    let cancelled: Job = scene.admin.post(&format!("/api/v1/jobs/{}/cancel", job.id), json!({})).await.json();
    assert_eq!(cancelled.state, JobState::Cancelled);
    scene.reconnect(vec![KnownJob::new(job.id, JobState::Running)]).await;
    assert_eq!(scene.agent().cancellation().await, job.id);
    // What the agent says of it afterwards changes nothing.
    scene.report(vec![ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Cancelled);
}

#[tokio::test]
async fn a_queued_job_waits_for_its_host_and_is_sent_when_it_comes() {
    let mut scene = Scene::new().await;
    scene.lose_agent().await;
    let job = scene.ask_for_backup().await;
    assert!(job.waiting_for.contains("not connected"), "{}", job.waiting_for);
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_job_that_its_agent_does_not_know_any_more_is_lost() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    let lost = scene.job(job.id).await;
    assert_eq!((lost.state, lost.cause), (JobState::Failed, Cause::AgentLost));
    assert!(!lost.advice.is_empty());
}

#[tokio::test]
async fn an_order_that_did_not_arrive_is_sent_again() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().unanswered_order().await;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
    scene.report(vec![started(scene.app.now(), job.id), ended(scene.app.now(), job.id)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Succeeded);
}

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
async fn an_order_that_is_refused_ends_its_job_with_the_agents_words() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let mut events = follow_events(&scene.admin, scene.address()).await;
    let (number, _) = scene.agent().unanswered_order().await;
    let agent = scene.agent();
    let now = agent.link.now();
    let reply =
        Reply::Error { code: ErrorCode::Forbidden, message: "the policy file allows only /home".into() };
    agent.link.session().reply(now, number, reply).unwrap();
    let ended = loop {
        // The reply leaves while the agent listens.
        tokio::select! {
            _ = scene.agent.as_mut().unwrap().link.next() => {}
            event = patiently(events.next()) => { event.unwrap().unwrap(); }
        }
        let job = scene.job(job.id).await;
        if job.state.is_end() {
            break job;
        }
    };
    assert_eq!((ended.state, ended.cause), (JobState::Failed, Cause::AgentRefused));
    assert!(ended.detail.contains("/home"));
}

#[tokio::test]
async fn a_report_on_another_hosts_job_changes_nothing_and_is_noted() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let invitation = invite(&scene.admin, "web-02").await;
    let (mut other, mut agent) =
        Persona::enrol(&scene.app.remote(scene.address()), key(13), invitation.token.expose()).await;
    let items = vec![
        started(scene.app.now(), job.id),
        lines(scene.app.now(), job.id, 1..=1),
        ended(scene.app.now(), job.id),
    ];
    other.report(&mut agent, items).await;
    let untouched = scene.job(job.id).await;
    assert_eq!((untouched.state, untouched.log_lines), (JobState::Dispatched, 0));
    assert_eq!(
        scene.app.audited().await.iter().filter(|action| **action == Action::AgentOverreach).count(),
        1
    );
    let mut read = scene.app.store.read().await.unwrap();
    let subject = AlertSubject::new("host", other.host);
    let alert = read.alerts().unresolved(AlertKind::AgentOverreach, &subject).await.unwrap();
    assert_eq!(alert.map(|alert| alert.subject_name).as_deref(), Some("web-02"));
}

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
async fn a_gap_in_an_outbox_is_passed_over() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.persona.sent += 5;
    let report =
        Report::new(scene.persona.outbox, scene.persona.sent + 1, vec![started(scene.app.now(), job.id)]);
    let last = report.last();
    scene.agent().send(Message::Report(report));
    assert!(
        matches!(scene.agent().message().await, (_, Message::Acknowledge { through, .. }) if through == last)
    );
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
}

/// Answers an order, and sees to it that the answer leaves.
async fn answer_order(agent: &mut Agent, reply: Reply) -> JobId {
    let (number, order) = agent.unanswered_order().await;
    let now = agent.link.now();
    agent.link.session().reply(now, number, reply).unwrap();
    while agent.link.next_or_sent().await.unwrap().is_some() {}
    order.job
}

#[tokio::test]
async fn an_agent_that_stops_is_asked_once() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    let reply = Reply::Error { code: ErrorCode::Stopping, message: "the agent is stopping".into() };
    assert_eq!(answer_order(scene.agent(), reply).await, job.id);
    // The next words are acknowledgements, and no order.
    scene.report(vec![lines(scene.app.now(), job.id, 1..=1)]).await;
    scene.report(vec![lines(scene.app.now(), job.id, 2..=2)]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Queued);
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    assert_eq!(scene.agent().order().await.job, job.id);
}

#[tokio::test]
async fn a_job_that_the_server_ended_first_makes_room_when_the_agent_ends_it_too() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let now = scene.app.now();
    scene.report(vec![started(now, job.id)]).await;
    let mut transaction = scene.app.store.begin().await.unwrap();
    let end = JobEnd::new(JobState::Failed, Cause::DeadlineExceeded);
    assert!(transaction.jobs().finish(job.id, now, &end).await.unwrap());
    transaction.leases().release(job.id).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();

    let progress = || Message::Progress { job: job.id, progress: Progress::default() };
    scene.agent().send(progress());
    scene.report(vec![ended(now, job.id)]).await;
    assert_eq!(scene.job(job.id).await.progress, None, "its figures are nobody's");
    scene.agent().send(progress());
    scene.report(vec![lines(now, job.id, 1..=1)]).await;
    assert_eq!(scene.job(job.id).await.progress, None, "and it may not report any");
    let next = scene.ask_for_backup().await;
    assert_eq!(scene.agent().order().await.job, next.id);
}

#[tokio::test]
async fn an_order_that_no_message_holds_ends_its_job_at_once() {
    let scene = Scene::new().await;
    let includes: Vec<_> = (0..256).map(|number| format!("/{number:04}{}", "a".repeat(4000))).collect();
    let mut transaction = scene.app.store.begin().await.unwrap();
    let group = transaction.sources().of_host(scene.persona.host).await.unwrap().remove(0);
    let (version, repository) = (group.version, group.repository);
    let group = restic_manager_store::sources::SourceGroup { includes: includes.clone(), ..group };
    transaction.sources().update(&group, version).await.unwrap();
    transaction.commit(Audit::Routine("as an older version let it be")).await.unwrap();
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
    assert_eq!(ended.state, JobState::Failed);
    assert!(ended.detail.contains("too large"), "{}", ended.detail);

    let path = format!("/api/v1/hosts/{}/source-groups", scene.persona.host);
    let body = json!({ "name": "long", "includes": includes, "repository": repository });
    let problem = scene.admin.post(&path, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "includes", "and nobody makes such a group any more");
}

/// An alert about the scene's host.
async fn alert_of(scene: &Scene, kind: AlertKind) -> Option<String> {
    let mut read = scene.app.store.read().await.unwrap();
    let subject = AlertSubject::new("host", scene.persona.host);
    read.alerts().unresolved(kind, &subject).await.unwrap().map(|alert| alert.summary)
}

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

#[tokio::test]
async fn the_welcome_says_what_was_reported_and_an_agent_that_went_back_is_told() {
    let mut scene = Scene::new().await;
    let reported = scene.persona.sent;
    scene.lose_agent().await;
    scene.reconnect(Vec::new()).await;
    let welcome = scene.agent().welcome.reported.expect("it has reported");
    assert_eq!((welcome.outbox, welcome.through), (scene.persona.outbox, reported));

    // It finds that it never held so much, and begins anew, with numbers that go on.
    let before = scene.persona.outbox;
    scene.persona.outbox = OutboxId::from_bytes([9; 16]);
    scene.persona.sent = 1;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    let began = ReportItem::OutboxBegan { at: scene.app.now(), before, last: 1, confirmed: reported };
    scene.report(vec![started(scene.app.now(), job.id), began]).await;
    assert_eq!(scene.job(job.id).await.state, JobState::Running);
    assert!(alert_of(&scene, AlertKind::AgentRestored).await.is_some());
    assert_eq!(
        alert_of(&scene, AlertKind::ServerRestored).await,
        None,
        "another outbox has numbers of its own"
    );
}

#[tokio::test]
async fn reports_that_were_confirmed_and_are_not_known_are_told() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.persona.sent += 5;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    assert!(alert_of(&scene, AlertKind::ServerRestored).await.is_some());
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

#[tokio::test]
async fn an_inventory_in_parts_is_one_inventory() {
    let mut scene = Scene::new().await;
    let job = scene.ask_for_backup().await;
    scene.agent().order().await;
    scene.report(vec![started(scene.app.now(), job.id)]).await;
    scene.lose_agent().await;
    let mut agent = scene.persona.connect(&scene.app.remote(scene.address())).await;
    for (jobs, more) in [(vec![KnownJob::new(job.id, JobState::Running)], true), (Vec::new(), false)] {
        let now = agent.link.now();
        let asked = agent.link.session().request(now, Message::Inventory { jobs, more }).unwrap();
        let Event::Reply { number, .. } = patiently(agent.link.next()).await.unwrap() else {
            panic!("no answer")
        };
        assert_eq!(number, asked);
    }
    scene.agent = Some(agent);
    assert_eq!(scene.job(job.id).await.state, JobState::Running, "it is not taken for lost");
}
