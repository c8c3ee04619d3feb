//! What makes an agent trusted, and what ends it: tokens that are replaced, copies of them, records that change hands.

use core::time::Duration;
use http::StatusCode;
use restic_manager_core::link::Ended;
use restic_manager_crypto::{Identity, SecretBytes, SecretString, SeededRandom};
use restic_manager_proto::{
    Scope,
    agent::{Intent, Message, RefusalCode, Reply},
    api::{Code, Page, alerts, enrolments::Invitation, hosts::Host},
    session::RequestNumber,
    vocabulary::{Action, AlertKind, Role},
};
use restic_manager_testkit::{Agent, Persona, patiently, shake_hands};
use serde_json::{Value, json};

use crate::{
    support::{App, Client, Listening, PASSWORD},
    world::{World, add_user_within, enrol_tagged, make_repository},
};

/// A server, its admin, and a host that has just enrolled.
struct Scene {
    app: App,
    admin: Client,
    listening: Listening,
    persona: Persona,
    agent: Agent,
}

impl Scene {
    async fn new() -> Self {
        let (app, admin) = App::with_admin().await;
        let listening = app.listen().await;
        let body = json!({ "host_name": "web-01" });
        let invitation: Invitation =
            admin.post("/api/v1/enrolments", body).await.expect(StatusCode::CREATED).json();
        let remote = app.remote(listening.address);
        let (persona, mut agent) = Persona::enrol(&remote, key(11), invitation.token.expose()).await;
        agent.take_stock(Vec::new()).await;
        Self { app, admin, listening, persona, agent }
    }

    /// Comes back with a token; answers whether it was let in.
    async fn connect_with(&self, token: &SecretString) -> Result<Agent, RefusalCode> {
        let intent = Intent::Connect { host: self.persona.host };
        let remote = self.app.remote(self.listening.address);
        let shaken = shake_hands(&remote, &self.persona.identity, intent, token.expose()).await;
        shaken.map_err(|refusal| refusal.code)
    }

    async fn come_back(&mut self) {
        self.agent = self.persona.connect(&self.app.remote(self.listening.address)).await;
    }

    async fn reconnect(&mut self) {
        self.come_back().await;
        self.agent.take_stock(Vec::new()).await;
    }

    async fn ask_for_token(&self) {
        let path = format!("/api/v1/hosts/{}/token", self.persona.host);
        self.admin.post(&path, json!({})).await.expect(StatusCode::NO_CONTENT);
    }

    /// The token that the server offers.
    async fn offered(&mut self) -> (RequestNumber, SecretString) {
        let (number, message) = self.agent.message().await;
        let Message::RotateToken(offer) = message else { panic!("{message:?}") };
        let context = restic_manager_core::handshake::agent_token_context(self.persona.host);
        let token = self.agent.keys.open(&context, offer.token.as_bytes()).and_then(SecretBytes::into_string);
        (number, token.expect("sealed for this connection"))
    }

    async fn host(&self) -> Host {
        self.admin.get(&format!("/api/v1/hosts/{}", self.persona.host)).await.expect(StatusCode::OK).json()
    }
}

fn key(seed: u64) -> Identity {
    Identity::generate(&SeededRandom::new(seed))
}

#[tokio::test]
async fn a_new_token_takes_the_place_of_the_old_one() {
    let mut scene = Scene::new().await;
    scene.ask_for_token().await;
    let (number, token) = scene.offered().await;
    assert_eq!(scene.host().await.token_since, None, "it is wanted until it is there");
    let now = scene.agent.link.now();
    scene.agent.link.session().reply(now, number, Reply::Ok {}).unwrap();
    scene.agent.take_stock(Vec::new()).await;

    assert!(scene.host().await.token_since.is_some());
    let old = std::mem::replace(&mut scene.persona.token, token);
    assert_eq!(scene.connect_with(&old).await.err(), Some(RefusalCode::Untrusted));
    scene.reconnect().await;
    let audited = scene.app.audited().await;
    for action in [Action::AgentTokenRotate, Action::AgentTokenReplace, Action::AgentTokenReplay] {
        assert_eq!(audited.iter().filter(|found| **found == action).count(), 1, "{action}");
    }
}

#[tokio::test]
async fn an_agent_that_was_killed_before_its_answer_comes_back_with_either_token() {
    for kept in [false, true] {
        let mut scene = Scene::new().await;
        scene.ask_for_token().await;
        let (_, token) = scene.offered().await;
        let old = scene.persona.token.clone();
        if kept {
            scene.persona.token = token.clone();
        }
        scene.come_back().await;
        if kept {
            assert_eq!(scene.connect_with(&old).await.err(), Some(RefusalCode::Untrusted));
            continue;
        }
        // What was offered was never kept, so it is worth nothing; what is still wanted is offered anew.
        assert_eq!(scene.connect_with(&token).await.err(), Some(RefusalCode::Untrusted));
        let (number, token) = scene.offered().await;
        let now = scene.agent.link.now();
        scene.agent.link.session().reply(now, number, Reply::Ok {}).unwrap();
        scene.agent.take_stock(Vec::new()).await;
        scene.persona.token = token;
        scene.reconnect().await;
    }
}

