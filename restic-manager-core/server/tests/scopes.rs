//! A role bound to a part of the fleet sees and changes that part alone.

use core::time::Duration;
use http::{Method, StatusCode};
use restic_manager_proto::{
    HostId, Scope,
    api::{
        Answer as Kind, Code, Page, api_tokens::CreatedApiToken, fleet::Fleet, hosts::Host, jobs::Job,
        repositories::Repository,
    },
    vocabulary::{Action, Role},
};
use restic_manager_server::{Access, ROUTES, Route, Within};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::{
    api_tokens,
    support::{Answer, Client, PASSWORD},
    world::{World, add_user_within, enrol_tagged, make_repository},
};

/// Ids that nothing has.
const NOWHERE: &str = "01932f6e-1c2d-7a4b-8e9f-0123456789ab";

async fn somebody(world: &World, name: &str, role: Role, scope: Scope) -> Client {
    add_user_within(&world.app, name, role, scope).await;
    world.app.sign_in(name, PASSWORD).await
}

/// Somebody who may do everything, elsewhere: the world's host carries `linux`.
async fn stranger(world: &World) -> Client {
    let host = enrol_tagged(&world.app, "mine-1", &["elsewhere"]).await;
    let own = make_repository(&world.admin, "own", "/srv/own").await;
    let attach = format!("/api/v1/hosts/{host}/repositories/{own}");
    world.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    somebody(world, "stranger", Role::Admin, Scope::tags(["elsewhere"])).await
}

#[tokio::test]
async fn what_another_scope_holds_is_not_there() {
    let world = World::new().await;
    let stranger = stranger(&world).await;
    finds_nothing(&world, &stranger).await;
}

#[tokio::test]
async fn what_the_scope_of_a_token_does_not_hold_is_not_there() {
    let world = World::new().await;
    enrol_tagged(&world.app, "mine-1", &["elsewhere"]).await;
    let scope = json!({ "kind": "tags", "tags": ["elsewhere"] });
    let mut wish = api_tokens::wish(&world.app, Role::Admin, true);
    wish["scope"] = scope;
    let made: CreatedApiToken = world.admin.post("/api/v1/api-tokens", wish).await.json();
    finds_nothing(&world, &world.app.program(&made)).await;
}

/// Tries the world's ids on every row there is.
async fn finds_nothing(world: &World, stranger: &Client) {
    let mut tried = 0;
    for route in ROUTES.iter().filter(|route| matches!(route.access, Access::Role(_))) {
        if !route.path.contains('{') || route.within == Within::Own {
            continue;
        }
        let Some(path) = fill(route, |name| id_in(world, name)) else {
            let refused = knock(stranger, route, &route.path.replace(['{', '}'], "")).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}: {}", route.name, refused.text());
            continue;
        };
        let hidden = knock(stranger, route, &path).await;
        let missing = fill(route, |name| Some(if name == "slot" { "everyday" } else { NOWHERE }.to_owned()));
        let missing = knock(stranger, route, &missing.unwrap()).await;
        assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{}: {}", route.name, hidden.text());
        assert_eq!(without_request(&hidden), without_request(&missing), "{}", route.name);
        tried += 1;
    }
    assert!(tried > 20, "{tried} rows name something");
}

#[tokio::test]
async fn one_foreign_id_among_own_ones_is_enough_to_be_refused() {
    let world = World::new().await;
    let stranger = stranger(&world).await;
    let own: Page<Host> = stranger.get("/api/v1/hosts").await.json();
    let (own, foreign) = (own.items[0].id, world.repository);
    let path = format!("/api/v1/hosts/{own}/repositories/{foreign}");
    assert_eq!(
        stranger.put(&path, None, json!({})).await.problem(StatusCode::NOT_FOUND).code,
        Code::NotFound
    );
    let body = json!({ "name": "new", "includes": ["/srv"], "repository": foreign });
    stranger
        .post(&format!("/api/v1/hosts/{own}/source-groups"), body)
        .await
        .problem(StatusCode::UNPROCESSABLE_ENTITY);
    let body =
        json!({ "host_name": "mine-2", "tags": ["elsewhere"], "repositories": [{ "repository": foreign }] });
    stranger.post("/api/v1/enrolments", body).await.problem(StatusCode::NOT_FOUND);
}

