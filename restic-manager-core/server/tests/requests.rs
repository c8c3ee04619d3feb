//! What bad input gets: a refusal that names what is wrong, and nothing changed.

use http::{Method, StatusCode, header};
use http_body_util::Full;
use restic_manager_proto::api::{Code, Page, hosts::Host};
use serde_json::{Value, json};

use crate::{
    support::{App, Client},
    world::World,
};

#[tokio::test]
async fn unknown_and_wrong_typed_fields_are_refused_by_name() {
    let (_app, admin) = App::with_admin().await;
    for (body, field) in [
        (json!({ "name": "a", "location": "/srv/a", "colour": "red" }), "colour"),
        (json!({ "location": "/srv/a" }), "name"),
        (json!({ "name": 7, "location": "/srv/a" }), "name"),
        (
            json!({ "name": "a", "location": "/srv/a", "everyday": { "kind": "rest", "username": 1, "password": "" } }),
            "everyday",
        ),
        (json!({ "name": "a", "location": "/srv/a", "everyday": { "kind": "carrier-pigeon" } }), "everyday"),
        (json!({ "name": "a", "location": "/srv/a", "everyday": [1] }), "everyday"),
    ] {
        let answer = admin.post("/api/v1/repositories", body.clone()).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.code, Code::Invalid);
        assert!(problem.fields[0].field.starts_with(field), "{body}: {:?}", problem.fields);
    }
    assert_eq!(admin.get("/api/v1/repositories").await.json::<Value>()["items"], json!([]));
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let (_app, admin) = App::with_admin().await;
    let body = json!({
        "host_name": "no good", "tags": ["ok", "a,b"], "include_paths": ["relative"],
        "repositories": [],
    });
    let problem = admin.post("/api/v1/enrolments", body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let fields: Vec<_> = problem.fields.iter().map(|one| one.field.as_str()).collect();
    assert_eq!(fields, ["host_name", "tags.1", "include_paths.0", "include_paths"]);
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let (_app, admin) = App::with_admin().await;
    for (content_type, body, status) in [
        ("application/json", "{", StatusCode::BAD_REQUEST),
        ("application/json", r#"["a","/srv/a",null,null]"#, StatusCode::BAD_REQUEST),
        ("application/json", "null", StatusCode::BAD_REQUEST),
        ("application/json", r#"{"name":"a","location":"/srv/a"} {}"#, StatusCode::BAD_REQUEST),
        ("application/json", "\u{feff}{}", StatusCode::BAD_REQUEST),
        ("application/json; charset=utf-8", "nonsense", StatusCode::BAD_REQUEST),
        ("text/plain", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/x-www-form-urlencoded", "name=a", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        send(&admin, content_type, body.to_owned()).await.problem(status);
    }
    let deep = format!("{{\"name\": {}", "[".repeat(100_000));
    send(&admin, "application/json", deep).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn bodies_have_limits_and_strangers_get_less() {
    let (app, admin) = App::with_admin().await;
    let padding = |bytes: usize| json!({ "name": "a".repeat(bytes), "password": "" });
    let problem = app.anonymous().post("/api/v1/session", padding(17 * 1024)).await;
    assert_eq!(problem.problem(StatusCode::PAYLOAD_TOO_LARGE).code, Code::TooLarge);
    let body = json!({ "name": "a".repeat(17 * 1024), "location": "/srv/a" });
    admin.post("/api/v1/repositories", body).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
    let body = json!({ "name": "a".repeat(4 * 1024 * 1024), "location": "/srv/a" });
    admin.post("/api/v1/repositories", body).await.problem(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn queries_are_checked_too() {
    let (_app, admin) = App::with_admin().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("colour=red", "colour"),
        ("health=splendid", "health"),
        ("after=nonsense", "after"),
        ("after=WzFd", "after"),
    ] {
        let answer = admin.get(&format!("/api/v1/hosts?{query}")).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.fields[0].field, field, "{query}");
    }
    for query in ["limit=&tag=", "text=100%25%20sure", "tag=a%3Ab&health=good", ""] {
        admin.get(&format!("/api/v1/hosts?{query}")).await.expect(StatusCode::OK);
    }
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_apart() {
    let (_app, admin) = App::with_admin().await;
    admin.get("/api/v1/hots").await.problem(StatusCode::NOT_FOUND);
    admin.get("/api/v1/hosts/").await.problem(StatusCode::NOT_FOUND);
    admin.get("/api/v1/hosts/not-an-id").await.problem(StatusCode::NOT_FOUND);
    admin.get("/api/v1/hosts/01932f6e-1c2d-7a4b-8e9f-0123456789ab").await.problem(StatusCode::NOT_FOUND);
    let problem = admin.delete("/api/v1/hosts").await.problem(StatusCode::METHOD_NOT_ALLOWED);
    assert!(problem.detail.contains("GET"), "{}", problem.detail);
    let answer = admin.delete("/api/v1/hosts").await;
    assert_eq!(answer.headers[header::ALLOW], "GET");
    let head = admin.send(admin.request(Method::HEAD, "/api/v1/hosts", None)).await;
    head.expect(StatusCode::OK);
}

#[tokio::test]
async fn if_match_is_one_version() {
    let world = World::new().await;
    let path = format!("/api/v1/hosts/{}", world.host);
    let body = json!({ "name": "web-1", "tags": [], "presence_mode": "always-on" });
    for value in ["*", "1", "\"one\"", "W/\"1\"", "\"1\", \"2\""] {
        let mut request = world.admin.request(Method::PUT, &path, Some(body.clone()));
        request.headers_mut().insert(header::IF_MATCH, value.parse().unwrap());
        world.admin.send(request).await.problem(StatusCode::BAD_REQUEST);
    }
    world.admin.put(&path, Some(1), body).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_security_headers() {
    let (_app, admin) = App::with_admin().await;
    let mut ids = std::collections::BTreeSet::new();
    for path in ["/healthz", "/api/v1/hosts", "/nowhere", "/install/agent.sh"] {
        let answer = admin.get(path).await;
        assert!(ids.insert(answer.headers["x-request-id"].to_str().unwrap().to_owned()));
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        assert!(
            answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'")
        );
        assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")));
    }
}

#[tokio::test]
async fn pages_lose_and_repeat_nothing() {
    let (app, admin) = App::with_admin().await;
    for n in 0..7 {
        crate::world::enrol(&app, &format!("host-{n}")).await;
    }
    let (mut names, mut path) = (Vec::new(), "/api/v1/hosts?limit=3".to_owned());
    loop {
        let page: Page<Host> = admin.get(&path).await.expect(StatusCode::OK).json();
        assert!(page.items.len() <= 3);
        names.extend(page.items.into_iter().map(|host| host.name));
        match page.next {
            Some(next) => path = format!("/api/v1/hosts?limit=3&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, (0..7).map(|n| format!("host-{n}")).collect::<Vec<_>>());
    let found: Page<Host> = admin.get("/api/v1/hosts?text=T-3&health=unknown").await.json();
    assert_eq!(found.items.len(), 1);
    let found: Page<Host> = admin.get("/api/v1/hosts?health=good").await.json();
    assert!(found.items.is_empty() && found.next.is_none());
}

async fn send(client: &Client, content_type: &str, body: String) -> crate::support::Answer {
    let mut request = client.request(Method::POST, "/api/v1/repositories", None).map(|_| Full::from(body));
    request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
    client.send(request).await
}

#[tokio::test]
async fn a_missing_body_is_no_empty_one() {
    let world = World::new().await;
    let credential = format!("/api/v1/repositories/{}/credentials/everyday", world.repository);
    let given = json!({ "credential": { "kind": "rest", "username": "web", "password": "secret" } });
    world.admin.put(&credential, None, given).await.expect(StatusCode::NO_CONTENT);
    let attachment = format!("/api/v1/hosts/{}/repositories/{}", world.host, world.repository);
    for path in [&credential, &attachment] {
        let request = world.admin.request(Method::PUT, path, None);
        let problem = world.admin.send(request).await.problem(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem.detail, "a body is missing");
    }
    let mut read = world.app.store.read().await.unwrap();
    let kept = read.repositories().credentials(world.repository).await.unwrap();
    assert_eq!(kept.len(), 1, "the credential is still there");
}
