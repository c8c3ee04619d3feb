//! Hosts that announce themselves: who may wait, what an admin sees and decides, what the host is told.

use core::time::Duration;
use http::StatusCode;
use restic_manager_core::link::Ended;
use restic_manager_crypto::{Identity, SeededRandom};
use restic_manager_proto::{
    HostId,
    agent::{Intent, Refusal, RefusalCode},
    api::{
        Page, Reference,
        fleet::Fleet,
        hosts::{Attachment, Host},
        pending_hosts::PendingHost,
        registration::Registration,
        source_groups::SourceGroup,
    },
    vocabulary::Action,
};
use restic_manager_testkit::{Guest, Remote, patiently, shake_hands};
use serde_json::{Value, json};

use crate::{
    support::{Answer, App, Client, Listening, PASSWORD},
    world::make_repository,
};

/// A server that takes announcements, and its admin.
struct Scene {
    app: App,
    admin: Client,
    listening: Listening,
}

impl Scene {
    async fn new() -> Self {
        let (app, admin) = App::with_admin().await;
        let listening = app.listen().await;
        let scene = Self { app, admin, listening };
        scene.set_registration(true, true).await;
        scene
    }

    async fn set_registration(&self, open: bool, announce: bool) -> Registration {
        let body = json!({ "open": open, "announce": announce });
        self.admin.put("/api/v1/registration", None, body).await.expect(StatusCode::OK).json()
    }

    fn remote(&self) -> Remote {
        self.app.remote(self.listening.address)
    }

    async fn announce(&self, seed: u64, name: &str) -> Result<Guest, RefusalCode> {
        Guest::announce(&self.remote(), &key(seed), name).await.map_err(|refusal| refusal.code)
    }

    async fn waiting(&self) -> Vec<PendingHost> {
        let page: Page<PendingHost> =
            self.admin.get("/api/v1/pending-hosts").await.expect(StatusCode::OK).json();
        page.items
    }

    async fn accept(&self, host: &PendingHost, name: &str) -> Answer {
        let body = json!({ "fingerprint": host.fingerprint, "host_name": name });
        self.admin.post(&format!("/api/v1/pending-hosts/{}/accept", host.id), body).await
    }

    async fn reject(&self, host: &PendingHost) -> Answer {
        self.admin.post(&format!("/api/v1/pending-hosts/{}/reject", host.id), json!({})).await
    }

    async fn hosts(&self) -> Vec<Host> {
        self.admin.get("/api/v1/hosts").await.expect(StatusCode::OK).json::<Page<Host>>().items
    }

    /// Connections look again whether they may stay.
    async fn wake(&self) {
        let body = json!({ "open": true, "announce": true });
        let admin = self.app.sign_in("alice", PASSWORD).await;
        admin.put("/api/v1/registration", None, body).await.expect(StatusCode::OK);
    }

    /// The announced host with this key.
    async fn waiting_with(&self, seed: u64) -> PendingHost {
        let fingerprint = key(seed).public_key().fingerprint().to_string();
        let found = self.waiting().await.into_iter().find(|host| host.fingerprint == fingerprint);
        found.expect("it waits")
    }
}

fn key(seed: u64) -> Identity {
    Identity::generate(&SeededRandom::new(seed))
}

fn code(verdict: Result<impl core::fmt::Debug, Refusal>) -> RefusalCode {
    verdict.expect_err("it is refused").code
}

