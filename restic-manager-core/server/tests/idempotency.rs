//! A repeated POST with the same key is done once.

use core::time::Duration;
use http::{Method, StatusCode};
use restic_manager_proto::vocabulary::{Action, Role};
use restic_manager_store::{Audit, replies::Reply};
use serde_json::{Value, json};

use crate::{
    support::{Answer, App, Client},
    world::World,
};

async fn invite(client: &Client, key: &str, name: &str) -> Answer {
    let mut request = client.request(Method::POST, "/api/v1/enrolments", Some(json!({ "host_name": name })));
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    client.send(request).await
}

#[tokio::test]
async fn the_same_key_gets_the_same_answer_and_changes_nothing_more() {
    let (app, admin) = App::with_admin().await;
    let first = invite(&admin, "k1", "web-1").await;
    first.expect(StatusCode::CREATED);
    let second = invite(&admin, "k1", "web-1").await;
    second.expect(StatusCode::CREATED);
    assert_eq!(first.body, second.body);
    assert_eq!(second.headers["idempotency-replayed"], "true");
    let made = app.audited().await.into_iter().filter(|action| *action == Action::EnrolmentCreate).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn the_same_key_for_another_request_is_refused() {
    let (_app, admin) = App::with_admin().await;
    invite(&admin, "k1", "web-1").await.expect(StatusCode::CREATED);
    invite(&admin, "k1", "web-2").await.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn keys_have_a_number() {
    let world = World::new().await;
    let operator = world.somebody(Role::Operator).await;
    let mut change = world.app.store.begin().await.unwrap();
    let actor = change.users().named("alice").await.unwrap().unwrap().id.to_string();
    for number in 0..2000 {
        let reply = Reply {
            actor: actor.clone(),
            key: format!("kept-{number}"),
            fingerprint: [0; 32],
            status: 201,
            body: Vec::new(),
            created: world.app.now(),
            expires: world.app.now().after(Duration::from_secs(60)),
        };
        change.replies().remember(&reply).await.unwrap();
    }
    change.commit(Audit::Routine("a fixture")).await.unwrap();
    invite(&world.admin, "k1", "web-8").await.problem(StatusCode::TOO_MANY_REQUESTS);
    invite(&operator, "k1", "web-8").await.expect(StatusCode::CREATED);
    world.admin.post("/api/v1/enrolments", json!({ "host_name": "web-9" })).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn keys_of_different_people_never_meet() {
    let world = World::new().await;
    let operator = world.somebody(Role::Operator).await;
    let mine = invite(&world.admin, "k1", "web-7").await;
    let theirs = invite(&operator, "k1", "web-7").await;
    theirs.expect(StatusCode::CREATED);
    assert_ne!(mine.body, theirs.body);
}

#[tokio::test]
async fn a_refusal_is_not_kept_and_a_key_dies_after_a_day() {
    let (app, admin) = App::with_admin().await;
    invite(&admin, "k1", "no good").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let first = invite(&admin, "k1", "web-1").await;
    first.expect(StatusCode::CREATED);
    app.clock.advance(Duration::from_secs(24 * 60 * 60));
    let admin = app.sign_in("alice", crate::support::PASSWORD).await;
    let second = invite(&admin, "k1", "web-1").await;
    second.expect(StatusCode::CREATED);
    assert_ne!(first.body, second.body);
}

#[tokio::test]
async fn two_at_once_are_done_once() {
    let (app, admin) = App::with_admin().await;
    let (left, right) = tokio::join!(invite(&admin, "k1", "web-1"), invite(&admin, "k1", "web-1"));
    let statuses = [left.status, right.status];
    assert!(statuses.contains(&StatusCode::CREATED), "{statuses:?}");
    let made = app.audited().await.into_iter().filter(|action| *action == Action::EnrolmentCreate).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_kept_secret_is_kept_sealed() {
    let (app, admin) = App::with_admin().await;
    let answer: Value = invite(&admin, "k1", "web-1").await.json();
    let token = answer["token"].as_str().unwrap();
    let user: Value = admin.get("/api/v1/session").await.json();
    let mut read = app.store.read().await.unwrap();
    let kept = read.replies().find(user["user"].as_str().unwrap(), "k1").await.unwrap().unwrap();
    assert!(!kept.body.windows(token.len()).any(|window| window == token.as_bytes()));
}
