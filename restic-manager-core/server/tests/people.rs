//! The life of an account: invited, set up, changed, refused, allowed again.

use core::time::Duration;
use http::{StatusCode, header};
use restic_manager_proto::{
    UserId,
    api::{
        Code, Page,
        setup::Invited,
        users::{InvitedUser, User},
    },
    vocabulary::{Action, Role},
};
use serde_json::json;

use crate::support::{Answer, App, Client};

const NEW: &str = "crimson kettles sing";

async fn invite(admin: &Client, name: &str, role: Role) -> InvitedUser {
    let answer = admin.post("/api/v1/users", json!({ "name": name, "role": role })).await;
    answer.expect(StatusCode::CREATED).json()
}

async fn follow(app: &App, token: &str, password: &str) -> Answer {
    app.anonymous().post("/api/v1/setup", json!({ "token": token, "password": password })).await
}

async fn set_up(app: &App, admin: &Client, name: &str, role: Role) -> (UserId, Client) {
    let invited = invite(admin, name, role).await;
    follow(app, invited.token.expose(), NEW).await.expect(StatusCode::OK);
    (invited.user.id, app.sign_in(name, NEW).await)
}

async fn change(admin: &Client, id: UserId, role: Role, disabled: bool) -> Answer {
    let path = format!("/api/v1/users/{id}");
    let version = admin.get(&path).await.json::<User>().version;
    admin.put(&path, Some(version), json!({ "role": role, "disabled": disabled })).await
}

#[tokio::test]
async fn a_person_is_invited_and_sets_the_password() {
    let (app, admin) = App::with_admin().await;
    let invited = invite(&admin, "bob", Role::Operator).await;
    assert_eq!(invited.user.password_set_at, None);
    assert_eq!(invited.user.setup_link_expires_at, Some(app.now().after(Duration::from_secs(3600))));
    let token = invited.token.expose();
    assert_eq!(invited.url.expose(), format!("https://backup.example.com/setup#{token}"));
    let link = json!({ "token": token });
    let whom: Invited = app.anonymous().post("/api/v1/setup/check", link).await.json();
    assert_eq!((whom.name.as_str(), whom.role), ("bob", Role::Operator));

    follow(&app, token, "short").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    follow(&app, token, NEW).await.expect(StatusCode::OK);
    assert_eq!(app.audited().await.last(), Some(&Action::UserSetup));
    follow(&app, token, NEW).await.problem(StatusCode::UNAUTHORIZED);
    let bob = app.sign_in("bob", NEW).await;
    bob.get("/api/v1/hosts").await.expect(StatusCode::OK);
    let listed: Page<User> = admin.get("/api/v1/users").await.json();
    let bob = listed.items.iter().find(|user| user.name == "bob").unwrap();
    assert_eq!((bob.password_set_at, bob.last_login_at, bob.sessions), (Some(app.now()), Some(app.now()), 1));
    assert_eq!(bob.setup_link_expires_at, None);
}