#[tokio::test]
async fn an_accepted_host_gets_what_it_was_promised_and_works() {
    let scene = Scene::new().await;
    let repository = make_repository(&scene.admin, "main", "rest:https://storage.example.com/main/").await;
    let guest = scene.announce(11, "web-01").await.expect("it may wait");
    assert_eq!(guest.pending.seconds, 3600);
    let [host] = &scene.waiting().await[..] else { panic!("one host waits") };
    assert_eq!((host.name.as_str(), host.connected, host.looked_at), ("web-01", true, None));
    assert_eq!(host.fingerprint, key(11).public_key().fingerprint().to_string());
    assert_eq!((host.namesake, host.same_name), (None, 0));
    let fleet: Fleet = scene.admin.get("/api/v1/fleet").await.expect(StatusCode::OK).json();
    assert_eq!(fleet.pending_hosts, 1);

    let shown: PendingHost =
        scene.admin.get(&format!("/api/v1/pending-hosts/{}", host.id)).await.expect(StatusCode::OK).json();
    assert_eq!(shown.looked_at, Some(scene.app.now()), "an admin has looked now");
    let body = json!({
        "fingerprint": host.fingerprint, "host_name": "web-1", "tags": ["prod"], "presence_mode": "intermittent",
        "repositories": [{ "repository": repository }], "include_paths": ["/srv"],
    });
    let path = format!("/api/v1/pending-hosts/{}/accept", host.id);
    let made: Reference<HostId> = scene.admin.post(&path, body).await.expect(StatusCode::CREATED).json();

    let persona = guest.accepted(key(11)).await;
    assert_eq!(persona.host, made.id);
    let mut agent = persona.connect(&scene.remote()).await;
    assert_eq!(agent.welcome.host_name, "web-1");
    agent.take_stock(Vec::new()).await;
    assert_eq!(agent.order().await.repository.id, repository, "it looks at its repository");
    let hosts = scene.hosts().await;
    assert_eq!((hosts[0].name.as_str(), hosts[0].tags.as_slice()), ("web-1", &["prod".to_owned()][..]));
    let path = format!("/api/v1/hosts/{}", made.id);
    let attached: Page<Attachment> = scene.admin.get(&format!("{path}/repositories")).await.json();
    assert_eq!(attached.items[0].repository.id, repository);
    let groups: Page<SourceGroup> = scene.admin.get(&format!("{path}/source-groups")).await.json();
    assert_eq!(groups.items[0].includes, ["/srv"]);
    assert!(scene.waiting().await.is_empty());
    let audited = scene.app.audited().await;
    assert!(audited.contains(&Action::PendingHostAccept) && audited.contains(&Action::HostEnrol));
}

#[tokio::test]
async fn a_rejected_host_is_told_and_stays_rejected() {
    let scene = Scene::new().await;
    let mut guest = scene.announce(11, "web-01").await.expect("it may wait");
    let host = scene.waiting().await.remove(0);
    scene.reject(&host).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(code(guest.verdict().await), RefusalCode::Rejected);
    assert!(matches!(guest.ended().await, Ended::Closed(_) | Ended::ClosedByPeer { code: 4001, .. }));
    assert!(scene.waiting().await.is_empty());

    let mut again = scene.announce(11, "web-01").await.expect("it is let in to be told");
    assert_eq!(code(again.verdict().await), RefusalCode::Rejected);
    assert!(scene.waiting().await.is_empty(), "the decision is remembered");
    scene.reject(&host).await.problem(StatusCode::CONFLICT);
    scene.accept(&host, "web-1").await.problem(StatusCode::CONFLICT);
    assert!(scene.app.audited().await.contains(&Action::PendingHostReject));
}

#[tokio::test]
async fn announcements_are_off_until_switched_on_and_while_the_server_is_closed() {
    let (app, admin) = App::with_admin().await;
    let listening = app.listen().await;
    let scene = Scene { app, admin, listening };
    let shown: Registration = scene.admin.get("/api/v1/registration").await.expect(StatusCode::OK).json();
    assert_eq!((shown.open, shown.announce), (true, false));
    assert!(shown.linux_command.contains("RM_ANNOUNCE"), "{}", shown.linux_command);
    assert_eq!(scene.announce(11, "web-01").await.err(), Some(RefusalCode::EnrolmentClosed));
    scene.set_registration(false, true).await;
    assert_eq!(scene.announce(11, "web-01").await.err(), Some(RefusalCode::EnrolmentClosed));
    scene.set_registration(true, true).await;
    let mut guest = scene.announce(11, "web-01").await.expect("it may wait");
    scene.set_registration(true, false).await;
    assert_eq!(code(guest.verdict().await), RefusalCode::EnrolmentClosed);
    scene.set_registration(true, true).await;
    assert!(scene.waiting().await.is_empty(), "who was sent away waits no more");
    assert!(scene.app.audited().await.contains(&Action::EnrolmentRefused));
}

