//! The first admin.

use http::StatusCode;
use restic_manager_crypto::{Identity, Keyring, SeededRandom};
use restic_manager_proto::{
    api::{Code, server::Bootstrap, session::Session},
    vocabulary::{Action, Role},
};
use restic_manager_server::{Config, PrepareError, Server};
use serde_json::json;

use crate::support::{App, PASSWORD};

#[tokio::test]
async fn the_token_makes_one_admin_who_can_sign_in() {
    let app = App::fresh().await;
    let client = app.anonymous();
    assert!(client.get("/api/v1/bootstrap").await.json::<Bootstrap>().needed);
    app.make_admin().await;
    assert!(!client.get("/api/v1/bootstrap").await.json::<Bootstrap>().needed);

    let admin = app.sign_in("Alice", PASSWORD).await;
    let session: Session = admin.get("/api/v1/session").await.json();
    assert_eq!((session.name.as_str(), session.role), ("alice", Role::Admin));
    assert_eq!(app.audited().await, [Action::Bootstrap, Action::Login]);
}

#[tokio::test]
async fn a_spent_token_is_worth_what_a_guess_is_worth() {
    let app = App::fresh().await;
    app.make_admin().await;
    let body = |token: &str| json!({ "token": token, "name": "mallory", "password": PASSWORD });
    let mut details = Vec::new();
    let unknown = restic_manager_crypto::Token::mint(
        restic_manager_crypto::TokenKind::Bootstrap,
        &restic_manager_crypto::SeededRandom::new(99),
    );
    for token in [app.bootstrap_token.as_str(), unknown.expose(), "rmb_guess", ""] {
        let problem =
            app.anonymous().post("/api/v1/bootstrap", body(token)).await.problem(StatusCode::UNAUTHORIZED);
        assert_eq!(problem.code, Code::BadCredentials);
        details.push(problem.detail);
    }
    details.dedup();
    assert_eq!(details.len(), 1);
}

#[tokio::test]
async fn a_weak_password_does_not_spend_the_token() {
    let app = App::fresh().await;
    let body = json!({ "token": app.bootstrap_token, "name": "al ice", "password": "password1234" });
    let problem =
        app.anonymous().post("/api/v1/bootstrap", body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = problem.fields.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["name", "password"]);
    app.make_admin().await;
}

#[tokio::test]
async fn every_start_makes_a_new_token_until_one_is_spent() {
    let app = App::fresh().await;
    let second = app.server.prepare().await.unwrap().bootstrap_token.unwrap();
    let body = |token: &str| json!({ "token": token, "name": "alice", "password": PASSWORD });
    app.anonymous()
        .post("/api/v1/bootstrap", body(&app.bootstrap_token))
        .await
        .problem(StatusCode::UNAUTHORIZED);
    app.anonymous().post("/api/v1/bootstrap", body(second.expose())).await.expect(StatusCode::CREATED);
    assert!(app.server.prepare().await.unwrap().bootstrap_token.is_none());
}

#[tokio::test]
async fn keys_that_do_not_belong_to_the_database_are_refused_at_the_start() {
    let app = App::fresh().await;
    let start = |keyring: u64, identity: u64| {
        let keyring = Keyring::generate(&SeededRandom::new(keyring));
        let identity = Identity::generate(&SeededRandom::new(identity));
        let config = Config::new(crate::support::ORIGIN.parse().unwrap());
        let store = std::sync::Arc::clone(&app.store);
        async move { Server::builder(store, keyring, identity, config).build().prepare().await }
    };
    assert!(matches!(start(99, 7).await, Err(PrepareError::WrongKeyring { .. })));
    assert!(matches!(start(7, 99).await, Err(PrepareError::WrongIdentity { .. })));
}
