//! Tokens that programs sign in with.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_proto::{
    HostId, Scope, Timestamp,
    api::{
        Code, Page,
        api_tokens::{ApiToken, CreatedApiToken},
        hosts::Host,
        session::Session,
    },
    vocabulary::{Action, ActorKind, Role},
};
use restic_manager_server::{Access, ProofAge, ROUTES};
use restic_manager_store::{Audit, PageRequest, audit::AuditScope, users::User};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::{
    support::{App, Client, PASSWORD},
    world::{World, add_user_within, enrol_tagged},
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
    assert!(made.token.expose().starts_with("rmt_"));
    let program = app.program(&made);
    let session: Session = program.get("/api/v1/session").await.json();
    assert_eq!((session.name.as_str(), session.role), ("alice", Role::Operator));
    assert_eq!(session.csrf_token.expose(), "");
    let job = json!({ "host": host, "kind": "list-snapshots", "repository": repository });
    program.post("/api/v1/jobs", job).await.expect(StatusCode::ACCEPTED);
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
            let program = app.program(token);
            program.send(program.request(method.clone(), &path, None)).await
        };
        match (route.access, route.proof) {
            (Access::Person, _) => {
                for token in [&plain, &dangerous] {
                    let problem = knock(token).await.problem(StatusCode::FORBIDDEN);
                    assert_eq!(problem.code, Code::Forbidden, "{}", route.name);
                }
            }
            (Access::Role(_), ProofAge::Recent) => {
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
        let answer = app.program(&made).get("/api/v1/session").await;
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
    app.program(&made).get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
}

fn within(app: &App, role: Role, scope: &Scope) -> Value {
    let mut wish = wish(app, role, true);
    wish["scope"] = json!(scope);
    wish
}

async fn make_within(app: &App, client: &Client, role: Role, scope: &Scope) -> CreatedApiToken {
    client.post(TOKENS, within(app, role, scope)).await.expect(StatusCode::CREATED).json()
}

async fn hosts_of(program: &Client) -> BTreeSet<HostId> {
    let page: Page<Host> = program.get("/api/v1/hosts").await.json();
    page.items.into_iter().map(|host| host.id).collect()
}

#[tokio::test]
async fn a_token_for_a_part_of_the_fleet_sees_that_part_alone() {
    let World { app, admin, host, .. } = World::new().await;
    let berlin = enrol_tagged(&app, "berlin-1", &["berlin"]).await;
    for (scope, seen) in [
        (Scope::All, vec![host, berlin]),
        (Scope::tags(["berlin"]), vec![berlin]),
        (Scope::hosts([host]), vec![host]),
    ] {
        let made = make_within(&app, &admin, Role::Admin, &scope).await;
        assert_eq!(made.api_token.scope, scope);
        let program = app.program(&made);
        assert_eq!(hosts_of(&program).await, BTreeSet::from_iter(seen), "{scope:?}");
        assert_eq!(program.get("/api/v1/session").await.json::<Session>().scope, scope);
        let whole = program.get("/api/v1/audit").await.status;
        assert_eq!(whole == StatusCode::OK, scope.is_all(), "{scope:?}");
    }
}

#[tokio::test]
async fn a_token_sees_no_more_than_its_maker_at_each_request() {
    let World { app, host, .. } = World::new().await;
    let berlin = enrol_tagged(&app, "berlin-1", &["berlin", "blue"]).await;
    let both = Scope::tags(["berlin", "linux"]);
    add_user_within(&app, "bea", Role::Operator, both.clone()).await;
    let bea = app.sign_in("bea", PASSWORD).await;
    let by_tag = make_within(&app, &bea, Role::Viewer, &Scope::tags(["berlin"])).await;
    let by_name = make_within(&app, &bea, Role::Viewer, &Scope::hosts([berlin, host])).await;
    let by_maker = make_within(&app, &bea, Role::Viewer, &Scope::All).await;
    let seen = async || {
        let mut seen = Vec::new();
        for made in [&by_tag, &by_name, &by_maker] {
            seen.push(hosts_of(&app.program(made)).await);
        }
        seen
    };
    let (one, all) = (BTreeSet::from([berlin]), BTreeSet::from([berlin, host]));
    assert_eq!(seen().await, [one.clone(), all.clone(), all.clone()]);
    change_user(&app, "bea", |user| User { scope: Scope::tags(["blue"]), ..user }).await;
    assert_eq!(seen().await, [BTreeSet::new(), one.clone(), one.clone()], "the tags have none in common");
    change_user(&app, "bea", |user| User { scope: Scope::hosts([host]), ..user }).await;
    let other = BTreeSet::from([host]);
    assert_eq!(seen().await, [BTreeSet::new(), other.clone(), other]);
    change_user(&app, "bea", |user| User { scope: Scope::hosts([host, berlin]), ..user }).await;
    assert_eq!(
        seen().await,
        [one, all.clone(), all],
        "it follows up again, and not beyond what it was made for"
    );
}

#[tokio::test]
async fn a_token_is_for_no_more_than_its_maker_sees() {
    let World { app, host, .. } = World::new().await;
    let berlin = enrol_tagged(&app, "berlin-1", &["berlin"]).await;
    add_user_within(&app, "bea", Role::Admin, Scope::tags(["berlin"])).await;
    let bea = app.sign_in("bea", PASSWORD).await;
    for scope in [
        Scope::tags(["berlin", "linux"]),
        Scope::hosts([berlin, host]),
        Scope::hosts([HostId::from_bytes([1; 16])]),
        Scope::Tags { tags: BTreeSet::new() },
        Scope::tags(["not a tag"]),
    ] {
        let refused = bea.post(TOKENS, within(&app, Role::Viewer, &scope)).await;
        let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, "scope", "{scope:?}");
    }
    make_within(&app, &bea, Role::Viewer, &Scope::hosts([berlin])).await;
}