#[tokio::test]
async fn a_revoked_token_raises_one_alert_however_often_it_is_shown() {
    let mut scene = Scene::new().await;
    let old = scene.persona.token.clone();
    scene.ask_for_token().await;
    let (_, token) = scene.offered().await;
    scene.persona.token = token;
    scene.reconnect().await;
    for _ in 0..3 {
        assert_eq!(scene.connect_with(&old).await.err(), Some(RefusalCode::Untrusted));
    }
    let alerts: Page<alerts::Alert> = scene.admin.get("/api/v1/alerts").await.expect(StatusCode::OK).json();
    let [alert] = alerts.items.as_slice() else { panic!("{alerts:?}") };
    assert_eq!((alert.kind, alert.count), (AlertKind::AgentTokenReplay, 3));
    let stranger = key(12);
    let intent = Intent::Connect { host: scene.persona.host };
    let remote = scene.app.remote(scene.listening.address);
    assert!(shake_hands(&remote, &stranger, intent, old.expose()).await.is_err());
    let alerts: Page<alerts::Alert> = scene.admin.get("/api/v1/alerts").await.expect(StatusCode::OK).json();
    assert_eq!(alerts.items[0].count, 3, "without the key nobody learns that the token was one");
}

#[tokio::test]
async fn a_new_agent_takes_over_a_record_and_the_old_one_is_cut_off() {
    let scene = Scene::new().await;
    let path = format!("/api/v1/hosts/{}/enrolment", scene.persona.host);
    let invitation: Invitation = scene.admin.post(&path, json!({})).await.expect(StatusCode::CREATED).json();
    assert_eq!(invitation.enrolment.take_over, Some(scene.persona.host));
    let remote = scene.app.remote(scene.listening.address);
    let (new, mut agent) = Persona::enrol(&remote, key(12), invitation.token.expose()).await;
    assert_eq!((new.host, agent.welcome.host_name.as_str()), (scene.persona.host, "web-01"));
    agent.take_stock(Vec::new()).await;

    let Scene { app, admin, listening, persona, agent: old } = scene;
    assert!(matches!(patiently(old.ended()).await, Ended::ClosedByPeer { code: 4001, .. }));
    let intent = Intent::Connect { host: persona.host };
    let remote = app.remote(listening.address);
    let refused = shake_hands(&remote, &persona.identity, intent, persona.token.expose());
    assert_eq!(refused.await.err().map(|refusal| refusal.code), Some(RefusalCode::Untrusted));
    let audited = app.audited().await;
    assert!(audited.contains(&Action::HostInvite) && audited.contains(&Action::HostTakeOver), "{audited:?}");
    let hosts: Page<Host> = admin.get("/api/v1/hosts").await.expect(StatusCode::OK).json();
    assert_eq!(hosts.items.len(), 1, "there is one record, not two");
    let generation =
        app.store.read().await.unwrap().hosts().find(persona.host).await.unwrap().unwrap().generation;
    assert_eq!(generation, 2, "its history goes on");
}

#[tokio::test]
async fn a_closed_server_takes_nobody_and_keeps_who_is_there() {
    let mut scene = Scene::new().await;
    let body = json!({ "host_name": "web-02" });
    let invitation: Invitation =
        scene.admin.post("/api/v1/enrolments", body.clone()).await.expect(StatusCode::CREATED).json();
    let closed = json!({ "open": false, "announce": true });
    scene.admin.put("/api/v1/registration", None, closed).await.expect(StatusCode::OK);
    let shown: Value = scene.admin.get("/api/v1/registration").await.expect(StatusCode::OK).json();
    assert_eq!((&shown["open"], &shown["announce"]), (&json!(false), &json!(true)));

    let remote = scene.app.remote(scene.listening.address);
    for token in [invitation.token.expose(), "rme_unknown"] {
        let refused = shake_hands(&remote, &key(12), Intent::Enrol {}, token).await;
        let code = refused.err().map(|refusal| refusal.code);
        let wanted =
            if token == "rme_unknown" { RefusalCode::EnrolmentRefused } else { RefusalCode::EnrolmentClosed };
        assert_eq!(code, Some(wanted));
    }
    for path in [
        "/api/v1/enrolments".to_owned(),
        format!("/api/v1/enrolments/{}/reissue", invitation.enrolment.id),
        format!("/api/v1/hosts/{}/enrolment", scene.persona.host),
    ] {
        let body = if path.ends_with("enrolments") { body.clone() } else { json!({}) };
        scene.admin.post(&path, body).await.problem(StatusCode::CONFLICT);
    }
    scene.reconnect().await;

    scene
        .admin
        .put("/api/v1/registration", None, json!({ "open": true, "announce": false }))
        .await
        .expect(StatusCode::OK);
    let (_, mut agent) = Persona::enrol(&remote, key(12), invitation.token.expose()).await;
    agent.take_stock(Vec::new()).await;
    assert!(scene.app.audited().await.contains(&Action::RegistrationUpdate));
}

