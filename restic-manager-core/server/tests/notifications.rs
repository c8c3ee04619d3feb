//! What happened is told, once, to whom it concerns; and what cannot be told is seen.

use core::time::Duration;
use http::StatusCode;
use restic_manager_proto::{
    AlertId, ChannelId, HostId, NoticeId, RepositoryId, Timestamp,
    api::{
        Page,
        alerts::Alert,
        channels::{Channel, Delivery},
        routes::Explanation,
    },
    vocabulary::{AlertKind, DeliveryState, NoticeKind, Severity},
};
use restic_manager_server::Outcome;
use restic_manager_store::{
    Audit,
    alerts::{AlertSubject, NewAlert},
    deliveries::Notice,
};
use serde_json::json;

use crate::{
    one_handle::HeldClock,
    support::{App, Background, Client, PASSWORD},
    world::{enrol, make_channel},
};

const MINUTE: Duration = Duration::from_secs(60);

/// What a rule finds about a subject.
fn finding(app: &App, number: u32, kind: AlertKind, subject: AlertSubject) -> NewAlert {
    let mut entropy = [0; 10];
    entropy[..4].copy_from_slice(&number.to_be_bytes());
    NewAlert {
        id: AlertId::from_parts(app.now(), entropy),
        kind,
        severity: Severity::Critical,
        subject,
        subject_name: format!("web-{number}"),
        summary: "It did not go well.".to_owned(),
        detail: json!({}),
        host: None,
        repository: None,
        job: None,
        evidence: String::new(),
        cause: None,
        moment: app.now(),
    }
}

/// Raises alerts as the server does: with what is to be told, in one transaction.
async fn raise(app: &App, findings: &[NewAlert]) {
    let _clock = HeldClock::new();
    let mut transaction = app.store.begin().await.unwrap();
    for found in findings {
        transaction.alerts().raise(found).await.unwrap();
        let id = NoticeId::from_bytes(*found.id.as_bytes());
        let notice = Notice { id, alert: found.id, event: NoticeKind::Raised, moment: found.moment };
        transaction.deliveries().note(&notice).await.unwrap();
    }
    transaction.commit(Audit::Routine("a fixture")).await.unwrap();
}

async fn enrolled(app: &App) -> HostId {
    let _clock = HeldClock::new();
    enrol(app, "web-1").await
}

fn about_host(app: &App, number: u32, host: HostId) -> NewAlert {
    finding(app, number, AlertKind::CheckFailed, AlertSubject::new("host", host))
}

async fn deliveries(admin: &Client) -> Vec<Delivery> {
    admin.get("/api/v1/deliveries?limit=500").await.json::<Page<Delivery>>().items
}

async fn channel(admin: &Client, id: ChannelId) -> Channel {
    admin.get(&format!("/api/v1/channels/{id}")).await.expect(StatusCode::OK).json()
}

/// Waits until rounds have asked routes and written messages, as many as are expected.
async fn until_queued(admin: &Client, count: usize) -> Vec<Delivery> {
    for _ in 0..1000 {
        let queued = deliveries(admin).await;
        if queued.len() >= count {
            return queued;
        }
        let _passed = tokio::time::timeout(Duration::from_secs(1), core::future::pending::<()>()).await;
    }
    panic!("nothing was queued: {:?}", deliveries(admin).await)
}

/// Waits until what was sent is noted as delivered: the next message of its group counts from that moment on.
async fn until_settled(admin: &Client) {
    for _ in 0..1000 {
        if deliveries(admin).await.iter().all(|one| one.state == DeliveryState::Delivered) {
            return;
        }
        let _passed = tokio::time::timeout(Duration::from_secs(1), core::future::pending::<()>()).await;
    }
    panic!("it is not settled: {:?}", deliveries(admin).await)
}