#[tokio::test]
async fn an_admin_of_a_part_sees_and_revokes_ones_own_alone() {
    let World { app, admin, .. } = World::new().await;
    let foreign = make(&app, &admin, Role::Viewer, false).await;
    add_user_within(&app, "bea", Role::Admin, Scope::tags(["linux"])).await;
    let bea = app.sign_in("bea", PASSWORD).await;
    let own = make(&app, &bea, Role::Viewer, false).await;
    let listed: Page<ApiToken> = bea.get("/api/v1/api-tokens?all=true").await.json();
    assert_eq!(listed.items.iter().map(|token| token.id).collect::<Vec<_>>(), [own.api_token.id]);
    bea.delete(&format!("{TOKENS}/{}", foreign.api_token.id)).await.problem(StatusCode::NOT_FOUND);
    app.program(&foreign).get("/api/v1/hosts").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_and_who_revokes_it_may() {
    let world = World::new().await;
    let app = &world.app;
    let (viewer, operator) = (world.somebody(Role::Viewer).await, world.somebody(Role::Operator).await);
    let made = make(app, &viewer, Role::Viewer, false).await;
    let path = format!("{TOKENS}/{}", made.api_token.id);
    operator.delete(&path).await.problem(StatusCode::NOT_FOUND);
    app.program(&made).get("/api/v1/hosts").await.expect(StatusCode::OK);
    world.admin.delete(&path).await.expect(StatusCode::NO_CONTENT);
    app.program(&made).get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
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
        app.program(&made).get("/api/v1/hosts").await.expect(StatusCode::OK);
        app.clock.advance(Duration::from_secs(20));
    }
    let own = seen(&viewer, TOKENS).await;
    assert_eq!((own.len(), own[0].last_used_at), (1, Some(first)));
    assert_eq!(own[0].last_address.as_deref(), Some("192.0.2.1"));
    app.program(&made).get("/api/v1/hosts").await.expect(StatusCode::OK);
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
