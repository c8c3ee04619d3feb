//! Hosts enrol, and agents prove who they are.

use http::StatusCode;
use restic_manager_proto::{
    HostId,
    agent::{Intent, RefusalCode},
    api::{
        Page,
        hosts::{Attachment, Host},
    },
    vocabulary::{Action, JobKind, Presence, RepositoryState},
};
use restic_manager_testkit::{Persona, shake_hands};

use crate::{
    scene::{PASSWORD, Scene, invite, key},
    support::App,
};

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
    assert_eq!((order.kind(), order.repository.initialise), (JobKind::CheckRepository, true));
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