#[tokio::test]
async fn nobody_signs_in_before_the_link_was_followed() {
    let (app, admin) = App::with_admin().await;
    invite(&admin, "bob", Role::Admin).await;
    let body = json!({ "name": "bob", "password": NEW });
    app.anonymous().post("/api/v1/session", body).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn links_that_open_nothing_all_look_the_same() {
    let (app, admin) = App::with_admin().await;
    let spent = invite(&admin, "spent", Role::Viewer).await;
    follow(&app, spent.token.expose(), NEW).await.expect(StatusCode::OK);
    let replaced = invite(&admin, "replaced", Role::Viewer).await;
    let again = format!("/api/v1/users/{}/setup-link", replaced.user.id);
    let newer: InvitedUser = admin.post(&again, json!({})).await.json();
    let withdrawn = invite(&admin, "withdrawn", Role::Viewer).await;
    let path = format!("/api/v1/users/{}/setup-link", withdrawn.user.id);
    admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    let disabled = invite(&admin, "disabled", Role::Viewer).await;
    change(&admin, disabled.user.id, Role::Viewer, true).await.expect(StatusCode::OK);
    let expired = invite(&admin, "expired", Role::Viewer).await;
    app.clock.advance(Duration::from_secs(3600));
    let mut details = Vec::new();
    for token in [
        spent.token.expose(),
        replaced.token.expose(),
        newer.token.expose(),
        withdrawn.token.expose(),
        disabled.token.expose(),
        expired.token.expose(),
        "rmu_nonsense",
        "",
    ] {
        let problem = follow(&app, token, NEW).await.problem(StatusCode::UNAUTHORIZED);
        details.push((problem.code, problem.title, problem.detail, problem.next_step));
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
}

#[tokio::test]
async fn a_newer_link_kills_the_older_and_works() {
    let (app, admin) = App::with_admin().await;
    let first = invite(&admin, "bob", Role::Viewer).await;
    let path = format!("/api/v1/users/{}/setup-link", first.user.id);
    let second: InvitedUser = admin.post(&path, json!({})).await.json();
    follow(&app, first.token.expose(), NEW).await.problem(StatusCode::UNAUTHORIZED);
    follow(&app, second.token.expose(), NEW).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_new_link_resets_a_lost_password_and_ends_the_sessions() {
    let (app, admin) = App::with_admin().await;
    let (id, bob) = set_up(&app, &admin, "bob", Role::Viewer).await;
    let invited: InvitedUser = admin.post(&format!("/api/v1/users/{id}/setup-link"), json!({})).await.json();
    bob.get("/api/v1/hosts").await.expect(StatusCode::OK);
    follow(&app, invited.token.expose(), "amber ladders hum").await.expect(StatusCode::OK);
    bob.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    app.sign_in("bob", "amber ladders hum").await;
}

#[tokio::test]
async fn sessions_end_at_once_when_role_or_standing_changes() {
    let (app, admin) = App::with_admin().await;
    let (id, bob) = set_up(&app, &admin, "bob", Role::Viewer).await;
    change(&admin, id, Role::Operator, false).await.expect(StatusCode::OK);
    bob.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    let bob = app.sign_in("bob", NEW).await;
    change(&admin, id, Role::Operator, true).await.expect(StatusCode::OK);
    bob.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    let body = json!({ "name": "bob", "password": NEW });
    app.anonymous().post("/api/v1/session", body).await.problem(StatusCode::UNAUTHORIZED);
    let link = admin.post(&format!("/api/v1/users/{id}/setup-link"), json!({})).await;
    assert_eq!(link.problem(StatusCode::CONFLICT).code, Code::Conflict);
    change(&admin, id, Role::Operator, false).await.expect(StatusCode::OK);
    let bob = app.sign_in("bob", NEW).await;
    admin.delete(&format!("/api/v1/users/{id}/sessions")).await.expect(StatusCode::NO_CONTENT);
    bob.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let (app, admin) = App::with_admin().await;
    let listed: Page<User> = admin.get("/api/v1/users").await.json();
    let alice = listed.items[0].id;
    invite(&admin, "not-yet", Role::Admin).await;
    for (role, disabled) in [(Role::Viewer, false), (Role::Admin, true)] {
        let problem = change(&admin, alice, role, disabled).await.problem(StatusCode::CONFLICT);
        assert!(problem.detail.contains("last admin"), "{problem:?}");
    }
    let (bob, second) = set_up(&app, &admin, "bob", Role::Admin).await;
    change(&second, alice, Role::Viewer, false).await.expect(StatusCode::OK);
    change(&second, bob, Role::Viewer, false).await.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn two_admins_who_demote_each_other_leave_one() {
    let (app, admin) = App::with_admin().await;
    let alice = admin.get("/api/v1/users").await.json::<Page<User>>().items[0].id;
    let (bob, second) = set_up(&app, &admin, "bob", Role::Admin).await;
    let version = async |id: UserId| admin.get(&format!("/api/v1/users/{id}")).await.json::<User>().version;
    let (of_alice, of_bob) = (version(alice).await, version(bob).await);
    let viewer = json!({ "role": Role::Viewer, "disabled": false });
    let (to_alice, to_bob) = (format!("/api/v1/users/{alice}"), format!("/api/v1/users/{bob}"));
    let (one, other) = tokio::join!(
        admin.put(&to_bob, Some(of_bob), viewer.clone()),
        second.put(&to_alice, Some(of_alice), viewer.clone()),
    );
    let done = [one.status, other.status].iter().filter(|status| **status == StatusCode::OK).count();
    assert_eq!(done, 1, "{} {}", one.status, other.status);
}

#[tokio::test]
async fn names_are_plain_and_taken_once() {
    let (_app, admin) = App::with_admin().await;
    for name in ["", "a b", "<script>", "a/b", &"a".repeat(65)] {
        let answer = admin.post("/api/v1/users", json!({ "name": name, "role": "viewer" })).await;
        assert_eq!(answer.problem(StatusCode::UNPROCESSABLE_ENTITY).fields[0].field, "name", "{name}");
    }
    let answer = admin.post("/api/v1/users", json!({ "name": "Alice", "role": "viewer" })).await;
    answer.problem(StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_link_is_shown_once_and_stored_as_a_hash() {
    let (app, admin) = App::with_admin().await;
    let mut request =
        admin.request(http::Method::POST, "/api/v1/users", Some(json!({ "name": "bob", "role": "viewer" })));
    request.headers_mut().insert("idempotency-key", "once".parse().unwrap());
    let answer = admin.send(request).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let token = answer.json::<InvitedUser>().token.into_exposed();
    for path in ["/api/v1/users", "/api/v1/audit"] {
        assert!(!admin.get(path).await.text().contains(&token), "{path}");
    }
    assert!(!app.is_kept(&token));
}
