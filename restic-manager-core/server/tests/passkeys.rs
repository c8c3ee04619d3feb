//! Passkeys: making them, signing in with them, and what must not pass.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    api::{
        Page,
        alerts::Alert,
        factors::{FactorAdded, Factors, PasskeyOffer, PasskeyRequest},
        session::{Proofs, Session},
    },
    vocabulary::{Action, AlertKind, Role},
};
use restic_manager_store::{Audit, users::User};
use serde_json::json;

use crate::{
    authenticator::Authenticator,
    support::{App, Client, PASSWORD},
    world::World,
};

const PASSKEYS: &str = "/api/v1/account/passkeys";
const SIGN_IN: &str = "/api/v1/session/passkey";

pub(crate) async fn add(client: &Client, seed: u8) -> (Authenticator, FactorAdded) {
    let authenticator = Authenticator::new(seed);
    let offer: PasskeyOffer = client.get(PASSKEYS).await.json();
    let answer = client.post(PASSKEYS, authenticator.create(&offer, "Laptop")).await;
    let added = answer.expect(StatusCode::CREATED).json();
    (authenticator, added)
}

async fn request(app: &App) -> PasskeyRequest {
    app.anonymous().get(SIGN_IN).await.json()
}

#[tokio::test]
async fn a_passkey_signs_in_without_name_and_password() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, added) = add(&admin, 1).await;
    assert_eq!(added.recovery_codes.len(), 10, "the first factor brings them along");
    let request = request(&app).await;
    assert!(request.verify_owner && request.credentials.is_empty());
    let answer = app.anonymous().post(SIGN_IN, authenticator.answer(&request)).await;
    answer.expect(StatusCode::CREATED);
    assert_eq!(answer.json::<Session>().name, "alice");
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert_eq!(factors.passkeys[0].last_used_at, Some(app.now()));
}

#[tokio::test]
async fn a_challenge_is_good_once_for_five_minutes_at_its_own_door() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let refused = async |body: serde_json::Value| {
        app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
    };
    let challenge = request(&app).await;
    let body = authenticator.answer(&challenge);
    app.anonymous().post(SIGN_IN, body.clone()).await.expect(StatusCode::CREATED);
    refused(body).await;
    refused(authenticator.answer(&challenge)).await;

    let late = request(&app).await;
    app.clock.advance(Duration::from_secs(5 * 60));
    refused(authenticator.answer(&late)).await;
    let proofs: Proofs = admin.get("/api/v1/session/proof").await.json();
    refused(authenticator.answer(&proofs.passkey.unwrap())).await;
    let own = PasskeyRequest { challenge: "Y2hvc2Vu".to_owned(), ..request(&app).await };
    refused(authenticator.answer(&own)).await;
}

#[tokio::test]
async fn what_is_not_the_owners_passkey_is_refused() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let refused = async |body: serde_json::Value| {
        app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
        app.clock.advance(Duration::from_secs(15 * 60));
    };
    refused(Authenticator::new(2).answer(&request(&app).await)).await;
    let mut copy = Authenticator::new(2);
    copy.credential.clone_from(&authenticator.credential);
    refused(copy.answer(&request(&app).await)).await;
    authenticator.flags = 0b001;
    refused(authenticator.answer(&request(&app).await)).await;
    authenticator.flags = 0b101;
    let elsewhere = PasskeyRequest { party: "evil.example".to_owned(), ..request(&app).await };
    refused(authenticator.answer(&elsewhere)).await;
    let mut body = authenticator.answer(&request(&app).await);
    body["user"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    refused(body).await;
    let good = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, good).await.expect(StatusCode::CREATED);
}

/// What there is to know of a passkey's counter: alerts, and entries of the audit log.
async fn told(app: &App, admin: &Client) -> (Vec<(AlertKind, u64)>, usize) {
    let alerts: Page<Alert> = admin.get("/api/v1/alerts").await.json();
    let alerts = alerts.items.iter().map(|alert| (alert.kind, alert.count)).collect();
    let audited = app.audited().await;
    (alerts, audited.iter().filter(|action| **action == Action::PasskeyCounter).count())
}

#[tokio::test]
async fn a_counter_that_goes_back_opens_nothing_and_raises_an_alert() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let good = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, good).await.expect(StatusCode::CREATED);
    for again in [1, 2] {
        authenticator.counter -= 1;
        let body = authenticator.answer(&request(&app).await);
        app.anonymous().post(SIGN_IN, body.clone()).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(told(&app, &admin).await, (vec![(AlertKind::PasskeyCounter, again)], again as usize));
        app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(told(&app, &admin).await.1, again as usize, "the same answer again tells nothing new");
    }
    let good = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, good).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_counter_that_goes_back_is_told_as_a_proof_too() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let good = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, good).await.expect(StatusCode::CREATED);
    authenticator.counter -= 1;
    let proofs: Proofs = admin.get("/api/v1/session/proof").await.json();
    let proof = json!({ "kind": "passkey", "answer": authenticator.answer(&proofs.passkey.unwrap()) });
    admin.post("/api/v1/session/proof", proof).await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(told(&app, &admin).await, (vec![(AlertKind::PasskeyCounter, 1)], 1));
}

