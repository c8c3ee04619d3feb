//! One's own account: password and sessions.

use core::time::Duration;
use http::{StatusCode, header};
use restic_manager_proto::{
    api::{
        Code, Page,
        account::{Account, SignIn},
    },
    vocabulary::{Action, Role},
};
use serde_json::json;

use crate::{
    api_tokens,
    support::{Answer, App, Client, PASSWORD},
    world::World,
};

const NEW: &str = "crimson kettles sing";

async fn change(client: &Client, current: &str, new: &str) -> Answer {
    client.put("/api/v1/account/password", None, json!({ "current": current, "new": new })).await
}

async fn sessions(client: &Client) -> Vec<SignIn> {
    client.get("/api/v1/account/sessions").await.json::<Page<SignIn>>().items
}

#[tokio::test]
async fn everybody_sees_the_account_it_is_signed_in_with() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    let account: Account = viewer.get("/api/v1/account").await.json();
    assert_eq!((account.name.as_str(), account.role), ("viewer", Role::Viewer));
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_begins_one() {
    let (app, admin) = App::with_admin().await;
    let other = app.sign_in("alice", PASSWORD).await;
    let answer = change(&admin, PASSWORD, NEW).await;
    answer.expect(StatusCode::NO_CONTENT);
    let renewed = Client { cookie: answer.cookie(), csrf: None, ..admin.clone() };
    renewed.get("/api/v1/account").await.expect(StatusCode::OK);
    for ended in [admin, other] {
        ended.get("/api/v1/account").await.problem(StatusCode::UNAUTHORIZED);
    }
    app.sign_in("alice", NEW).await;
    let old = json!({ "name": "alice", "password": PASSWORD });
    app.anonymous().post("/api/v1/session", old).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_stolen_session_alone_changes_no_password() {
    let (app, admin) = App::with_admin().await;
    let problem = change(&admin, "wrong password 1", NEW).await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!((problem.code, problem.fields[0].field.as_str()), (Code::BadCredentials, "current"));
    assert_eq!(app.audited().await.last(), Some(&Action::ProofRefused));
    let mut last = StatusCode::UNAUTHORIZED;
    for _ in 0..40 {
        last = change(&admin, "wrong password 1", NEW).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "guesses are counted here too");
    admin.get("/api/v1/account").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_weak_or_the_same_password_is_refused_by_name() {
    let (_app, admin) = App::with_admin().await;
    for weak in ["short", "password1234", PASSWORD, "alice alice alice"] {
        let problem = change(&admin, PASSWORD, weak).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, "new", "{weak}");
    }
}

#[tokio::test]
async fn sessions_are_listed_with_their_place_and_end_one_by_one() {
    let (app, admin) = App::with_admin().await;
    app.clock.advance(Duration::from_secs(90));
    let mut request = app.anonymous().request(
        http::Method::POST,
        "/api/v1/session",
        Some(json!({ "name": "alice", "password": PASSWORD })),
    );
    request.headers_mut().insert(header::USER_AGENT, "Firefox".parse().unwrap());
    let phone = app.anonymous().send(request).await;
    let phone = Client { cookie: phone.cookie(), csrf: None, ..app.anonymous() };

    let listed = sessions(&admin).await;
    assert_eq!(listed.len(), 2);
    assert_eq!((listed[0].current, listed[1].current), (false, true), "newest first");
    assert_eq!(listed[0].user_agent.as_deref(), Some("Firefox"));
    assert_eq!(listed[0].address.as_deref(), Some("192.0.2.1"));
    assert_eq!(listed[0].since, app.now());

    let path = format!("/api/v1/account/sessions/{}", listed[0].id);
    admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    phone.get("/api/v1/account").await.problem(StatusCode::UNAUTHORIZED);
    admin.delete(&path).await.problem(StatusCode::NOT_FOUND);
    let own = format!("/api/v1/account/sessions/{}", listed[1].id);
    let answer = admin.delete(&own).await;
    assert!(answer.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    admin.get("/api/v1/account").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn all_others_end_at_once() {
    let (app, admin) = App::with_admin().await;
    let others = [app.sign_in("alice", PASSWORD).await, app.sign_in("alice", PASSWORD).await];
    admin.delete("/api/v1/account/sessions").await.expect(StatusCode::NO_CONTENT);
    for other in others {
        other.get("/api/v1/account").await.problem(StatusCode::UNAUTHORIZED);
    }
    assert_eq!(sessions(&admin).await.len(), 1);
}

#[tokio::test]
async fn nobody_ends_the_session_of_another() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    let path = format!("/api/v1/account/sessions/{}", world.elsewhere);
    viewer.delete(&path).await.problem(StatusCode::NOT_FOUND);
    assert_eq!(sessions(&world.admin).await.len(), 2);
}

#[tokio::test]
async fn a_new_password_ends_the_programs_too() {
    let (app, admin) = App::with_admin().await;
    let program = app.program(&api_tokens::make(&app, &admin, Role::Admin, true).await);
    program.get("/api/v1/hosts").await.expect(StatusCode::OK);
    change(&admin, PASSWORD, NEW).await.expect(StatusCode::NO_CONTENT);
    program.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_open_browser_and_the_password_alone_change_no_password() {
    let (app, admin) = App::with_admin().await;
    app.clock.advance(Duration::from_secs(11 * 60));
    let problem = change(&admin, PASSWORD, NEW).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(problem.code, Code::ProofNeeded, "who has a second factor is asked for it");
}
