//! Tokens of sessions follow each other; an old one that turns up again ends the session.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_proto::{
    api::{Page, alerts::Alert},
    vocabulary::{Action, AlertKind},
};
use restic_manager_server::config::SessionBinding;
use serde_json::json;

use crate::support::{Answer, App, Client, PASSWORD};

const HOUR: Duration = Duration::from_secs(3600);
const GRACE: Duration = Duration::from_secs(60);

/// The same browser after it has taken an answer's cookie.
fn with_cookie_of(client: &Client, answer: &Answer) -> Client {
    Client { cookie: answer.cookie().or_else(|| client.cookie.clone()), ..client.clone() }
}

/// A client whose token has been replaced, and the one that it should have become.
async fn renewed(app: &App, client: &Client) -> Client {
    app.clock.advance(HOUR);
    let answer = client.get("/api/v1/hosts").await;
    answer.expect(StatusCode::OK);
    assert!(answer.cookie().is_some(), "an old token is replaced");
    with_cookie_of(client, &answer)
}

#[tokio::test]
async fn a_token_is_replaced_after_an_hour_of_use() {
    let (app, admin) = App::with_admin().await;
    assert!(admin.get("/api/v1/hosts").await.cookie().is_none());
    let next = renewed(&app, &admin).await;
    assert_ne!(next.cookie, admin.cookie);
    assert!(next.get("/api/v1/hosts").await.cookie().is_none(), "the new one is young");
    assert_eq!(next.own_session().await, admin.own_session().await, "it is the same session to its person");
}

