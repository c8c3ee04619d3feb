//! Tokens that programs sign in with.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_proto::{
    Timestamp,
    api::{
        Code, Page,
        api_tokens::{ApiToken, CreatedApiToken},
        session::Session,
    },
    vocabulary::{Action, ActorKind, Role},
};
use restic_manager_server::{Access, Proof, ROUTES};
use restic_manager_store::{Audit, PageRequest, Store as _, audit::AuditScope, users::User};
use serde_json::{Value, json};

use crate::{
    support::{Answer, App, Client},
    world::World,
};

const TOKENS: &str = "/api/v1/api-tokens";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn wish(app: &App, role: Role, dangerous: bool) -> Value {
    json!({ "name": "ci", "role": role, "dangerous": dangerous, "expires_at": app.now().after(30 * DAY) })
}

pub(crate) async fn make(app: &App, client: &Client, role: Role, dangerous: bool) -> CreatedApiToken {
    let answer = client.post(TOKENS, wish(app, role, dangerous)).await;
    answer.expect(StatusCode::CREATED).json()
}

/// A program: no cookie, no CSRF token, no Origin.
async fn call(app: &App, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let client = app.anonymous();
    let mut request = client.request(method, path, body);
    request.headers_mut().remove(header::ORIGIN);
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    client.send(request).await
}

