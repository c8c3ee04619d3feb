//! The command on the server's machine: who gets in again, and what it leaves behind.

use http::StatusCode;
use restic_manager_crypto::{SecretString, SeededRandom};
use restic_manager_proto::{
    api::{Page, audit::Entry, factors::Factors},
    vocabulary::{Action, Role},
};
use restic_manager_server::{
    Config,
    recovery::{NewPassword, RecoverError, Recovered, Reset, recover},
};
use restic_manager_store::{Audit, users::User};
use serde_json::json;
use std::sync::Arc;

use crate::{
    api_tokens, factors, passkeys,
    support::{App, ORIGIN, PASSWORD},
    world::add_user,
};

const NEW: &str = "crimson kettles sing";

fn by_link(name: &str) -> Reset {
    Reset {
        name: name.to_owned(),
        password: NewPassword::Link,
        enable: false,
        make_admin: false,
        operator: "root on the server's machine".to_owned(),
    }
}

async fn run(app: &App, reset: &Reset) -> Result<Recovered, RecoverError> {
    let config = Config::new(ORIGIN.parse().unwrap());
    recover(&*app.store, &config, Arc::clone(&app.clock) as _, Arc::new(SeededRandom::new(99)), reset).await
}

async fn disable(app: &App, name: &str) {
    let mut transaction = app.store.begin().await.unwrap();
    let user = transaction.users().named(name).await.unwrap().unwrap();
    transaction.users().update(&User { disabled: true, ..user.clone() }, user.version).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

#[tokio::test]
async fn a_link_lets_somebody_in_again_and_ends_the_sessions() {
    let (app, admin) = App::with_admin().await;
    let recovered = run(&app, &by_link(" ALICE")).await.unwrap();
    assert_eq!((recovered.name.as_str(), recovered.sessions_ended, recovered.added), ("alice", 1, false));
    admin.get("/api/v1/account").await.problem(StatusCode::UNAUTHORIZED);
    let (link, _) = recovered.link.unwrap();
    let token = link.expose().strip_prefix("https://backup.example.com/setup#").unwrap();
    let body = json!({ "token": token, "password": NEW });
    app.anonymous().post("/api/v1/setup", body).await.expect(StatusCode::OK);
    app.sign_in("alice", NEW).await;
    assert!(app.audited().await.contains(&Action::LocalRecovery));
    assert!(!app.is_kept(token));
}

#[tokio::test]
async fn factors_and_tokens_go_so_that_nobody_else_keeps_a_way_in() {
    let (app, admin) = App::with_admin().await;
    add_user(&app, "bob", Role::Viewer).await;
    let bob = app.sign_in("bob", PASSWORD).await;
    let bobs = app.program(&api_tokens::make(&app, &bob, Role::Viewer, false).await);
    let token = app.program(&api_tokens::make(&app, &admin, Role::Admin, true).await);
    factors::set_up(&app, &admin).await;
    passkeys::add(&admin, 1).await;
    let password = NewPassword::Given(SecretString::new(NEW));
    let recovered = run(&app, &Reset { password: password.clone(), ..by_link("alice") }).await.unwrap();
    assert_eq!((recovered.tokens_revoked, recovered.factors_removed), (1, true));
    token.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    bobs.get("/api/v1/hosts").await.expect(StatusCode::OK);
    let back = app.sign_in("alice", NEW).await;
    let own: Factors = back.get("/api/v1/account/factors").await.json();
    assert!(own.totp.is_none() && own.passkeys.is_empty() && own.recovery_codes_left == 0, "{own:?}");
    let page: Page<Entry> = back.get("/api/v1/audit?action=local-recovery").await.json();
    let detail = &page.items[0].detail;
    assert_eq!((detail["factors_removed"].as_str(), detail["tokens_revoked"].as_str()), ("true", "1"));
    let recovered = run(&app, &Reset { password, ..by_link("bob") }).await.unwrap();
    assert_eq!((recovered.tokens_revoked, recovered.factors_removed), (1, false));
}

#[tokio::test]
async fn a_password_is_set_at_once_unless_it_is_weak() {
    let (app, _) = App::with_admin().await;
    let given = |password: &str| Reset {
        password: NewPassword::Given(SecretString::new(password)),
        ..by_link("alice")
    };
    assert!(matches!(run(&app, &given("short")).await, Err(RecoverError::Weak(_))));
    assert!(run(&app, &given(NEW)).await.unwrap().link.is_none());
    app.sign_in("alice", NEW).await;
}

#[tokio::test]
async fn sign_in_is_allowed_again_only_when_asked_for() {
    let (app, _) = App::with_admin().await;
    disable(&app, "alice").await;
    assert!(matches!(run(&app, &by_link("alice")).await, Err(RecoverError::Disabled(_))));
    let password = NewPassword::Given(SecretString::new(NEW));
    run(&app, &Reset { enable: true, password, ..by_link("alice") }).await.unwrap();
    app.sign_in("alice", NEW).await;
}

#[tokio::test]
async fn an_admin_is_made_only_when_there_is_none() {
    let (app, _) = App::with_admin().await;
    add_user(&app, "bob", Role::Viewer).await;
    let password = NewPassword::Given(SecretString::new(NEW));
    let raise = |name: &str| Reset { make_admin: true, password: password.clone(), ..by_link(name) };
    let error = run(&app, &raise("bob")).await.unwrap_err();
    assert!(matches!(&error, RecoverError::AdminThere(names) if names == "alice"), "{error}");
    disable(&app, "alice").await;
    let recovered = run(&app, &raise("bob")).await.unwrap();
    assert_eq!((recovered.role, recovered.added), (Role::Admin, false));
    app.sign_in("bob", NEW).await.get("/api/v1/users").await.expect(StatusCode::OK);
    disable(&app, "bob").await;
    assert!(matches!(run(&app, &raise("not a name")).await, Err(RecoverError::Name(_))));
    assert!(run(&app, &raise("carol")).await.unwrap().added);
    app.sign_in("carol", NEW).await.get("/api/v1/users").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_name_is_told_with_those_that_there_are() {
    let (app, _) = App::with_admin().await;
    let error = run(&app, &by_link("alcie")).await.unwrap_err();
    assert_eq!(error.to_string(), "there is nobody named alcie; there are: alice");
    let fresh = App::fresh().await;
    let error = run(&fresh, &Reset { make_admin: true, ..by_link("alice") }).await.unwrap_err();
    assert!(matches!(error, RecoverError::NotBootstrapped));
}