#[tokio::test]
async fn two_tabs_at_once_both_stay_and_forms_that_are_open_still_work() {
    let (app, admin) = App::with_admin().await;
    let next = renewed(&app, &admin).await;
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
    next.get("/api/v1/hosts").await.expect(StatusCode::OK);
    app.clock.advance(GRACE - Duration::from_millis(1));
    let late = admin.get("/api/v1/hosts").await;
    late.expect(StatusCode::OK);
    assert!(late.cookie().is_none(), "the new cookie is there already");
    assert_eq!(next.csrf, admin.csrf);
    let made = next.post("/api/v1/enrolments", json!({ "host_name": "web-1" })).await;
    made.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn a_refused_request_hands_the_new_token_over_too() {
    let (app, admin) = App::with_admin().await;
    app.clock.advance(HOUR);
    let answer = admin.get("/api/v1/hosts/01932f6e-1c2d-7a4b-8e9f-0123456789ab").await;
    answer.expect(StatusCode::NOT_FOUND);
    with_cookie_of(&admin, &answer).get("/api/v1/hosts").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_replayed_token_ends_the_session_of_both() {
    let (app, admin) = App::with_admin().await;
    let other = app.sign_in("alice", PASSWORD).await;
    let next = renewed(&app, &admin).await;
    next.get("/api/v1/hosts").await.expect(StatusCode::OK);
    app.clock.advance(GRACE);
    admin.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    next.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(app.audited().await.last(), Some(&Action::SessionReplay));
    other.get("/api/v1/hosts").await.expect(StatusCode::OK);
    admin.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    let other_alerts: Page<Alert> = other.get("/api/v1/alerts").await.json();
    let alert = &other_alerts.items[0];
    assert_eq!((other_alerts.items.len(), alert.kind), (1, AlertKind::TokenReplay));
    let replays = app.audited().await.iter().filter(|action| **action == Action::SessionReplay).count();
    assert_eq!(replays, 1, "told once");
}

#[tokio::test]
async fn a_replay_is_known_after_a_restart() {
    let (app, admin) = App::with_admin().await;
    let next = renewed(&app, &admin).await;
    next.get("/api/v1/hosts").await.expect(StatusCode::OK);
    app.clock.advance(GRACE);
    let restarted = app.restarted().await;
    let through = |client: &Client| Client { service: restarted.service.clone(), ..client.clone() };
    through(&admin).get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    through(&next).get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_answer_that_got_lost_signs_nobody_out() {
    let (app, admin) = App::with_admin().await;
    let lost = renewed(&app, &admin).await;
    app.clock.advance(HOUR);
    let answer = admin.get("/api/v1/hosts").await;
    answer.expect(StatusCode::OK);
    let next = with_cookie_of(&admin, &answer);
    assert!(next.cookie != admin.cookie && next.cookie != lost.cookie, "it gets another one");
    next.get("/api/v1/hosts").await.expect(StatusCode::OK);
    app.clock.advance(GRACE);
    lost.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    next.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    assert_eq!(app.audited().await.last(), Some(&Action::SessionReplay), "somebody had read it on the way");
}

#[tokio::test]
async fn tokens_replaced_at_the_same_moment_make_one_successor() {
    let (app, admin) = App::with_admin().await;
    app.clock.advance(HOUR);
    let (one, other) = tokio::join!(admin.get("/api/v1/hosts"), admin.get("/api/v1/hosts"));
    one.expect(StatusCode::OK);
    other.expect(StatusCode::OK);
    let fresh: Vec<String> = [&one, &other].iter().filter_map(|answer| answer.cookie()).collect();
    assert_eq!(fresh.len(), 1, "{fresh:?}");
}

#[tokio::test]
async fn signing_out_with_an_old_token_signs_out() {
    let (app, admin) = App::with_admin().await;
    app.clock.advance(HOUR);
    let answer = admin.delete("/api/v1/session").await;
    answer.expect(StatusCode::NO_CONTENT);
    let cookies: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies.len(), 1, "no new token beside the farewell: {cookies:?}");
    let user = app.store.read().await.unwrap().users().named("alice").await.unwrap().unwrap();
    let live = app.store.read().await.unwrap().sessions().live_of(user.id, app.now()).await.unwrap();
    assert!(live.is_empty());
}

async fn from(client: &Client, address: &str, user_agent: &str) -> StatusCode {
    let mut request = client.request(Method::GET, "/api/v1/account", None);
    let peer = restic_manager_server::PeerAddress(format!("{address}:1").parse().unwrap());
    request.extensions_mut().insert(peer);
    request.headers_mut().insert(header::USER_AGENT, user_agent.parse().unwrap());
    client.send(request).await.status
}

async fn bound(binding: SessionBinding, address: &str) -> (App, Client) {
    let app = App::with(|config| config.sessions.binding = binding).await;
    app.make_admin().await;
    let body = json!({ "name": "alice", "password": PASSWORD });
    let mut request = app.anonymous().request(Method::POST, "/api/v1/session", Some(body));
    let peer = restic_manager_server::PeerAddress(format!("{address}:1").parse().unwrap());
    request.extensions_mut().insert(peer);
    request.headers_mut().insert(header::USER_AGENT, "Firefox".parse().unwrap());
    let answer = app.anonymous().send(request).await;
    let client = Client { cookie: answer.cookie(), ..app.anonymous() };
    (app, client)
}

#[tokio::test]
async fn a_session_is_bound_only_where_it_is_wished() {
    let (_app, client) = bound(SessionBinding::default(), "192.0.2.1").await;
    assert_eq!(from(&client, "198.51.100.7", "Chrome").await, StatusCode::OK);
}

#[tokio::test]
async fn a_session_bound_to_its_network_ends_elsewhere() {
    let binding = SessionBinding { address: true, user_agent: false };
    let (app, client) = bound(binding, "[2001:db8::1]").await;
    assert_eq!(from(&client, "[2001:db8::2]", "Chrome").await, StatusCode::OK, "the same network");
    assert_eq!(from(&client, "[2001:db8:0:1::1]", "Firefox").await, StatusCode::UNAUTHORIZED);
    assert_eq!(from(&client, "[2001:db8::1]", "Firefox").await, StatusCode::UNAUTHORIZED, "it has ended");
    assert_eq!(app.audited().await.last(), Some(&Action::SessionMoved));
}

#[tokio::test]
async fn a_session_bound_to_its_browser_ends_in_another() {
    let binding = SessionBinding { address: false, user_agent: true };
    let (_app, client) = bound(binding, "192.0.2.1").await;
    assert_eq!(from(&client, "198.51.100.7", "Firefox").await, StatusCode::OK);
    assert_eq!(from(&client, "192.0.2.1", "Chrome").await, StatusCode::UNAUTHORIZED);
}