#[tokio::test]
async fn nobody_but_an_admin_issues_anew_what_gives_a_host_away() {
    let world = World::new().await;
    let path = format!("/api/v1/hosts/{}/enrolment", world.host);
    let given: Invitation = world.admin.post(&path, json!({})).await.expect(StatusCode::CREATED).json();
    let reissue = |id| format!("/api/v1/enrolments/{id}/reissue");
    let operator = world.somebody(Role::Operator).await;
    operator.post(&reissue(given.enrolment.id), json!({})).await.problem(StatusCode::FORBIDDEN);
    let body = json!({ "host_name": "bare" });
    let bare: Invitation = operator.post("/api/v1/enrolments", body).await.expect(StatusCode::CREATED).json();
    operator.post(&reissue(bare.enrolment.id), json!({})).await.expect(StatusCode::CREATED);

    world.app.clock.advance(Duration::from_secs(11 * 60));
    let again = reissue(given.enrolment.id);
    let problem = world.admin.post(&again, json!({})).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.code, Code::ProofNeeded);
    let proof = json!({ "kind": "password", "password": PASSWORD });
    world.admin.post("/api/v1/session/proof", proof).await.expect(StatusCode::OK);
    world.admin.post(&again, json!({})).await.expect(StatusCode::CREATED);
}

/// Whoever enrols a host may run an agent of their own, which is given the password of every repository that the host uses.
#[tokio::test]
async fn nobody_but_an_admin_gives_a_host_the_password_of_a_repository() {
    let world = World::new().await;
    let operator = world.somebody(Role::Operator).await;
    let invite =
        |name: &str| json!({ "host_name": name, "repositories": [{ "repository": world.repository }] });
    let attach = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.unused);
    let refused = operator.post("/api/v1/enrolments", invite("mine")).await.problem(StatusCode::FORBIDDEN);
    assert!(refused.detail.contains("whose password"), "{refused:?}");
    operator.put(&attach, None, json!({})).await.problem(StatusCode::FORBIDDEN);
    // An invitation that an admin made for a host is no operator's to hold anew either.
    let made: Invitation =
        world.admin.post("/api/v1/enrolments", invite("ours")).await.expect(StatusCode::CREATED).json();
    let reissue = format!("/api/v1/enrolments/{}/reissue", made.enrolment.id);
    operator.post(&reissue, json!({})).await.problem(StatusCode::FORBIDDEN);
    // A host without a repository, and what changes nothing of who knows the password, are an operator's.
    operator.post("/api/v1/enrolments", json!({ "host_name": "bare" })).await.expect(StatusCode::CREATED);
    let known = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.repository);
    operator.put(&known, None, json!({})).await.expect(StatusCode::OK);

    world.admin.post(&reissue, json!({})).await.expect(StatusCode::CREATED);
    world.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
}

/// An admin of a part of the fleet would learn what opens the others' backups.
#[tokio::test]
async fn an_admin_of_some_hosts_gives_away_no_repository_that_others_use() {
    let world = World::new().await;
    let both = enrol_tagged(&world.app, "both-1", &["berlin"]).await;
    let shared = format!("/api/v1/hosts/{both}/repositories/{}", world.repository);
    world.admin.put(&shared, None, json!({})).await.expect(StatusCode::OK);
    let own = make_repository(&world.admin, "berlin", "/srv/berlin").await;
    world
        .admin
        .put(&format!("/api/v1/hosts/{both}/repositories/{own}"), None, json!({}))
        .await
        .expect(StatusCode::OK);
    add_user_within(&world.app, "bea", Role::Admin, Scope::tags(["berlin"])).await;
    let bea = world.app.sign_in("bea", PASSWORD).await;
    let invite = |name: &str, repository| json!({ "host_name": name, "tags": ["berlin"], "repositories": [{ "repository": repository }] });
    let refused = bea.post("/api/v1/enrolments", invite("new-1", world.repository)).await;
    assert!(refused.problem(StatusCode::FORBIDDEN).detail.contains("outside of your scope"));
    bea.post("/api/v1/enrolments", invite("new-2", own)).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_operator_sends_no_credential_to_another_server() {
    let world = World::new().await;
    let operator = world.somebody(Role::Operator).await;
    let path = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.repository);
    for elsewhere in [
        "rest:http://storage.example.com/main/",
        "rest:https://storage.example.com:8443/main/",
        "rest:https://storage.example.net/main/",
        "sftp:storage.example.com:/main",
        "/root/.ssh",
    ] {
        let body = json!({ "location": elsewhere });
        operator.put(&path, None, body.clone()).await.problem(StatusCode::FORBIDDEN);
        world.admin.put(&path, None, body).await.expect(StatusCode::OK);
        world.admin.put(&path, None, json!({})).await.expect(StatusCode::OK);
    }
    let folder = json!({ "location": "rest:https://storage.example.com/other/" });
    operator.put(&path, None, folder.clone()).await.expect(StatusCode::OK);
    world.app.clock.advance(Duration::from_secs(11 * 60));
    let problem = world.admin.put(&path, None, folder).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.code, Code::ProofNeeded);
}