/// Rows that name nothing: each is tried here by name, and a new one fails until it is.
#[tokio::test]
async fn rows_that_cut_show_and_take_nothing_of_another_scope() {
    let world = World::new().await;
    let stranger = stranger(&world).await;
    for route in ROUTES.iter().filter(|route| route.within == Within::Cut) {
        match route.name {
            "hosts.list" | "repositories.list" | "enrolments.list" | "jobs.list" | "alerts.list"
            | "maintenance.list" => {
                let text = stranger.get(route.path).await.expect(StatusCode::OK).text();
                for secret in traces(&world) {
                    assert!(!text.contains(&secret), "{} shows {secret}: {text}", route.name);
                }
            }
            "server.keeping" => {
                stranger.get(route.path).await.expect(StatusCode::OK);
            }
            "fleet.show" => {
                let fleet: Fleet = stranger.get(route.path).await.json();
                assert_eq!((fleet.hosts, fleet.jobs_queued, fleet.enrolments_open), (1, 1, 0), "{fleet:?}");
                assert_eq!(fleet.alerts_critical, 0, "{fleet:?}");
            }
            "jobs.create" => {
                let body = json!({ "host": world.host, "kind": "backup" });
                let hidden = stranger.post(route.path, body).await;
                let missing = stranger.post(route.path, json!({ "host": NOWHERE, "kind": "backup" })).await;
                assert_eq!(without_request(&hidden), without_request(&missing));
                hidden.problem(StatusCode::UNPROCESSABLE_ENTITY);
            }
            "maintenance.create" => {
                for scope in [json!({ "kind": "all" }), json!({ "kind": "hosts", "hosts": [world.host] })] {
                    let until = world.app.now().after(Duration::from_secs(60));
                    let body = json!({ "scope": scope, "until": until, "reason": "none" });
                    stranger.post(route.path, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
                }
            }
            "enrolments.create" => {
                let body = json!({ "host_name": "web-9", "tags": ["linux"] });
                stranger.post(route.path, body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
            }
            // They compute, and are the same for everybody.
            "schedules.preview" => {
                let times = json!({ "cron": "30 2 * * *", "zone": "UTC" });
                stranger.post(route.path, times).await.expect(StatusCode::OK);
            }
            "repositories.make-login" => {
                let wanted = json!({ "username": "web" });
                stranger.post(route.path, wanted).await.expect(StatusCode::OK);
            }
            "schedules.zones" => drop(stranger.get(route.path).await.expect(StatusCode::OK)),
            // Followed over a socket below.
            "events.stream" => {}
            other => panic!("show here that {other} keeps within the caller's scope"),
        }
    }
}

#[tokio::test]
async fn what_is_of_the_whole_fleet_needs_a_role_for_it() {
    let world = World::new().await;
    let viewer = somebody(&world, "admin-of-linux", Role::Admin, Scope::tags(["linux"])).await;
    viewer.get(&format!("/api/v1/repositories/{}", world.repository)).await.expect(StatusCode::OK);
    for (method, path, body) in [
        (Method::GET, "/api/v1/audit".to_owned(), None),
        (Method::POST, "/api/v1/repositories".to_owned(), Some(json!({ "name": "n", "location": "/srv/n" }))),
        (Method::DELETE, format!("/api/v1/repositories/{}", world.spare), None),
        (
            Method::PUT,
            format!("/api/v1/repositories/{}/password", world.repository),
            Some(json!({ "password": "p" })),
        ),
    ] {
        let changes = method != Method::GET;
        let before = world.app.audited().await.len();
        let refused = viewer.send(viewer.request(method, &path, body)).await.problem(StatusCode::FORBIDDEN);
        assert!(refused.detail.contains("whole fleet"), "{refused:?}");
        let audited = world.app.audited().await.split_off(before);
        assert_eq!(audited, [Action::AccessRefused][..usize::from(changes)], "{path}");
    }
}

#[tokio::test]
async fn lists_and_counts_are_those_of_the_scope() {
    let world = World::new().await;
    let berlin = enrol_tagged(&world.app, "berlin-1", &["berlin"]).await;
    let both = enrol_tagged(&world.app, "both-1", &["berlin", "linux"]).await;
    let attach = format!("/api/v1/hosts/{both}/repositories/{}", world.repository);
    world.admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    let cases = [
        ("all", Scope::All, vec![berlin, both, world.host]),
        ("tags", Scope::tags(["linux"]), vec![both, world.host]),
        ("hosts", Scope::hosts([berlin, world.host]), vec![berlin, world.host]),
        ("none", Scope::nothing(), vec![]),
    ];
    for (name, scope, expected) in cases {
        let client = somebody(&world, name, Role::Viewer, scope).await;
        let expected: BTreeSet<HostId> = expected.into_iter().collect();
        let hosts: Page<Host> = client.get("/api/v1/hosts").await.json();
        assert_eq!(hosts.items.iter().map(|host| host.id).collect::<BTreeSet<_>>(), expected, "{name}");
        let fleet: Fleet = client.get("/api/v1/fleet").await.json();
        assert_eq!(fleet.hosts, expected.len() as u64, "{name}");
        let jobs: Page<Job> = client.get("/api/v1/jobs").await.json();
        assert!(jobs.items.iter().all(|job| expected.contains(&job.host.id)), "{name}");
        assert_eq!(fleet.jobs_queued, jobs.items.len() as u64, "{name}");
        let repository = client.get(&format!("/api/v1/repositories/{}", world.repository)).await;
        let users = [both, world.host].iter().filter(|host| expected.contains(host)).count() as u64;
        if users == 0 {
            repository.problem(StatusCode::NOT_FOUND);
        } else {
            assert_eq!(repository.json::<Repository>().hosts, users, "{name}");
        }
        for host in [berlin, both, world.host] {
            let found = client.get(&format!("/api/v1/hosts/{host}")).await.status;
            assert_eq!(found == StatusCode::OK, expected.contains(&host), "{name}");
        }
    }
}

#[tokio::test]
async fn an_operator_keeps_hosts_within_the_scope() {
    let world = World::new().await;
    let operator = somebody(&world, "operator", Role::Operator, Scope::tags(["linux", "bsd"])).await;
    let path = format!("/api/v1/hosts/{}", world.host);
    let change = |tags: &[&str]| json!({ "name": "web-1", "tags": tags, "presence_mode": "always-on" });
    for foreign in [&["linux", "berlin"][..], &[], &["berlin"]] {
        let refused =
            operator.put(&path, Some(1), change(foreign)).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.fields[0].field, "tags", "{refused:?}");
    }
    operator.put(&path, Some(1), change(&["bsd"])).await.expect(StatusCode::OK);
    let invite = |tags: &[&str]| json!({ "host_name": "new-1", "tags": tags });
    for foreign in [&[][..], &["berlin"], &["linux", "berlin"]] {
        operator.post("/api/v1/enrolments", invite(foreign)).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    operator.post("/api/v1/enrolments", invite(&["linux"])).await.expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_admin_gives_the_scope_and_a_change_that_is_silent_about_it_leaves_it() {
    let world = World::new().await;
    let tags = json!({ "kind": "tags", "tags": ["berlin"] });
    let new = |scope: &Value| json!({ "name": "bea", "role": "operator", "scope": scope });
    for wrong in [
        json!({ "kind": "tags", "tags": [] }),
        json!({ "kind": "tags", "tags": ["not a tag"] }),
        json!({ "kind": "hosts", "hosts": [NOWHERE] }),
        json!({ "kind": "moon" }),
    ] {
        world.admin.post("/api/v1/users", new(&wrong)).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let made: Value = world.admin.post("/api/v1/users", new(&tags)).await.expect(StatusCode::CREATED).json();
    assert_eq!(made["user"]["scope"], tags);
    let path = format!("/api/v1/users/{}", made["user"]["id"].as_str().unwrap());
    let silent = json!({ "role": "viewer", "disabled": false });
    let changed: Value = world.admin.put(&path, Some(1), silent).await.expect(StatusCode::OK).json();
    assert_eq!(changed["scope"], tags, "nobody is widened by accident");
    let narrowed = json!({ "kind": "hosts", "hosts": [world.host] });
    let body = json!({ "role": "viewer", "disabled": false, "scope": narrowed });
    let changed: Value = world.admin.put(&path, Some(2), body).await.expect(StatusCode::OK).json();
    assert_eq!(changed["scope"], narrowed);
}

#[tokio::test]
async fn a_narrowed_scope_holds_from_the_next_request() {
    use restic_manager_store::Audit;
    let world = World::new().await;
    let viewer = somebody(&world, "viewer", Role::Viewer, Scope::tags(["linux"])).await;
    let answer = viewer.get(&format!("/api/v1/jobs/{}", world.job)).await;
    answer.expect(StatusCode::OK);
    let mut transaction = world.app.store.begin().await.unwrap();
    let user = transaction.users().named("viewer").await.unwrap().unwrap();
    let narrowed = restic_manager_store::users::User { scope: Scope::tags(["berlin"]), ..user };
    transaction.users().update(&narrowed, 1).await.unwrap();
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    viewer.get(&format!("/api/v1/jobs/{}", world.job)).await.problem(StatusCode::NOT_FOUND);
}

/// The path with every parameter filled in; nothing when it names nothing that a scope holds.
fn fill(route: &Route, id: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut path = String::new();
    for part in route.path.split('{') {
        match part.split_once('}') {
            Some((name, rest)) => path.extend([id(name)?.as_str(), rest]),
            None => path.push_str(part),
        }
    }
    Some(path)
}

/// What the world has under a parameter's name.
fn id_in(world: &World, parameter: &str) -> Option<String> {
    Some(match parameter {
        "host" => world.host.to_string(),
        "repository" => world.repository.to_string(),
        "group" => world.group.to_string(),
        "schedule" => world.schedule.to_string(),
        "job" => world.job.to_string(),
        "enrolment" => world.invitation.enrolment.id.to_string(),
        "slot" => "everyday".to_owned(),
        "alert" => world.alert.to_string(),
        "window" => world.window.to_string(),
        "freeze" => world.freeze.to_string(),
        "snapshot" => "b".repeat(64),
        "user" | "sequence" | "pending_host" | "channel" | "route" | "silence" => return None,
        other => {
            panic!("give here what another scope has under {{{other}}}, or None if it belongs to no host")
        }
    })
}

/// All by which a list would show the world's things.
fn traces(world: &World) -> Vec<String> {
    let mut traces = vec!["web-1".to_owned(), "web-2".to_owned(), "\"main\"".to_owned(), "unused".to_owned()];
    for parameter in ["host", "repository", "group", "job", "enrolment", "alert", "window"] {
        traces.extend(id_in(world, parameter));
    }
    traces
}

async fn knock(client: &Client, route: &Route, path: &str) -> Answer {
    let method: Method = route.method.as_str().parse().unwrap();
    let mut request = client.request(method, path, None);
    if route.conditional {
        request.headers_mut().insert(http::header::IF_MATCH, "\"1\"".parse().unwrap());
    }
    let answer = client.send(request).await;
    assert!(route.answer != Kind::WebSocket || answer.status != StatusCode::SWITCHING_PROTOCOLS);
    answer
}

fn without_request(answer: &Answer) -> (StatusCode, Value) {
    let mut body: Value = answer.json();
    body.as_object_mut().unwrap().remove("request_id");
    (answer.status, body)
}