/// Lets rounds pass, none of which is expected to tell anything.
async fn nothing_more(app: &App) {
    let rounds = Duration::from_secs(30);
    let _passed = tokio::time::timeout(rounds, core::future::pending::<()>()).await;
    assert_eq!(app.heard.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_told_once_and_so_is_its_end() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let host = enrolled(&app).await;
    let found = about_host(&app, 1, host);
    raise(&app, core::slice::from_ref(&found)).await;
    let [queued] = until_queued(&admin, 1).await.try_into().unwrap();
    assert_eq!(
        queued.due_at,
        Some(app.now().after(Duration::from_secs(30))),
        "it waits for more of its kind"
    );
    nothing_more(&app).await;
    app.clock.advance(Duration::from_secs(30));
    let message = app.heard.next().await;
    assert_eq!((message.id.as_str(), message.kind), (queued.id.to_string().as_str(), NoticeKind::Raised));
    assert_eq!(message.title, "web-1: check failed");
    assert!(message.body.contains("What to do:"), "{}", message.body);
    assert_eq!(message.link, format!("https://backup.example.com/alerts/{}", found.id));
    nothing_more(&app).await;
    admin.post(&format!("/api/v1/alerts/{}/resolve", found.id), json!({})).await.expect(StatusCode::OK);
    until_queued(&admin, 2).await;
    app.clock.advance(5 * MINUTE);
    let over = app.heard.next().await;
    assert_eq!((over.kind, over.title.as_str()), (NoticeKind::Resolved, "Over: web-1: check failed"));
    nothing_more(&app).await;
    assert!(
        deliveries(&admin).await.iter().all(|one| one.state == DeliveryState::Delivered && one.attempts == 1)
    );
}

/// A rule of the server itself, and not of a test, notes what is to be told.
#[tokio::test(start_paused = true)]
async fn what_the_server_finds_is_told() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let stolen = app.sign_in("alice", crate::support::PASSWORD).await;
    let mut moved_on = stolen.clone();
    app.clock.advance(60 * MINUTE);
    moved_on.browse("/api/v1/hosts").await.expect(StatusCode::OK);
    moved_on.browse("/api/v1/hosts").await.expect(StatusCode::OK);
    app.clock.advance(MINUTE);
    stolen.get("/api/v1/hosts").await.problem(StatusCode::UNAUTHORIZED);
    let admin = app.sign_in("alice", crate::support::PASSWORD).await;
    until_queued(&admin, 1).await;
    app.clock.advance(MINUTE);
    assert_eq!(app.heard.next().await.items[0].kind, AlertKind::TokenReplay);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_hosts_at_once_are_one_notification() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let repository = RepositoryId::from_bytes([9; 16]);
    for batch in 0..20 {
        let host = |number: u32| {
            HostId::from_parts(app.now(), u128::from(number).to_be_bytes()[6..].try_into().unwrap())
        };
        let found = |number| {
            finding(
                &app,
                number,
                AlertKind::CheckFailed,
                AlertSubject::new("attachment", format!("{}/{repository}", host(number))),
            )
        };
        let findings: Vec<_> = (batch * 500..(batch + 1) * 500).map(found).collect();
        raise(&app, &findings).await;
    }
    let counted = async {
        loop {
            let queued = until_queued(&admin, 1).await;
            assert_eq!(queued.len(), 1, "one message, however many hosts");
            if queued[0].count == 10_000 {
                return queued;
            }
            let _passed = tokio::time::timeout(Duration::from_secs(1), core::future::pending::<()>()).await;
        }
    };
    let queued = counted.await;
    assert_eq!(queued[0].alerts.len(), 20);
    app.clock.advance(MINUTE);
    let message = app.heard.next().await;
    assert_eq!(message.count, 10_000);
    assert!(
        message.title.starts_with("10000 alerts, check failed (web-0, web-1, web-2, …)"),
        "{}",
        message.title
    );
    assert!(message.body.len() < 4096, "{}", message.body.len());
    nothing_more(&app).await;
    assert!(app.store.read().await.unwrap().deliveries().notices(1).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_channel_has_few_messages_waiting_however_much_happens() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let about = |number: u32| {
        AlertSubject::new("repository", RepositoryId::from_parts(app.now(), [number as u8; 10]))
    };
    let findings: Vec<_> =
        (0..200).map(|number| finding(&app, number, AlertKind::CheckFailed, about(number))).collect();
    raise(&app, &findings).await;
    let queued = until_queued(&admin, 31).await;
    assert_eq!(queued.len(), 31);
    let mut counts: Vec<u64> = queued.iter().map(|one| one.count).collect();
    counts.sort_unstable();
    assert_eq!((counts[0], counts[30]), (1, 170));
    assert_eq!(counts.iter().sum::<u64>(), 200, "nothing is lost");
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_comes_again_with_the_same_id() {
    let (app, admin) = App::at_work().await;
    let id = make_channel(&admin, "Ops").await;
    app.heard.answers([Outcome::again("no"), Outcome::again("not now")]);
    let host = enrolled(&app).await;
    raise(&app, &[about_host(&app, 1, host)]).await;
    until_queued(&admin, 1).await;
    app.clock.advance(Duration::from_secs(30));
    let first = app.heard.next().await;
    nothing_more(&app).await;
    app.clock.advance(Duration::from_secs(5));
    let second = app.heard.next().await;
    nothing_more(&app).await;
    let waiting = deliveries(&admin).await.remove(0);
    assert_eq!((waiting.attempts, waiting.answer.as_deref()), (2, Some("not now")));
    assert_eq!(waiting.due_at, Some(app.now().after(MINUTE)));
    let failing = channel(&admin, id).await;
    assert_eq!((failing.trouble.as_deref(), failing.delivered_at), (Some("not now"), None));
    app.clock.advance(MINUTE);
    let third = app.heard.next().await;
    assert_eq!((&first.id, &second.id), (&third.id, &third.id));
    nothing_more(&app).await;
    assert_eq!(deliveries(&admin).await[0].state, DeliveryState::Delivered);
    let works = channel(&admin, id).await;
    assert_eq!((works.trouble, works.failing_since, works.delivered_at), (None, None, Some(app.now())));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_fails_is_told_through_the_others() {
    let (app, admin) = App::at_work().await;
    let broken = make_channel(&admin, "Broken").await;
    let other = make_channel(&admin, "Other").await;
    let body = json!({ "name": "Broken first", "place": 1, "rule": { "channels": [broken] } });
    admin.post("/api/v1/notification-routes", body).await.expect(StatusCode::CREATED);
    let host = enrolled(&app).await;
    app.heard.answers((0..9).map(|_| Outcome::again("no route to host")));
    raise(&app, &[about_host(&app, 1, host)]).await;
    until_queued(&admin, 1).await;
    for seconds in [30, 5, 60, 300, 900, 3600] {
        app.clock.advance(Duration::from_secs(seconds));
        app.heard.next().await;
        nothing_more(&app).await;
    }
    nothing_more(&app).await;
    let open: Page<Alert> = admin.get("/api/v1/alerts?kind=channel-failing&state=open").await.json();
    assert_eq!(open.items.len(), 1, "it is seen on the page, though nobody else could be told");
    assert_eq!(open.items[0].subject, "Broken");
    assert!(open.items[0].summary.contains("no route to host"), "{}", open.items[0].summary);
    let body =
        json!({ "name": "Others", "place": 0, "rule": { "channels": [other, broken], "goes_on": true } });
    admin.post("/api/v1/notification-routes", body).await.expect(StatusCode::CREATED);
    let explained: Explanation =
        admin.post("/api/v1/notification-routes/explain", json!({ "kind": "channel-failing" })).await.json();
    assert_eq!(explained.routes.len(), 2);
    // The channel is mended: what waits is delivered, and that is the end of it.
    app.heard.answers.lock().unwrap().clear();
    app.clock.advance(Duration::from_secs(4 * 60 * 60));
    app.heard.next().await;
    nothing_more(&app).await;
    let open: Page<Alert> = admin.get("/api/v1/alerts?kind=channel-failing&state=open").await.json();
    assert!(open.items.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_wants_nothing_more_is_sent_nothing_more() {
    let (app, admin) = App::at_work().await;
    let id = make_channel(&admin, "Ops").await;
    app.heard.answers([Outcome::Gone { why: "HTTP status 410".to_owned() }]);
    let host = enrolled(&app).await;
    raise(&app, &[about_host(&app, 1, host)]).await;
    until_queued(&admin, 1).await;
    app.clock.advance(MINUTE);
    app.heard.next().await;
    nothing_more(&app).await;
    assert!(!channel(&admin, id).await.enabled);
    assert_eq!(deliveries(&admin).await[0].state, DeliveryState::Failed);
    let open: Page<Alert> = admin.get("/api/v1/alerts?kind=channel-failing&state=open").await.json();
    assert_eq!(open.items.len(), 1);
    admin.post(&format!("/api/v1/channels/{id}/test"), json!({})).await.problem(StatusCode::CONFLICT);
}

#[tokio::test(start_paused = true)]
async fn a_test_goes_the_way_of_every_notification_and_tells_at_once() {
    let (app, admin) = App::at_work().await;
    let id = make_channel(&admin, "Ops").await;
    let queued: Delivery = admin
        .post(&format!("/api/v1/channels/{id}/test"), json!({}))
        .await
        .expect(StatusCode::ACCEPTED)
        .json();
    let message = app.heard.next().await;
    assert_eq!((message.kind, message.id), (NoticeKind::Test, queued.id.to_string()));
    app.heard.answers([Outcome::again("wrong token")]);
    admin.post(&format!("/api/v1/channels/{id}/test"), json!({})).await.expect(StatusCode::ACCEPTED);
    app.heard.next().await;
    nothing_more(&app).await;
    let failed = deliveries(&admin).await.remove(0);
    assert_eq!((failed.state, failed.answer.as_deref()), (DeliveryState::Failed, Some("wrong token")));
}

#[tokio::test(start_paused = true)]
async fn what_a_server_did_not_tell_the_next_one_does() {
    let (app, admin) = App::with_admin().await;
    make_channel(&admin, "Ops").await;
    let host = enrolled(&app).await;
    raise(&app, &[about_host(&app, 1, host)]).await;
    let next = app.restarted_with(Background::Runs).await;
    let admin = next.sign_in("alice", crate::support::PASSWORD).await;
    until_queued(&admin, 1).await;
    next.clock.advance(MINUTE);
    assert_eq!(next.heard.next().await.count, 1);
    nothing_more(&next).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_takes_on_is_told_again_the_next_day() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let found = finding(&app, 1, AlertKind::CheckFailed, AlertSubject::server());
    raise(&app, core::slice::from_ref(&found)).await;
    until_queued(&admin, 1).await;
    app.clock.advance(MINUTE);
    assert_eq!(app.heard.next().await.kind, NoticeKind::Raised);
    until_settled(&admin).await;
    let day = 24 * 60 * MINUTE;
    app.clock.advance(day);
    let admin = app.sign_in("alice", PASSWORD).await;
    until_queued(&admin, 2).await;
    app.clock.advance(MINUTE);
    let again = app.heard.next().await;
    assert_eq!((again.kind, again.title.as_str()), (NoticeKind::Reminder, "Still: web-1: check failed"));
    let path = format!("/api/v1/alerts/{}/acknowledge", found.id);
    admin.post(&path, json!({})).await.expect(StatusCode::OK);
    app.clock.advance(day);
    nothing_more(&app).await;
    app.clock.advance(MINUTE);
    nothing_more(&app).await;
}

#[tokio::test(start_paused = true)]
async fn a_digest_comes_at_its_minute_whatever_happened() {
    let (app, admin) = App::at_work().await;
    let id = make_channel(&admin, "Ops").await;
    let body =
        json!({ "name": "Daily", "rule": { "channels": [id], "timing": "daily", "zone": "Europe/Berlin" } });
    admin.post("/api/v1/notification-routes", body).await.expect(StatusCode::CREATED);
    let host = enrolled(&app).await;
    raise(&app, &[about_host(&app, 1, host)]).await;
    let seven: Timestamp = "2026-11-22T06:00:00Z".parse().unwrap();
    assert_eq!(until_queued(&admin, 1).await[0].due_at, Some(seven));
    nothing_more(&app).await;
    app.clock.set(seven);
    let digest = app.heard.next().await;
    assert_eq!((digest.kind, digest.count), (NoticeKind::Digest, 1));
    until_queued(&admin, 2).await;
    app.clock.set(seven.after(Duration::from_secs(24 * 60 * 60)));
    let next = app.heard.next().await;
    assert_eq!(
        (next.kind, next.count),
        (NoticeKind::Digest, 0),
        "silence would look like a server that died"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silence_keeps_it_from_being_told_and_not_from_being_seen() {
    let (app, admin) = App::at_work().await;
    make_channel(&admin, "Ops").await;
    let host = enrolled(&app).await;
    let matcher = json!({ "scope": { "kind": "tags", "tags": ["linux"] } });
    let body =
        json!({ "matcher": matcher, "until": app.now().after(60 * MINUTE), "reason": "Storage is moved" });
    admin.post("/api/v1/silences", body).await.expect(StatusCode::CREATED);
    raise(
        &app,
        &[about_host(&app, 1, host), finding(&app, 2, AlertKind::CheckFailed, AlertSubject::server())],
    )
    .await;
    until_queued(&admin, 1).await;
    app.clock.advance(MINUTE);
    let message = app.heard.next().await;
    assert_eq!((message.count, message.items[0].subject.as_str()), (1, "web-2"));
    let open: Page<Alert> = admin.get("/api/v1/alerts?state=open").await.json();
    assert_eq!(open.items.len(), 2);
}
