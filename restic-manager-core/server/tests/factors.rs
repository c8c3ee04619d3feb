//! Second factors: setting them up, signing in with them, losing them.

use core::time::Duration;
use http::StatusCode;
use restic_manager_crypto::{PasswordCost, Passwords, SecretBytes, SecretString, SeededRandom, TotpSecret};
use restic_manager_proto::{
    SecretText,
    api::{
        Code,
        factors::{FactorAdded, Factors, TotpOffer},
        session::{MissingStep, Proofs, Session},
    },
    vocabulary::{Action, Role},
};
use restic_manager_server::config::SecondFactor;
use restic_manager_store::{Audit, PasswordHash};
use serde_json::{Value, json};

use crate::{
    support::{App, Client, PASSWORD},
    world::World,
};

const TOTP: &str = "/api/v1/account/totp";
const SECOND: &str = "/api/v1/session/second-step";
const PROOF: &str = "/api/v1/session/proof";
const STEP: Duration = Duration::from_secs(30);

/// The app on somebody's phone.
pub(crate) struct Phone(TotpSecret);

impl Phone {
    fn scan(uri: &str) -> Self {
        let letters = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
        let mut bits = letters.bytes().flat_map(|letter| {
            let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
            (0..5).rev().map(move |shift| value >> shift & 1)
        });
        let bytes = (0..20).map(|_| (0..8).fold(0, |byte, _| byte << 1 | bits.next().unwrap())).collect();
        Self(TotpSecret::from_bytes(SecretBytes::new(bytes)).unwrap())
    }

    fn code(&self, app: &App) -> String {
        self.0.code_at(u64::try_from(app.now().as_milliseconds() / 1000).unwrap())
    }
}

/// A phone that has scanned an offer, and what confirms it.
pub(crate) async fn offer(app: &App, client: &Client) -> (Phone, Value) {
    let offer: TotpOffer = client.get(TOTP).await.json();
    let phone = Phone::scan(offer.uri.expose());
    let body = json!({ "offer": offer.offer.expose(), "code": phone.code(app) });
    (phone, body)
}

pub(crate) async fn set_up(app: &App, client: &Client) -> (Phone, Vec<String>) {
    let (phone, body) = offer(app, client).await;
    let answer = client.put(TOTP, None, body).await;
    let added: FactorAdded = answer.expect(StatusCode::OK).json();
    (phone, added.recovery_codes.into_iter().map(SecretText::into_exposed).collect())
}

/// The first step, up to the question for the second.
pub(crate) async fn first_step(app: &App, name: &str) -> MissingStep {
    let body = json!({ "name": name, "password": PASSWORD });
    let answer = app.anonymous().post("/api/v1/session", body).await;
    assert!(answer.cookie().is_none(), "a password alone opens nothing");
    let problem = answer.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(problem.code, Code::SecondFactorNeeded);
    *problem.missing_step.unwrap()
}

pub(crate) fn with_code(pending: &SecretText, code: &str) -> Value {
    json!({ "pending": pending.expose(), "proof": { "kind": "code", "code": code } })
}

#[tokio::test]
async fn signing_in_takes_password_and_code() {
    let (app, admin) = App::with_admin().await;
    let (phone, codes) = set_up(&app, &admin).await;
    assert_eq!(codes.len(), 10);
    app.clock.advance(STEP);
    let missing = first_step(&app, "alice").await;
    assert!(missing.code && missing.passkey.is_none());
    let answer = app.anonymous().post(SECOND, with_code(&missing.pending, &phone.code(&app))).await;
    answer.expect(StatusCode::CREATED);
    assert!(answer.cookie().unwrap().starts_with("__Host-rm_session=rms_"));
    assert_eq!(answer.json::<Session>().proved_at, Some(app.now()));
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert_eq!(factors.totp.unwrap().last_used_at, Some(app.now()));
}

