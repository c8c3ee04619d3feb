//! Walks the table of routes: what it says about each row is what happens.

use core::time::Duration;
use http::{Method, StatusCode, header};
use restic_manager_proto::{
    api::{self, Answer, Code, factors::Factors, session::Session},
    vocabulary::Role,
};
use restic_manager_server::{Access, Audited, ProofAge, ROUTES, Route};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use crate::{
    api_tokens,
    authenticator::Authenticator,
    factors, passkeys,
    support::{App, Client, PASSWORD},
    world::{World, list_snapshot},
};

#[tokio::test]
async fn nobody_without_the_role_gets_past_the_door() {
    let world = World::new().await;
    let callers = [
        (None, world.app.anonymous()),
        (Some(Role::Viewer), world.somebody(Role::Viewer).await),
        (Some(Role::Operator), world.somebody(Role::Operator).await),
    ];
    for route in ROUTES {
        for (role, client) in &callers {
            let expected = match (route.access, role) {
                (Access::Public | Access::Agent, _) => continue,
                // Without a token or a network for metrics, the row is not there.
                (Access::Scraper, _) => StatusCode::NOT_FOUND,
                (Access::Role(_) | Access::Person, None) => StatusCode::UNAUTHORIZED,
                (Access::Role(needed), Some(role)) if !role.includes(needed) => StatusCode::FORBIDDEN,
                // It would end what the rows after it need.
                (Access::Person, Some(_)) if route.name == "session.delete" => continue,
                (Access::Role(_) | Access::Person, Some(_)) => {
                    let answer = knock(client, route).await;
                    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&answer.status);
                    assert!(!refused, "{role:?} was refused {}: {}", route.name, answer.text());
                    continue;
                }
            };
            let answer = knock(client, route).await;
            assert_eq!(answer.status, expected, "{role:?} on {}: {}", route.name, answer.text());
        }
    }
}

