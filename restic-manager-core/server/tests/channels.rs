//! Channels, routes and silences as they are set.

use http::StatusCode;
use restic_manager_proto::{
    api::{channels::Channel, routes::Explanation},
    vocabulary::Action,
};
use serde_json::json;

use crate::{support::App, world::World};

#[tokio::test]
async fn the_route_tester_says_who_would_be_told_and_why_not() {
    let world = World::new().await;
    let explain = async |body| -> Explanation {
        world.admin.post("/api/v1/notification-routes/explain", body).await.expect(StatusCode::OK).json()
    };
    let told = explain(json!({ "kind": "check-failed", "repository": world.repository })).await;
    assert_eq!(told.muted, None);
    assert_eq!((told.routes[0].verdict.as_str(), told.routes[0].channels[0].name.as_str()), ("told", "Ops"));
    let silenced = explain(json!({ "kind": "prune-failed", "host": world.host })).await;
    assert_eq!(silenced.muted.as_deref(), Some("a silence lasts that matches it"));
    assert!(silenced.routes[0].channels.is_empty() && silenced.routes[0].due_at.is_none());
    let body = json!({ "name": "All", "rule": { "channels": [world.channel], "matcher": { "severity": "critical" } } });
    let path = format!("/api/v1/notification-routes/{}", world.route);
    world.admin.put(&path, Some(1), body).await.expect(StatusCode::OK);
    let mild = explain(json!({ "kind": "check-failed", "severity": "warning" })).await;
    assert_eq!(mild.routes[0].verdict, "not severe enough");
}

#[tokio::test]
async fn secrets_of_a_channel_are_sealed_and_stay_where_they_were_set_for() {
    let (app, admin) = App::with_admin().await;
    let fields = json!({ "url": "https://ntfy.example.com", "topic": "backups" });
    let body = json!({ "name": "ntfy", "kind": "ntfy", "fields": fields, "secrets": { "token": "tk_very-secret-token" } });
    let made: Channel = admin.post("/api/v1/channels", body).await.expect(StatusCode::CREATED).json();
    assert_eq!(made.secrets, ["token"]);
    let path = format!("/api/v1/channels/{}", made.id);
    assert!(!admin.get(&path).await.text().contains("tk_very"));
    assert!(!app.is_kept("tk_very-secret-token"), "it lies in the database in clear");
    let change = |url: &str, secrets| json!({ "name": "ntfy", "fields": { "url": url, "topic": "else" }, "secrets": secrets, "enabled": true });
    admin.put(&path, Some(1), change("https://ntfy.example.com", json!({}))).await.expect(StatusCode::OK);
    let elsewhere = admin.put(&path, Some(2), change("https://evil.example.com", json!({}))).await;
    let problem = elsewhere.problem(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem.fields[0].field, "secrets.token");
    let again = change("https://evil.example.com", json!({ "token": "tk_another" }));
    admin.put(&path, Some(2), again).await.expect(StatusCode::OK);
    let entries = app.audited().await;
    assert_eq!(
        entries[entries.len() - 3..],
        [Action::ChannelCreate, Action::ChannelUpdate, Action::ChannelUpdate]
    );
    assert!(!admin.get("/api/v1/audit?limit=10").await.text().contains("tk_"));
}

#[tokio::test]
async fn wrong_channels_and_routes_are_refused_by_field() {
    let world = World::new().await;
    let refused = async |path: &str, body| {
        let problem = world
            .admin
            .post(&format!("/api/v1/{path}"), body)
            .await
            .problem(StatusCode::UNPROCESSABLE_ENTITY);
        problem.fields.into_iter().map(|field| field.field).collect::<Vec<_>>()
    };
    let body = json!({ "name": "x", "kind": "webhook", "fields": { "url": "http://0x7f.1/" }, "secrets": { "secret": "short" } });
    assert_eq!(refused("channels", body).await, ["fields.url", "secrets.secret"]);
    let body = json!({ "name": "x", "kind": "custom", "fields": { "notifier": "nobody" } });
    assert_eq!(refused("channels", body).await, ["fields.notifier"]);
    let body =
        json!({ "name": "x", "rule": { "channels": [], "zone": "Mars/Phobos", "digest_at": "25:00" } });
    assert_eq!(refused("notification-routes", body).await, ["channels", "zone", "digest_at"]);
    let body = json!({ "name": "x", "rule": { "channels": [world.host] } });
    assert_eq!(refused("notification-routes", body).await, ["channels"]);
    let problem = world
        .admin
        .delete(&format!("/api/v1/channels/{}", world.channel))
        .await
        .problem(StatusCode::CONFLICT);
    assert!(problem.detail.contains("Everything"), "{}", problem.detail);
}
