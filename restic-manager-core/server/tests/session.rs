//! Signing in and out, cookies and CSRF.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_crypto::{PasswordCost, Passwords, SecretString, SeededRandom};
use restic_manager_proto::{
    Scope, UserId,
    api::{Code, session::Session},
    vocabulary::{Action, Role},
};
use restic_manager_server::config::CookieSecurity;
use restic_manager_store::{Audit, PasswordHash, users::User};
use serde_json::json;

use crate::{
    support::{App, PASSWORD},
    world::World,
};

#[tokio::test]
async fn the_cookie_is_for_this_host_over_https_and_for_no_script() {
    let (app, _) = App::with_admin().await;
    let answer =
        app.anonymous().post("/api/v1/session", json!({ "name": "alice", "password": PASSWORD })).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-rm_session=rms_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
}

#[tokio::test]
async fn a_trial_over_plain_http_has_a_cookie_of_another_name() {
    let app = App::with(|config| config.cookies = CookieSecurity::AlsoPlainHttp).await;
    app.make_admin().await;
    let client = app.sign_in("alice", PASSWORD).await;
    assert!(client.cookie.as_deref().unwrap().starts_with("rm_session=rms_"));
    client.get("/api/v1/session").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_session_and_clears_the_cookie() {
    let (app, admin) = App::with_admin().await;
    let answer = admin.delete("/api/v1/session").await;
    answer.expect(StatusCode::NO_CONTENT);
    assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    admin.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(app.audited().await.last(), Some(&Action::Logout));
}

#[tokio::test]
async fn a_session_dies_of_idleness_and_of_age() {
    let (app, mut admin) = App::with_admin().await;
    for _ in 0..14 {
        app.clock.advance(Duration::from_secs(11 * 60 * 60));
        admin.browse("/api/v1/session").await.expect(StatusCode::OK);
    }
    app.clock.advance(Duration::from_secs(11 * 60 * 60));
    app.clock.advance(Duration::from_secs(3 * 60 * 60));
    admin.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);

    let again = app.sign_in("alice", PASSWORD).await;
    app.clock.advance(Duration::from_secs(12 * 60 * 60));
    again.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn use_does_not_stretch_a_session_beyond_its_age() {
    let (app, mut admin) = App::with_admin().await;
    let expires = admin.get("/api/v1/session").await.json::<Session>().expires_at;
    while app.now() < expires {
        admin.browse("/api/v1/session").await.expect(StatusCode::OK);
        app.clock.advance(Duration::from_secs(6 * 60 * 60));
    }
    admin.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn wrong_name_and_wrong_password_get_the_same_answer() {
    let (app, _) = App::with_admin().await;
    let client = app.anonymous();
    let mut details = Vec::new();
    for (name, password) in [("alice", "wrong password 1"), ("nobody", PASSWORD), ("", "")] {
        let body = json!({ "name": name, "password": password });
        let problem = client.post("/api/v1/session", body).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(problem.code, Code::BadCredentials);
        details.push((problem.detail, problem.next_step));
    }
    details.dedup();
    assert_eq!(details.len(), 1);
    assert_eq!(app.audited().await.iter().filter(|action| **action == Action::LoginRefused).count(), 3);
}

#[tokio::test]
async fn a_change_needs_the_token_of_its_own_session() {
    let (app, admin) = App::with_admin().await;
    let other = app.sign_in("alice", PASSWORD).await;
    for csrf in [None, Some("guess".to_owned()), other.csrf.clone()] {
        let forged = crate::support::Client { csrf, ..admin.clone() };
        let problem = forged.delete("/api/v1/session").await.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.code, Code::CrossSite);
    }
    admin.delete("/api/v1/session").await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn other_sites_cannot_sign_anybody_in_or_out() {
    let (_app, admin) = App::with_admin().await;
    for (name, value) in [
        ("origin", "https://evil.example.net"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for method in [Method::DELETE, Method::POST] {
            let mut request = admin.request(method, "/api/v1/session", None);
            request.headers_mut().insert(name, value.parse().unwrap());
            let problem = admin.send(request).await.problem(StatusCode::FORBIDDEN);
            assert_eq!(problem.code, Code::CrossSite, "{name}: {value}");
        }
    }
    let mut request = admin.request(Method::DELETE, "/api/v1/session", None);
    request.headers_mut().remove(header::ORIGIN);
    admin.send(request).await.expect(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn signing_in_again_ends_the_session_before() {
    let (app, admin) = App::with_admin().await;
    let body = json!({ "name": "alice", "password": PASSWORD });
    admin.post("/api/v1/session", body).await.expect(StatusCode::CREATED);
    admin.get("/api/v1/session").await.problem(StatusCode::UNAUTHORIZED);
    drop(app);
}

#[tokio::test]
async fn a_disabled_person_is_out_at_once_and_told_nothing_new() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    viewer.get("/api/v1/hosts").await.expect(StatusCode::OK);
    let mut transaction = world.app.store.begin().await.unwrap();
    let user = transaction.users().named("viewer").await.unwrap().unwrap();
    let disabled = User { disabled: true, ..user.clone() };
    transaction.users().update(&disabled, user.version).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    viewer.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    let body = json!({ "name": "viewer", "password": PASSWORD });
    let problem = world.app.anonymous().post("/api/v1/session", body).await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(problem.code, Code::BadCredentials);
}

#[tokio::test]
async fn a_password_is_hashed_anew_at_todays_cost() {
    let app = App::fresh().await;
    let random = SeededRandom::new(5);
    let outdated = Passwords::new(PasswordCost::new(16, 1, 1).unwrap());
    let hash = outdated.hash(&SecretString::new(PASSWORD), &random).unwrap();
    let user = User {
        scope: Scope::All,
        id: UserId::from_parts(app.now(), [1; 10]),
        name: "bob".to_owned(),
        role: Role::Viewer,
        password: PasswordHash::new(hash.clone()),
        password_set: Some(app.now()),
        disabled: false,
        created: app.now(),
        last_login: None,
        version: 1,
    };
    let mut transaction = app.store.begin().await.unwrap();
    transaction.users().add(&user).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    app.sign_in("bob", PASSWORD).await;
    let stored = app.store.read().await.unwrap().users().named("bob").await.unwrap().unwrap();
    assert_ne!(stored.password.as_str(), hash);
    assert_eq!(stored.version, 1, "nobody changed anything");
    app.sign_in("bob", PASSWORD).await;
    let again = app.store.read().await.unwrap().users().named("bob").await.unwrap().unwrap();
    assert_eq!(again.password, stored.password);
}