async fn change_user(app: &App, name: &str, change: impl FnOnce(User) -> User) {
    let mut transaction = app.store.begin().await.unwrap();
    let user = transaction.users().named(name).await.unwrap().unwrap();
    let version = user.version;
    transaction.users().update(&change(user), version).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

#[tokio::test]
async fn a_token_acts_without_cookie_and_is_named_with_its_maker() {
    let World { app, admin, host, repository, .. } = World::new().await;
    let made = make(&app, &admin, Role::Operator, false).await;
    let token = made.token.expose();
    assert!(token.starts_with("rmt_"));
    let session: Session = call(&app, token, Method::GET, "/api/v1/session", None).await.json();
    assert_eq!((session.name.as_str(), session.role), ("alice", Role::Operator));
    assert_eq!(session.csrf_token.expose(), "");
    let job = json!({ "host": host, "kind": "list-snapshots", "repository": repository });
    call(&app, token, Method::POST, "/api/v1/jobs", Some(job)).await.expect(StatusCode::ACCEPTED);
    let mut read = app.store.read().await.unwrap();
    let page = read.audit().page(&AuditScope::Everything, PageRequest::first(1)).await.unwrap();
    let actor = &page.items[0].entry.actor;
    assert_eq!((actor.kind, actor.name.as_deref()), (ActorKind::Token, Some("ci of alice")));
    assert_eq!(actor.id.as_deref(), Some(made.api_token.id.to_string().as_str()));
}

#[tokio::test]
async fn persons_rows_and_dangerous_rows_are_closed_to_tokens() {
    let World { app, admin, .. } = World::new().await;
    let plain = make(&app, &admin, Role::Admin, false).await;
    let dangerous = make(&app, &admin, Role::Admin, true).await;
    let id = "01932f6e-1c2d-7a4b-8e9f-0123456789ab";
    for route in ROUTES {
        let path: String = route
            .path
            .split('{')
            .map(|part| match part.split_once('}') {
                Some(("slot", rest)) => format!("everyday{rest}"),
                Some((_, rest)) => format!("{id}{rest}"),
                None => part.to_owned(),
            })
            .collect();
        let method: Method = route.method.as_str().parse().unwrap();
        let knock = async |token: &CreatedApiToken| {
            call(&app, token.token.expose(), method.clone(), &path, None).await
        };
        match (route.access, route.proof) {
            (Access::Person, _) => {
                for token in [&plain, &dangerous] {
                    let problem = knock(token).await.problem(StatusCode::FORBIDDEN);
                    assert_eq!(problem.code, Code::Forbidden, "{}", route.name);
                }
            }
            (Access::Role(_), Proof::Recent) => {
                knock(&plain).await.problem(StatusCode::FORBIDDEN);
                let answer = knock(&dangerous).await;
                assert_ne!(answer.status, StatusCode::FORBIDDEN, "{}: {}", route.name, answer.text());
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_token_follows_its_maker_down() {
    let World { app, admin, .. } = World::new().await;
    let made = make(&app, &admin, Role::Admin, false).await;
    let role = async || {
        let answer = call(&app, made.token.expose(), Method::GET, "/api/v1/session", None).await;
        (answer.status == StatusCode::OK).then(|| answer.json::<Session>().role)
    };
    assert_eq!(role().await, Some(Role::Admin));
    change_user(&app, "alice", |user| User { role: Role::Viewer, ..user }).await;
    assert_eq!(role().await, Some(Role::Viewer));
    change_user(&app, "alice", |user| User { role: Role::Admin, disabled: true, ..user }).await;
    assert_eq!(role().await, None);
}

#[tokio::test]
async fn a_token_is_no_more_than_its_maker_and_dies_within_a_year() {
    let world = World::new().await;
    let app = &world.app;
    let viewer = world.somebody(Role::Viewer).await;
    let refused = async |body: Value| {
        let problem = viewer.post(TOKENS, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        problem.fields[0].field.clone()
    };
    assert_eq!(refused(wish(app, Role::Operator, false)).await, "role");
    let at = |moment: Timestamp| json!({ "name": "ci", "role": "viewer", "expires_at": moment });
    assert_eq!(refused(at(app.now())).await, "expires_at");
    assert_eq!(refused(at(app.now().after(367 * DAY))).await, "expires_at");
    assert_eq!(
        refused(json!({ "name": "a b", "role": "viewer", "expires_at": app.now().after(DAY) })).await,
        "name"
    );
    let without = json!({ "name": "ci", "role": "viewer" });
    viewer.post(TOKENS, without).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let made = make(app, &viewer, Role::Viewer, false).await;
    app.clock.advance(30 * DAY);
    call(app, made.token.expose(), Method::GET, "/api/v1/hosts", None)
        .await
        .problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_who_revokes_it_may() {
    let world = World::new().await;
    let app = &world.app;
    let (viewer, operator) = (world.somebody(Role::Viewer).await, world.somebody(Role::Operator).await);
    let made = make(app, &viewer, Role::Viewer, false).await;
    let path = format!("{TOKENS}/{}", made.api_token.id);
    operator.delete(&path).await.problem(StatusCode::NOT_FOUND);
    call(app, made.token.expose(), Method::GET, "/api/v1/hosts", None).await.expect(StatusCode::OK);
    world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    call(app, made.token.expose(), Method::GET, "/api/v1/hosts", None)
        .await
        .problem(StatusCode::UNAUTHORIZED);
    viewer.delete(&path).await.problem(StatusCode::NOT_FOUND);
    assert!(app.audited().await.contains(&Action::ApiTokenRevoke));
}

#[tokio::test]
async fn use_is_noted_once_a_minute_and_lists_show_ones_own() {
    let world = World::new().await;
    let app = &world.app;
    let viewer = world.somebody(Role::Viewer).await;
    let made = make(app, &viewer, Role::Viewer, false).await;
    let seen = async |client: &Client, path: &str| -> Vec<ApiToken> {
        client.get(path).await.json::<Page<ApiToken>>().items
    };
    let first = app.now();
    for _ in 0..3 {
        call(app, made.token.expose(), Method::GET, "/api/v1/hosts", None).await.expect(StatusCode::OK);
        app.clock.advance(Duration::from_secs(20));
    }
    let own = seen(&viewer, TOKENS).await;
    assert_eq!((own.len(), own[0].last_used_at), (1, Some(first)));
    assert_eq!(own[0].last_address.as_deref(), Some("192.0.2.1"));
    call(app, made.token.expose(), Method::GET, "/api/v1/hosts", None).await.expect(StatusCode::OK);
    assert_eq!(seen(&viewer, TOKENS).await[0].last_used_at, Some(app.now()));
    assert!(seen(&world.admin, TOKENS).await.is_empty());
    assert_eq!(seen(&world.admin, "/api/v1/api-tokens?all=true").await[0].maker, "viewer");
    assert_eq!(seen(&world.somebody(Role::Operator).await, "/api/v1/api-tokens?all=true").await, []);
}

#[tokio::test]
async fn a_cookie_beside_a_token_counts_for_nothing() {
    let World { app, admin, .. } = World::new().await;
    let made = make(&app, &admin, Role::Viewer, false).await;
    let mut request = admin.request(Method::GET, "/api/v1/audit", None);
    let value = format!("Bearer {}", made.token.expose());
    request.headers_mut().insert(header::AUTHORIZATION, value.parse().unwrap());
    admin.send(request).await.problem(StatusCode::FORBIDDEN);
    let mut request = admin.request(Method::GET, "/api/v1/audit", None);
    request.headers_mut().insert(header::AUTHORIZATION, "Basic cHJveHk6eA==".parse().unwrap());
    admin.send(request).await.expect(StatusCode::OK);
}