#[tokio::test]
async fn every_change_by_cookie_needs_the_csrf_token() {
    let world = World::new().await;
    let forged = Client { csrf: None, ..world.admin.clone() };
    for route in ROUTES.iter().filter(|route| !route.method.is_safe()) {
        if let Access::Role(_) | Access::Person = route.access {
            knock(&forged, route).await.problem(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test]
async fn dangerous_rows_ask_for_a_recent_proof() {
    let world = World::new().await;
    world.app.clock.advance(Duration::from_secs(10 * 60));
    let marked: Vec<&Route> = ROUTES.iter().filter(|route| route.proof == ProofAge::Recent).collect();
    assert!(marked.iter().any(|route| route.name == "repositories.set-password"));
    for route in &marked {
        assert!(
            matches!(route.access, Access::Role(_) | Access::Person),
            "nobody known can prove nothing: {}",
            route.name
        );
        let answer = knock(&world.admin, route).await;
        assert_ne!(answer.status, StatusCode::FORBIDDEN, "ten minutes are fresh enough: {}", route.name);
    }
    world.app.clock.advance(Duration::from_millis(1));
    for route in marked {
        let problem = knock(&world.admin, route).await.problem(StatusCode::FORBIDDEN);
        assert_eq!(problem.code, Code::ProofNeeded, "{}", route.name);
    }
}

#[tokio::test]
async fn every_change_leaves_its_audit_entry() {
    for route in ROUTES {
        let Audited::As(action) = route.audited else {
            let computed = [
                "enrolments.script",
                "repositories.make-login",
                "restores.plan",
                "routes.explain",
                "schedules.preview",
                "setup.check",
            ];
            let reads = route.method.is_safe() || computed.contains(&route.name);
            assert!(reads, "{} changes something unaudited", route.name);
            continue;
        };
        let fresh = matches!(route.name, "bootstrap.create");
        let (app, entries, answer) = if fresh {
            let app = App::fresh().await;
            let body = json!({ "token": app.bootstrap_token, "name": "alice", "password": PASSWORD });
            let answer = app.anonymous().post(route.path, body).await;
            (app, 0, answer)
        } else {
            let world = World::new().await;
            let prepared = prepare(&world, route.name).await;
            let entries = world.app.audited().await.len();
            let answer = match prepared {
                Some((client, path, body)) => {
                    let method: Method = route.method.as_str().parse().unwrap();
                    client.send(client.request(method, &path, body)).await
                }
                None => make(&world, route).await,
            };
            (world.app, entries, answer)
        };
        assert_eq!(answer.status.as_u16(), route.status, "{}: {}", route.name, answer.text());
        assert_eq!(app.audited().await.split_off(entries), [action], "{}", route.name);
    }
}

#[tokio::test]
async fn conditional_rows_want_the_version_and_refuse_a_stale_one() {
    let world = World::new().await;
    for route in ROUTES.iter().filter(|route| route.conditional) {
        let (path, body) = example(&world, route.name);
        let body = body.unwrap();
        world.admin.put(&path, None, body.clone()).await.problem(StatusCode::PRECONDITION_REQUIRED);
        world.admin.put(&path, Some(99), body.clone()).await.problem(StatusCode::PRECONDITION_FAILED);
        let before = world.admin.get(&path).await;
        let etag = before.headers[header::ETAG].to_str().unwrap().trim_matches('"').parse().unwrap();
        let after = world.admin.put(&path, Some(etag), body.clone()).await;
        after.expect(StatusCode::OK);
        assert_ne!(after.headers[header::ETAG], before.headers[header::ETAG], "{}", route.name);
        world.admin.put(&path, Some(etag), body).await.problem(StatusCode::PRECONDITION_FAILED);
    }
}

#[tokio::test]
async fn every_row_is_described_by_the_openapi_document() {
    let app = App::fresh().await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    for route in ROUTES {
        let operation = &document["paths"][route.path][route.method.as_str().to_ascii_lowercase()];
        assert_eq!(operation["operationId"], route.name);
        assert_eq!(operation["summary"], route.summary.trim());
        assert!(operation["responses"][route.status.to_string()].is_object(), "{}", route.name);
        for parameter in route.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()) {
            let described = operation["parameters"].as_array().unwrap().iter();
            let found = described.clone().any(|one| one["name"] == parameter && one["in"] == "path");
            assert!(found, "{}: {parameter}", route.name);
        }
    }
    let limit = document["paths"]["/api/v1/hosts"]["get"]["parameters"].as_array().unwrap().iter();
    let limit = limit.clone().find(|one| one["name"] == "limit").unwrap();
    assert_eq!((&limit["schema"]["type"], &limit["required"]), (&json!("integer"), &json!(false)));
    assert!(document["components"]["schemas"]["HostPage"].is_object());
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn no_two_rows_are_alike_and_each_says_what_it_does() {
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    for route in ROUTES {
        assert!(seen.insert((route.path, route.method)), "{} {} twice", route.method, route.path);
        assert!(names.insert(route.name), "{} twice", route.name);
        assert!(route.summary.trim().ends_with('.'), "{}: {}", route.name, route.summary);
        assert!(route.path.starts_with('/') && !route.path.ends_with('/'));
        assert!(route.answer != Answer::WebSocket || route.method == api::Method::Get);
    }
}

/// Makes a request of the row's shape about things that do not exist.
async fn knock(client: &Client, route: &Route) -> crate::support::Answer {
    let id = "01932f6e-1c2d-7a4b-8e9f-0123456789ab";
    let path = route.path.split('{').map(|part| match part.split_once('}') {
        Some(("slot", rest)) => format!("everyday{rest}"),
        Some((_, rest)) => format!("{id}{rest}"),
        None => part.to_owned(),
    });
    let method: Method = route.method.as_str().parse().unwrap();
    client.send(client.request(method, &path.collect::<String>(), None)).await
}

/// What must be there before, for rows about somebody's factors and tokens: who asks, where, and with what.
async fn prepare(world: &World, name: &str) -> Option<(Client, String, Option<Value>)> {
    let (app, admin) = (&world.app, &world.admin);
    if name == "restores.create" {
        list_snapshot(app, world.host, world.repository, &"b".repeat(64)).await;
    }
    let (who, path, body) = match name {
        "factors.set-totp" => {
            let (_, body) = factors::offer(app, admin).await;
            (admin.clone(), "account/totp".to_owned(), body)
        }
        "factors.remove-totp" | "factors.renew-recovery-codes" => {
            factors::set_up(app, admin).await;
            let path = if name == "factors.remove-totp" { "account/totp" } else { "account/recovery-codes" };
            (admin.clone(), path.to_owned(), json!({}))
        }
        "factors.add-passkey" => {
            let offer = admin.get("/api/v1/account/passkeys").await.json();
            (admin.clone(), "account/passkeys".to_owned(), Authenticator::new(1).create(&offer, "Laptop"))
        }
        "factors.remove-passkey" => {
            passkeys::add(admin, 1).await;
            let own: Factors = admin.get("/api/v1/account/factors").await.json();
            (admin.clone(), format!("account/passkeys/{}", own.passkeys[0].id), Value::Null)
        }
        "factors.reset" => {
            factors::set_up(app, admin).await;
            let own: Session = admin.get("/api/v1/session").await.json();
            (admin.clone(), format!("users/{}/factors", own.user), Value::Null)
        }
        "session.second-step" => {
            let (_, codes) = factors::set_up(app, admin).await;
            let missing = factors::first_step(app, "alice").await;
            (
                app.anonymous(),
                "session/second-step".to_owned(),
                factors::with_code(&missing.pending, &codes[0]),
            )
        }
        "session.create-with-passkey" => {
            let (mut authenticator, _) = passkeys::add(admin, 1).await;
            let request = app.anonymous().get("/api/v1/session/passkey").await.json();
            (app.anonymous(), "session/passkey".to_owned(), authenticator.answer(&request))
        }
        "api-tokens.create" => {
            (admin.clone(), "api-tokens".to_owned(), api_tokens::wish(app, Role::Viewer, false))
        }
        "api-tokens.revoke" => {
            let made = api_tokens::make(app, admin, Role::Viewer, false).await;
            (admin.clone(), format!("api-tokens/{}", made.api_token.id), Value::Null)
        }
        _ => return None,
    };
    Some((who, format!("/api/v1/{path}"), Some(body).filter(|body| !body.is_null())))
}

/// Makes a request that succeeds.
async fn make(world: &World, route: &Route) -> crate::support::Answer {
    let (path, body) = example(world, route.name);
    let method: Method = route.method.as_str().parse().unwrap();
    let mut request = world.admin.request(method, &path, body);
    if route.conditional {
        let etag = world.admin.get(&path).await.headers[header::ETAG].clone();
        request.headers_mut().insert(header::IF_MATCH, etag);
    }
    world.admin.send(request).await
}

/// Path and body that succeed in a new world.
fn example(world: &World, name: &str) -> (String, Option<Value>) {
    let World {
        host,
        repository,
        spare,
        unused,
        group,
        lone_group,
        schedule,
        job,
        invitation,
        alert,
        person,
        pending_host,
        removed,
        ..
    } = world;
    let enrolment = invitation.enrolment.id;
    let (path, body) = match name {
        "session.create" => ("session".to_owned(), json!({ "name": "alice", "password": PASSWORD })),
        "session.delete" => ("session".to_owned(), Value::Null),
        "account.set-password" => {
            ("account/password".to_owned(), json!({ "current": PASSWORD, "new": "crimson kettles sing" }))
        }
        "account.end-session" => (format!("account/sessions/{}", world.elsewhere), Value::Null),
        "account.end-other-sessions" => ("account/sessions".to_owned(), Value::Null),
        "session.prove" => ("session/proof".to_owned(), json!({ "kind": "password", "password": PASSWORD })),
        "users.create" => ("users".to_owned(), json!({ "name": "carol", "role": "viewer" })),
        "users.update" => (format!("users/{person}"), json!({ "role": "viewer", "disabled": true })),
        "users.end-sessions" => (format!("users/{person}/sessions"), Value::Null),
        "users.issue-setup-link" => (format!("users/{person}/setup-link"), Value::Null),
        "users.withdraw-setup-link" => (format!("users/{person}/setup-link"), Value::Null),
        "setup.finish" => {
            ("setup".to_owned(), json!({ "token": world.setup_token, "password": "crimson kettles sing" }))
        }
        "hosts.update" => (
            format!("hosts/{host}"),
            json!({ "name": "web-9", "tags": ["a"], "presence_mode": "intermittent" }),
        ),
        "pending-hosts.accept" => {
            let key = restic_manager_crypto::PublicKey::from_bytes(crate::world::ANNOUNCED_KEY);
            let body = json!({ "fingerprint": key.fingerprint().to_string(), "host_name": "web-4" });
            (format!("pending-hosts/{pending_host}/accept"), body)
        }
        "pending-hosts.reject" => (format!("pending-hosts/{pending_host}/reject"), Value::Null),
        "hosts.purge" => (format!("hosts/{removed}/purge"), json!({ "host_name": "old-1" })),
        "registration.update" => ("registration".to_owned(), json!({ "open": true, "announce": true })),
        "hosts.rotate-token" => (format!("hosts/{host}/token"), Value::Null),
        "hosts.invite" => (format!("hosts/{host}/enrolment"), Value::Null),
        "hosts.delete" => (format!("hosts/{host}"), Value::Null),
        "attachments.set" => (format!("hosts/{host}/repositories/{unused}"), json!({})),
        "attachments.delete" => (format!("hosts/{host}/repositories/{spare}"), Value::Null),
        "enrolments.create" => ("enrolments".to_owned(), json!({ "host_name": "web-3" })),
        "enrolments.reissue" => (format!("enrolments/{enrolment}/reissue"), Value::Null),
        "enrolments.delete" => (format!("enrolments/{enrolment}"), Value::Null),
        "repositories.create" => {
            ("repositories".to_owned(), json!({ "name": "new", "location": "/srv/new" }))
        }
        "repositories.update" => (
            format!("repositories/{repository}"),
            json!({ "name": "renamed", "location": "rest:https://s.example.com/" }),
        ),
        "repositories.delete" => (format!("repositories/{unused}"), Value::Null),
        "repositories.set-password" => {
            (format!("repositories/{repository}/password"), json!({ "password": "p" }))
        }
        "repositories.set-credential" => (
            format!("repositories/{repository}/credentials/everyday"),
            json!({ "credential": { "kind": "rest", "username": "web", "password": "secret" } }),
        ),
        "repositories.test" => {
            ("connection-tests".to_owned(), json!({ "host": host, "location": "/srv/new", "password": "p" }))
        }
        "source-groups.preview-retention" => {
            (format!("source-groups/{group}/retention-preview"), json!({ "retention": { "daily": 7 } }))
        }
        "upkeep.set" => {
            (format!("repositories/{repository}/upkeep"), json!({ "forget_every_hours": 24, "parallel": 4 }))
        }
        "freezes.create" => (format!("repositories/{repository}/freezes"), json!({ "reason": "Look first" })),
        "freezes.lift" => (format!("repositories/{}/freezes/{}", world.spare, world.freeze), Value::Null),
        "attachments.remake" => (format!("hosts/{host}/repositories/{}/remake", world.spare), Value::Null),
        "upkeep.run" => (format!("repositories/{repository}/upkeep/jobs"), json!({ "kind": "check" })),
        "source-groups.create" => (
            format!("hosts/{host}/source-groups"),
            json!({ "name": "etc", "includes": ["/etc"], "repository": repository }),
        ),
        "source-groups.update" => (
            format!("source-groups/{group}"),
            json!({ "name": "etc", "includes": ["/etc"], "repository": repository }),
        ),
        "source-groups.create-from-command" => (
            format!("hosts/{host}/command-source-groups"),
            json!({ "name": "shop", "repository": repository,
                    "command": { "words": ["pg_dump", "shop"], "file_name": "shop.sql" } }),
        ),
        "source-groups.set-command" => (
            format!("source-groups/{}/command", world.command_group),
            json!({ "shell": "bash", "words": ["pg_dump shop | gzip"], "file_name": "shop.sql.gz" }),
        ),
        "hooks.set-host" => (format!("hosts/{host}/hooks"), hook()),
        "hooks.remove-host" => (format!("hosts/{host}/hooks"), Value::Null),
        "hooks.set-group" => (format!("source-groups/{group}/hooks"), hook()),
        "hooks.remove-group" => (format!("source-groups/{group}/hooks"), Value::Null),
        "source-groups.delete" => (format!("source-groups/{lone_group}"), Value::Null),
        "schedules.create" => (
            format!("hosts/{host}/schedules"),
            json!({ "name": "weekly", "cron": "0 3 * * sun", "zone": "UTC", "source_groups": [group] }),
        ),
        "schedules.update" => (
            format!("schedules/{schedule}"),
            json!({ "name": "weekly", "cron": "0 3 * * sun", "zone": "UTC", "source_groups": [group] }),
        ),
        "schedules.delete" => (format!("schedules/{schedule}"), Value::Null),
        "jobs.create" => {
            ("jobs".to_owned(), json!({ "host": host, "kind": "list-snapshots", "repository": repository }))
        }
        "restores.create" => (
            format!("hosts/{host}/restores"),
            json!({ "repository": repository, "restore": {
                "snapshot": "b".repeat(64), "paths": ["/srv"], "overwrite": "never",
                "target": { "kind": "folder", "path": "/var/restores/web" } } }),
        ),
        "jobs.cancel" => (format!("jobs/{job}/cancel"), Value::Null),
        "alerts.acknowledge" => (format!("alerts/{alert}/acknowledge"), json!({ "reason": "looked at" })),
        "alerts.resolve" => (format!("alerts/{alert}/resolve"), Value::Null),
        "maintenance.create" => {
            let until = world.app.now().after(Duration::from_secs(3600));
            let scope = json!({ "kind": "all" });
            (
                "maintenance".to_owned(),
                json!({ "scope": scope, "until": until, "reason": "Disks are replaced" }),
            )
        }
        "channels.create" => (
            "channels".to_owned(),
            json!({ "name": "ntfy", "kind": "ntfy", "fields": { "url": "https://ntfy.sh", "topic": "t" } }),
        ),
        "channels.update" => (
            format!("channels/{}", world.channel),
            json!({ "name": "Ops", "fields": { "notifier": "heard" }, "enabled": true }),
        ),
        "channels.delete" => (format!("channels/{}", world.lone_channel), Value::Null),
        "channels.test" => (format!("channels/{}/test", world.channel), Value::Null),
        "routes.create" => (
            "notification-routes".to_owned(),
            json!({ "name": "Nightly", "rule": { "channels": [world.channel], "timing": "daily" } }),
        ),
        "routes.update" => (
            format!("notification-routes/{}", world.route),
            json!({ "name": "All", "place": 7, "rule": { "channels": [world.channel] } }),
        ),
        "routes.delete" => (format!("notification-routes/{}", world.route), Value::Null),
        "silences.create" => {
            let until = world.app.now().after(Duration::from_secs(3600));
            ("silences".to_owned(), json!({ "matcher": {}, "until": until, "reason": "Storage is moved" }))
        }
        "silences.end" => (format!("silences/{}", world.silence), Value::Null),
        "maintenance.end" => (format!("maintenance/{}", world.window), Value::Null),
        other => panic!("give {other} an example here"),
    };
    (format!("/api/v1/{path}"), Some(body).filter(|body| !body.is_null()))
}

fn hook() -> Value {
    json!({ "pre": { "shell": "sh", "script": "true", "timeout_seconds": 60 } })
}

/// What the document allows is not refused for its size.
#[tokio::test]
async fn the_document_tells_the_limits_of_numbers() {
    let app = App::fresh().await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.json();
    let mut pages = 0;
    for operation in document["paths"].as_object().unwrap().values().filter_map(|path| path.get("get")) {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["name"] == "limit") {
            let schema = &parameter["schema"];
            assert_eq!((&schema["minimum"], &schema["maximum"]), (&json!(1), &json!(500)), "{operation}");
            pages += 1;
        }
    }
    assert!(pages >= 9, "{pages}");
    let speed = &document["components"]["schemas"]["Bandwidth"]["properties"]["upload_kib"];
    assert_eq!((&speed["minimum"], &speed["maximum"]), (&json!(1), &json!(4_194_304)));
    let retry = &document["components"]["schemas"]["Retry"]["properties"];
    assert_eq!((&retry["attempts"]["minimum"], &retry["attempts"]["maximum"]), (&json!(1), &json!(10)));
}

/// Who can give a secret or a place can have what is kept sent there: an open browser alone must not.
#[tokio::test]
async fn what_takes_secrets_or_places_asks_for_a_recent_proof() {
    /// What is given is the caller's own, and nothing of it is kept.
    const OWN: &[&str] = &["enrolments.script", "repositories.make-login"];
    let app = App::fresh().await;
    let document: Value = app.anonymous().get("/api/v1/openapi.json").await.json();
    let mut found = 0;
    for route in ROUTES.iter().filter(|route| matches!(route.access, Access::Role(_))) {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !OWN.contains(&route.name) && takes_a_secret_or_a_place(&document, body) {
            assert_eq!(route.proof, ProofAge::Recent, "{}", route.name);
            found += 1;
        }
    }
    assert!(found >= 5, "{found}");
}

fn takes_a_secret_or_a_place(document: &Value, schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(name, value)| match (name.as_str(), value) {
            ("$ref", Value::String(path)) => {
                let named = document.pointer(path.trim_start_matches('#')).unwrap();
                path.ends_with("/SecretText") || takes_a_secret_or_a_place(document, named)
            }
            ("properties", Value::Object(properties)) if properties.contains_key("location") => true,
            _ => takes_a_secret_or_a_place(document, value),
        }),
        Value::Array(items) => items.iter().any(|item| takes_a_secret_or_a_place(document, item)),
        _ => false,
    }
}