#[tokio::test]
async fn another_fingerprint_than_the_one_that_was_seen_is_refused() {
    let scene = Scene::new().await;
    let mut guest = scene.announce(11, "web-01").await.expect("it may wait");
    let host = scene.waiting().await.remove(0);
    let other = PendingHost { fingerprint: key(12).public_key().fingerprint().to_string(), ..host.clone() };
    scene.accept(&other, "web-1").await.problem(StatusCode::CONFLICT);
    let no_fingerprint = PendingHost { fingerprint: "none".to_owned(), ..host.clone() };
    let problem = scene.accept(&no_fingerprint, "web 1").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = problem.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["fingerprint", "host_name"]);
    assert!(scene.hosts().await.is_empty());
    scene.accept(&host, "web-1").await.expect(StatusCode::CREATED);
    assert_eq!(guest.verdict().await.expect("it is accepted").host_name, "web-1");
}

#[tokio::test]
async fn one_of_several_of_a_name_is_accepted_and_the_others_stay() {
    let scene = Scene::new().await;
    let mut guests = Vec::new();
    for seed in [11, 12, 13] {
        guests.push(scene.announce(seed, "web-01").await.expect("it may wait"));
    }
    assert!(scene.waiting().await.iter().all(|host| host.same_name == 2));
    scene.accept(&scene.waiting_with(12).await, "web-01").await.expect(StatusCode::CREATED);
    let accepted = guests.remove(1).accepted(key(12)).await;
    let left = [scene.waiting_with(11).await, scene.waiting_with(13).await];
    assert_eq!(scene.waiting().await.len(), 2);
    assert!(left.iter().all(|host| host.connected && host.same_name == 1));
    assert!(left.iter().all(|host| host.namesake == Some(accepted.host)));
    scene.accept(&left[0], "WEB-01").await.problem(StatusCode::CONFLICT);
    scene.accept(&left[0], "web-02").await.expect(StatusCode::CREATED);
    assert_eq!(guests[0].verdict().await.expect("it is accepted").host_name, "web-02");
}

#[tokio::test]
async fn a_verdict_that_was_lost_is_told_again_until_the_host_has_connected() {
    let scene = Scene::new().await;
    drop(scene.announce(11, "web-01").await.expect("it may wait"));
    let host = scene.waiting().await.remove(0);
    scene.accept(&host, "web-1").await.expect(StatusCode::CREATED);
    let first = scene.announce(11, "web-01").await.expect("it comes back").accepted(key(11)).await;
    let second = scene.announce(11, "web-01").await.expect("it comes back").accepted(key(11)).await;
    assert_eq!(first.host, second.host);
    let connect = Intent::Connect { host: first.host };
    let refused = shake_hands(&scene.remote(), &key(11), connect, first.token.expose()).await;
    assert_eq!(code(refused), RefusalCode::Untrusted, "only the newest token is good");

    let _agent = second.connect(&scene.remote()).await;
    let _guest = scene.announce(11, "web-01").await.expect("it is a new announcement");
    let [waiting] = &scene.waiting().await[..] else { panic!("one host waits") };
    assert_ne!(waiting.id, host.id, "its key alone gives nobody the token of a host that is there");
}

