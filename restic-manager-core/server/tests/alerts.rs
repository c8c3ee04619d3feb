//! What needs somebody: found, listed, taken on, closed.

use http::StatusCode;
use restic_manager_proto::{
    api::{Page, alerts::Alert, fleet::Fleet},
    vocabulary::{Action, AlertState, Role, Severity},
};
use serde_json::json;

use crate::world::{World, raise};

#[tokio::test]
async fn an_alert_is_counted_until_somebody_takes_it_on() {
    let world = World::new().await;
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!((fleet.alerts_critical, fleet.alerts_warning, fleet.alerts_info), (1, 0, 0));
    let page: Page<Alert> = world.admin.get("/api/v1/alerts?state=open&severity=critical").await.json();
    let [alert] = page.items.as_slice() else { panic!("{page:?}") };
    assert_eq!((alert.id, alert.count, alert.state), (world.alert, 1, AlertState::Open));
    assert_eq!((alert.severity, alert.subject.as_str()), (Severity::Critical, "web-1"));
    assert_eq!(alert.subject_id, world.host.to_string());
    assert!(alert.next_step.contains("treat the host as taken over"), "{}", alert.next_step);

    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    let taken: Alert = world.admin.post(&path, json!({})).await.expect(StatusCode::OK).json();
    assert_eq!((taken.state, taken.acknowledged_by.as_deref()), (AlertState::Acknowledged, Some("alice")));
    let fleet: Fleet = world.admin.get("/api/v1/fleet").await.json();
    assert_eq!(fleet.alerts_critical, 0, "the change is seen at once");

    raise(&world.app, world.host).await;
    let again: Alert = world.admin.get(&format!("/api/v1/alerts/{}", world.alert)).await.json();
    assert_eq!((again.count, again.state), (2, AlertState::Acknowledged));
}

#[tokio::test]
async fn closing_twice_is_done_and_audited_once() {
    let world = World::new().await;
    let entries = world.app.audited().await.len();
    let path = format!("/api/v1/alerts/{}/resolve", world.alert);
    for _ in 0..2 {
        let closed: Alert = world.admin.post(&path, json!({})).await.expect(StatusCode::OK).json();
        assert_eq!((closed.state, closed.resolved_by.as_deref()), (AlertState::Resolved, Some("alice")));
    }
    assert_eq!(world.app.audited().await.split_off(entries), [Action::AlertResolve]);
    let nothing: Page<Alert> = world.admin.get("/api/v1/alerts?state=open").await.json();
    assert!(nothing.items.is_empty());
    let unknown = format!("/api/v1/alerts/{}/resolve", world.host);
    world.admin.post(&unknown, json!({})).await.problem(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_is_refused_again_and_again_does_not_fill_the_audit_log() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    for _ in 0..40 {
        viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    }
    let refused = async || {
        let audited = world.app.audited().await;
        audited.iter().filter(|action| **action == Action::AccessRefused).count()
    };
    assert_eq!(refused().await, 30);
    world.app.clock.advance(core::time::Duration::from_secs(60));
    viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    assert_eq!(refused().await, 31);
}

#[tokio::test]
async fn a_viewer_looks_and_does_not_touch() {
    let world = World::new().await;
    let viewer = world.somebody(Role::Viewer).await;
    viewer.get("/api/v1/alerts").await.expect(StatusCode::OK);
    let path = format!("/api/v1/alerts/{}/acknowledge", world.alert);
    viewer.post(&path, json!({})).await.problem(StatusCode::FORBIDDEN);
    viewer.get("/api/v1/alerts?state=sideways").await.problem(StatusCode::UNPROCESSABLE_ENTITY);
}