#[tokio::test]
async fn neither_a_forged_answer_nor_one_sent_twice_tells_of_a_copy() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let body = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, body.clone()).await.expect(StatusCode::CREATED);
    app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
    let mut forged = Authenticator::new(2);
    forged.credential.clone_from(&authenticator.credential);
    forged.counter = 0;
    app.anonymous()
        .post(SIGN_IN, forged.answer(&request(&app).await))
        .await
        .problem(StatusCode::UNAUTHORIZED);
    assert_eq!(told(&app, &admin).await, (vec![], 0));
}

#[tokio::test]
async fn a_passkey_is_a_second_factor_and_a_proof() {
    let World { app, admin, unused, .. } = World::new().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    let body = json!({ "name": "alice", "password": PASSWORD });
    let problem = app.anonymous().post("/api/v1/session", body).await.problem(StatusCode::UNAUTHORIZED);
    let missing = problem.missing_step.unwrap();
    let request = missing.passkey.unwrap();
    assert_eq!(request.credentials, [authenticator.credential.clone()]);
    let proof = json!({ "kind": "passkey", "answer": authenticator.answer(&request) });
    let body = json!({ "pending": missing.pending.expose(), "proof": proof });
    app.anonymous().post("/api/v1/session/second-step", body).await.expect(StatusCode::CREATED);

    app.clock.advance(Duration::from_secs(60 * 60));
    let delete = format!("/api/v1/repositories/{unused}");
    admin.delete(&delete).await.problem(StatusCode::FORBIDDEN);
    let proofs: Proofs = admin.get("/api/v1/session/proof").await.json();
    let answer = authenticator.answer(&proofs.passkey.unwrap());
    let proof = json!({ "kind": "passkey", "answer": answer });
    admin.post("/api/v1/session/proof", proof.clone()).await.expect(StatusCode::OK);
    admin.post("/api/v1/session/proof", proof).await.problem(StatusCode::UNAUTHORIZED);
    admin.delete(&delete).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_passkey_opens_its_owners_account_alone_and_none_when_disabled() {
    let world = World::new().await;
    let app = &world.app;
    let viewer = world.somebody(Role::Viewer).await;
    let (mut authenticator, _) = add(&viewer, 1).await;
    let proofs: Proofs = world.admin.get("/api/v1/session/proof").await.json();
    assert!(proofs.passkey.is_none());
    let offer: PasskeyOffer = world.admin.get(PASSKEYS).await.json();
    let twin = Authenticator::new(1).create(&offer, "Twin");
    world.admin.post(PASSKEYS, twin).await.problem(StatusCode::CONFLICT);

    let mut transaction = app.store.begin().await.unwrap();
    let user = transaction.users().named("viewer").await.unwrap().unwrap();
    let disabled = User { disabled: true, ..user.clone() };
    transaction.users().update(&disabled, user.version).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    let body = authenticator.answer(&request(app).await);
    app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_removed_passkey_opens_nothing() {
    let (app, admin) = App::with_admin().await;
    let (mut authenticator, _) = add(&admin, 1).await;
    add(&admin, 2).await;
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert_eq!(factors.passkeys.len(), 2);
    let path = format!("{PASSKEYS}/{}", factors.passkeys[0].id);
    admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    admin.delete(&path).await.problem(StatusCode::NOT_FOUND);
    let body = authenticator.answer(&request(&app).await);
    app.anonymous().post(SIGN_IN, body).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_registration_answers_its_own_offer_once() {
    let (app, admin) = App::with_admin().await;
    let other = app.sign_in("alice", PASSWORD).await;
    let offer: PasskeyOffer = admin.get(PASSKEYS).await.json();
    let body = Authenticator::new(1).create(&offer, "Laptop");
    other.post(PASSKEYS, body.clone()).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    admin.post(PASSKEYS, body).await.expect(StatusCode::CREATED);
    let again = Authenticator::new(2).create(&offer, "Laptop");
    admin.post(PASSKEYS, again).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let offer: PasskeyOffer = admin.get(PASSKEYS).await.json();
    assert_eq!(offer.known, [Authenticator::new(1).credential]);
    app.clock.advance(Duration::from_secs(5 * 60));
    let late = Authenticator::new(3).create(&offer, "Laptop");
    admin.post(PASSKEYS, late).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_address_without_a_name_has_no_passkeys_and_says_why() {
    let app = App::with(|config| config.base_url = "http://10.0.0.1:8080".parse().unwrap()).await;
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert!(factors.no_passkeys_because.unwrap().contains("http://10.0.0.1:8080"));
}