#[tokio::test]
async fn a_host_that_was_removed_after_its_acceptance_gets_no_token() {
    let scene = Scene::new().await;
    drop(scene.announce(11, "web-01").await.expect("it may wait"));
    let host = scene.waiting().await.remove(0);
    let made: Reference<HostId> = scene.accept(&host, "web-1").await.expect(StatusCode::CREATED).json();
    scene.admin.delete(&format!("/api/v1/hosts/{}", made.id)).await.expect(StatusCode::NO_CONTENT);
    let _guest = scene.announce(11, "web-01").await.expect("it waits anew");
    assert_eq!(scene.waiting().await.len(), 1);
}

#[tokio::test]
async fn one_source_announces_ten_times_a_minute() {
    let scene = Scene::new().await;
    for seed in 0..10 {
        drop(scene.announce(seed, "web-01").await.expect("it may wait"));
    }
    assert_eq!(scene.announce(10, "web-01").await.err(), Some(RefusalCode::Busy));
    scene.app.clock.advance(Duration::from_secs(6));
    drop(scene.announce(10, "web-01").await.expect("one more has come back"));
    assert_eq!(scene.announce(11, "web-01").await.err(), Some(RefusalCode::Busy));
}

#[tokio::test]
async fn an_announcement_dies_after_an_hour() {
    let scene = Scene::new().await;
    drop(scene.announce(11, "web-01").await.expect("it may wait"));
    scene.app.clock.advance(Duration::from_secs(3599));
    let host = scene.waiting().await.remove(0);
    let mut guest = scene.announce(11, "web-01").await.expect("it comes back");
    assert_eq!((guest.pending.seconds, scene.waiting_with(11).await.id), (1, host.id));
    scene.app.clock.advance(Duration::from_secs(1));
    assert!(scene.waiting().await.is_empty());
    scene.wake().await;
    assert_eq!(code(guest.verdict().await), RefusalCode::Expired);
    scene.reject(&host).await.problem(StatusCode::NOT_FOUND);
    let _again = scene.announce(11, "web-01").await.expect("it may announce itself again");
    assert_ne!(scene.waiting().await[0].id, host.id);
}

#[tokio::test]
async fn a_newer_connection_of_an_announced_host_replaces_the_older() {
    let scene = Scene::new().await;
    let older = scene.announce(11, "web-01").await.expect("it may wait");
    let mut newer = scene.announce(11, "web-01").await.expect("it may wait");
    assert!(matches!(older.ended().await, Ended::ClosedByPeer { code: 4004, .. }));
    let [host] = &scene.waiting().await[..] else { panic!("one host waits") };
    scene.accept(host, "web-1").await.expect(StatusCode::CREATED);
    newer.verdict().await.expect("it is accepted");
}

#[tokio::test]
async fn each_entrance_takes_its_own_intents() {
    let scene = Scene::new().await;
    let refused = shake_hands(&scene.remote(), &key(11), Intent::Announce {}, "").await;
    assert_eq!(code(refused), RefusalCode::Malformed);
    assert!(scene.waiting().await.is_empty());
}

#[tokio::test]
async fn who_waits_is_told_when_the_server_stops() {
    let scene = Scene::new().await;
    let mut guest = scene.announce(11, "web-01").await.expect("it may wait");
    scene.app.shutdown.request();
    assert_eq!(code(guest.verdict().await), RefusalCode::Busy);
    patiently(scene.listening.served).await.expect("the server stops");
}

#[tokio::test]
async fn what_an_announced_host_says_of_itself_is_shown_and_never_believed() {
    let scene = Scene::new().await;
    let name = "<script>\u{202e}".repeat(100);
    let _guest = scene.announce(11, &name).await.expect("it may wait");
    let [host] = &scene.waiting().await[..] else { panic!("one host waits") };
    assert!(host.name.len() <= 256 && name.starts_with(&host.name));
    let problem = scene.accept(host, &host.name).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "host_name");
    let unknown: Value = json!({ "fingerprint": host.fingerprint, "host_name": "web-1", "trust": true });
    let path = format!("/api/v1/pending-hosts/{}/accept", host.id);
    scene.admin.post(&path, unknown).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}