#[tokio::test]
async fn a_code_is_accepted_once_wherever_it_is_shown() {
    let (app, admin) = App::with_admin().await;
    let (phone, _) = set_up(&app, &admin).await;
    let missing = first_step(&app, "alice").await;
    let used = with_code(&missing.pending, &phone.code(&app));
    app.anonymous().post(SECOND, used).await.problem(StatusCode::UNAUTHORIZED);
    app.clock.advance(STEP);
    let code = phone.code(&app);
    app.anonymous().post(SECOND, with_code(&missing.pending, &code)).await.expect(StatusCode::CREATED);
    let other = first_step(&app, "alice").await;
    app.anonymous().post(SECOND, with_code(&other.pending, &code)).await.problem(StatusCode::UNAUTHORIZED);
    let proof = json!({ "kind": "code", "code": code });
    admin.post(PROOF, proof).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_pending_sign_in_is_good_once_for_five_minutes_and_for_nothing_else() {
    let (app, admin) = App::with_admin().await;
    let (phone, codes) = set_up(&app, &admin).await;
    let missing = first_step(&app, "alice").await;
    let stolen =
        Client { cookie: Some(format!("__Host-rm_session={}", missing.pending.expose())), ..app.anonymous() };
    stolen.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
    let password =
        json!({ "pending": missing.pending.expose(), "proof": { "kind": "password", "password": PASSWORD } });
    app.anonymous().post(SECOND, password).await.problem(StatusCode::UNAUTHORIZED);
    app.clock.advance(STEP);
    let done = with_code(&missing.pending, &phone.code(&app));
    app.anonymous().post(SECOND, done).await.expect(StatusCode::CREATED);
    let again = with_code(&missing.pending, &codes[0]);
    app.anonymous().post(SECOND, again).await.problem(StatusCode::UNAUTHORIZED);

    let late = first_step(&app, "alice").await;
    app.clock.advance(Duration::from_secs(5 * 60));
    let problem = app.anonymous().post(SECOND, with_code(&late.pending, &phone.code(&app))).await;
    assert!(problem.problem(StatusCode::UNAUTHORIZED).detail.contains("too long ago"));
    for nonsense in ["", "x", "rms_x"] {
        let body = with_code(&SecretText::new(nonsense), "123456");
        app.anonymous().post(SECOND, body).await.problem(StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_though_the_password_is_right() {
    let (app, admin) = App::with_admin().await;
    let (phone, _) = set_up(&app, &admin).await;
    app.clock.advance(STEP);
    // Both steps count until both are right.
    for _ in 0..2 {
        let missing = first_step(&app, "alice").await;
        let wrong = with_code(&missing.pending, "000000");
        app.anonymous().post(SECOND, wrong).await.problem(StatusCode::UNAUTHORIZED);
    }
    let missing = first_step(&app, "alice").await;
    let right = with_code(&missing.pending, &phone.code(&app));
    app.anonymous().post(SECOND, right).await.problem(StatusCode::TOO_MANY_REQUESTS);
    let body = json!({ "name": "alice", "password": PASSWORD });
    app.anonymous().post("/api/v1/session", body).await.problem(StatusCode::TOO_MANY_REQUESTS);
    // Whoever is signed in is not held up by what strangers guess.
    let proof = json!({ "kind": "code", "code": phone.code(&app) });
    admin.post(PROOF, proof).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn each_recovery_code_opens_once_and_new_ones_end_the_old() {
    let (app, admin) = App::with_admin().await;
    let (_, codes) = set_up(&app, &admin).await;
    let open = async |code: &str| {
        let missing = first_step(&app, "alice").await;
        app.anonymous().post(SECOND, with_code(&missing.pending, code)).await.status
    };
    assert_eq!(open(&codes[0].to_lowercase().replace('-', " ")).await, StatusCode::CREATED);
    assert_eq!(open(&codes[0]).await, StatusCode::UNAUTHORIZED);
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert_eq!(factors.recovery_codes_left, 9);
    let answer = admin.put("/api/v1/account/recovery-codes", None, json!({})).await;
    let renewed: FactorAdded = answer.expect(StatusCode::OK).json();
    assert_eq!(renewed.recovery_codes.len(), 10);
    app.clock.advance(Duration::from_secs(20 * 60));
    assert_eq!(open(&codes[1]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(open(renewed.recovery_codes[0].expose()).await, StatusCode::CREATED);
}

#[tokio::test]
async fn who_has_a_second_factor_proves_with_it() {
    let World { app, admin, unused, .. } = World::new().await;
    let (phone, _) = set_up(&app, &admin).await;
    app.clock.advance(Duration::from_secs(60 * 60));
    let proofs: Proofs = admin.get(PROOF).await.json();
    assert!(proofs.code && !proofs.password);
    let password = json!({ "kind": "password", "password": PASSWORD });
    admin.post(PROOF, password).await.problem(StatusCode::UNAUTHORIZED);
    let body = json!({ "password": "new" });
    let act = format!("/api/v1/repositories/{unused}/password");
    assert_eq!(
        admin.put(&act, None, body.clone()).await.problem(StatusCode::FORBIDDEN).code,
        Code::ProofNeeded
    );
    admin.post(PROOF, json!({ "kind": "code", "code": phone.code(&app) })).await.expect(StatusCode::OK);
    admin.put(&act, None, body).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_first_factor_ends_other_sessions_and_the_last_one_takes_the_codes_along() {
    let (app, admin) = App::with_admin().await;
    let elsewhere = app.sign_in("alice", PASSWORD).await;
    set_up(&app, &admin).await;
    elsewhere.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
    admin.delete(TOTP).await.expect(StatusCode::NO_CONTENT);
    admin.delete(TOTP).await.problem(StatusCode::NOT_FOUND);
    let factors: Factors = admin.get("/api/v1/account/factors").await.json();
    assert_eq!(
        factors,
        Factors { no_passkeys_because: factors.no_passkeys_because.clone(), ..Factors::default() }
    );
    app.sign_in("alice", PASSWORD).await;
    admin.put("/api/v1/account/recovery-codes", None, json!({})).await.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_offer_is_for_its_account_and_ten_minutes_and_wants_its_code() {
    let world = World::new().await;
    let (app, admin) = (&world.app, &world.admin);
    let viewer = world.somebody(Role::Viewer).await;
    let offer: TotpOffer = admin.get(TOTP).await.json();
    let phone = Phone::scan(offer.uri.expose());
    let body = |code: &str| json!({ "offer": offer.offer.expose(), "code": code });
    let problem =
        viewer.put(TOTP, None, body(&phone.code(app))).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "offer");
    let problem = admin.put(TOTP, None, body("000000")).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "code");
    app.clock.advance(Duration::from_secs(10 * 60));
    admin.put(TOTP, None, body(&phone.code(app))).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_secret_is_sealed_in_the_store() {
    let (app, admin) = App::with_admin().await;
    let (phone, _) = set_up(&app, &admin).await;
    let user = app.store.read().await.unwrap().users().named("alice").await.unwrap().unwrap();
    let totp = app.store.read().await.unwrap().factors().totp(user.id).await.unwrap().unwrap();
    assert!(!totp.secret.as_bytes().windows(20).any(|window| window == phone.0.expose()));
}

#[tokio::test]
async fn an_admin_helps_who_has_lost_everything() {
    let world = World::new().await;
    let app = &world.app;
    let viewer = world.somebody(Role::Viewer).await;
    set_up(app, &viewer).await;
    let session: Session = viewer.get("/api/v1/session").await.json();
    let reset = format!("/api/v1/users/{}/factors", session.user);
    viewer.delete(&reset).await.problem(StatusCode::FORBIDDEN);
    world.admin.delete(&reset).await.expect(StatusCode::NO_CONTENT);
    world.admin.delete(&reset).await.problem(StatusCode::CONFLICT);
    viewer.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
    app.sign_in("viewer", PASSWORD).await;
    assert!(app.audited().await.contains(&Action::FactorReset));
}

#[tokio::test]
async fn a_hash_that_is_renewed_on_the_first_step_does_not_spoil_the_second() {
    let (app, admin) = App::with_admin().await;
    let (phone, _) = set_up(&app, &admin).await;
    let outdated = Passwords::new(PasswordCost::new(16, 1, 1).unwrap());
    let hash = outdated.hash(&SecretString::new(PASSWORD), &SeededRandom::new(5)).unwrap();
    let mut transaction = app.store.begin().await.unwrap();
    let user = transaction.users().named("alice").await.unwrap().unwrap();
    transaction.users().set_password(user.id, &PasswordHash::new(hash), app.now()).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    let missing = first_step(&app, "alice").await;
    app.clock.advance(STEP);
    let body = with_code(&missing.pending, &phone.code(&app));
    app.anonymous().post(SECOND, body).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_new_password_is_no_fresh_proof_for_who_has_a_second_factor() {
    let (app, admin) = App::with_admin().await;
    let change = async |client: &Client, current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        let answer = client.put("/api/v1/account/password", None, body).await;
        answer.expect(StatusCode::NO_CONTENT);
        Client { cookie: answer.cookie(), ..client.clone() }
    };
    let session = async |client: &Client| client.get("/api/v1/session").await.json::<Session>();
    let proved = app.now();
    app.clock.advance(STEP);
    let admin = change(&admin, PASSWORD, "crimson kettles sing").await;
    assert_eq!(session(&admin).await.proved_at, Some(app.now()));
    let admin = Client { csrf: Some(session(&admin).await.csrf_token.into_exposed()), ..admin };
    set_up(&app, &admin).await;
    let proved = proved.after(STEP);
    app.clock.advance(STEP);
    let admin = change(&admin, "crimson kettles sing", PASSWORD).await;
    assert_eq!(session(&admin).await.proved_at, Some(proved), "the code was not shown");
}

#[tokio::test]
async fn an_admin_without_the_factor_that_is_asked_for_only_looks() {
    let app = App::with(|config| config.second_factor = SecondFactor::RequiredForAdmins).await;
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    let session: Session = admin.get("/api/v1/session").await.json();
    assert!(session.second_factor_missing && session.role == Role::Viewer);
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
    admin.get("/api/v1/audit").await.problem(StatusCode::FORBIDDEN);
    assert!(admin.get("/api/v1/account/factors").await.json::<Factors>().required);
    let body = json!({ "name": "alice", "password": PASSWORD });
    let entered: Session = app.anonymous().post("/api/v1/session", body).await.json();
    assert!(entered.second_factor_missing && entered.role == Role::Viewer, "signing in says so at once");
    set_up(&app, &admin).await;
    let session: Session = admin.get("/api/v1/session").await.json();
    assert!(!session.second_factor_missing && session.role == Role::Admin && session.second_factor);
    admin.get("/api/v1/audit").await.expect(StatusCode::OK);
}
