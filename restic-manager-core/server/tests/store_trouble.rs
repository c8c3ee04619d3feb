//! What a caller notices when the database is busy, gone or slow.

use async_trait::async_trait;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use futures_util::FutureExt as _;
use http::{StatusCode, header};
use restic_manager_proto::api::Code;
use restic_manager_store::{
    Audit, Error, ErrorKind, PasswordHash, Read, SealedBlob, Soundness, Store, Transaction, factors::Totp,
    users::User,
};
use restic_manager_testkit::patiently;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};
use tokio::{sync::Semaphore, task};

use crate::{
    support::{Answer, App, Background, Client, PASSWORD},
    world::{enrol, make_repository, raise},
};

/// A database with a door that may be stuck.
struct Troubled {
    inner: Arc<dyn Store>,
    /// So many changes fail, with this kind.
    failures: AtomicU32,
    kind: Mutex<ErrorKind>,
    /// Changes pass one by one while it has permits.
    gate: Semaphore,
    /// Changes that came to the gate.
    arrived: AtomicU32,
    /// Whether looks panic, as a mistake in a use case would.
    panics: AtomicBool,
    /// Whether looks fail in a task that has begun a change.
    is_blind_after: AtomicBool,
    changed: Mutex<HashSet<task::Id>>,
}

#[async_trait]
impl Store for Troubled {
    async fn read(&self) -> Result<Box<dyn Read>, Error> {
        assert!(!self.panics.load(Ordering::SeqCst), "a mistake");
        let has_changed = task::try_id().is_some_and(|task| self.changed.lock().unwrap().contains(&task));
        if has_changed && self.is_blind_after.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "a look"));
        }
        self.inner.read().await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, Error> {
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.changed.lock().unwrap().extend(task::try_id());
        let _pass = self.gate.acquire().await.unwrap();
        let left = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(Error::new(*self.kind.lock().unwrap(), "a change"));
        }
        self.inner.begin().await
    }

    async fn inspect(&self) -> Result<Soundness, Error> {
        self.inner.inspect().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.inner.close().await
    }
}

async fn troubled(background: Background) -> (Arc<Troubled>, App, Client) {
    let (send, made) = std::sync::mpsc::channel();
    let around = |inner: Arc<dyn Store>| -> Arc<dyn Store> {
        let store = Arc::new(Troubled {
            inner,
            failures: AtomicU32::new(0),
            kind: Mutex::new(ErrorKind::Contention),
            gate: Semaphore::new(1),
            arrived: AtomicU32::new(0),
            panics: AtomicBool::new(false),
            is_blind_after: AtomicBool::new(false),
            changed: Mutex::default(),
        });
        send.send(Arc::clone(&store)).unwrap();
        store
    };
    let app = App::over(around, |_| {}, background).await;
    let store = made.recv().unwrap();
    app.make_admin().await;
    let admin = app.sign_in("alice", PASSWORD).await;
    (store, app, admin)
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_run_again_and_nobody_notices() {
    let (store, _app, admin) = troubled(Background::Rests).await;
    store.failures.store(3, Ordering::SeqCst);
    admin.post("/api/v1/enrolments", json!({ "host_name": "web-1" })).await.expect(StatusCode::CREATED);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_is_said_so_and_comes_back() {
    let (store, _app, admin) = troubled(Background::Rests).await;
    for (kind, failures) in [(ErrorKind::Contention, 10), (ErrorKind::Unavailable, 1)] {
        *store.kind.lock().unwrap() = kind;
        store.failures.store(failures, Ordering::SeqCst);
        let body = json!({ "host_name": "web-1" });
        let answer = admin.post("/api/v1/enrolments", body.clone()).await;
        assert_eq!(answer.problem(StatusCode::SERVICE_UNAVAILABLE).code, Code::Unavailable);
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
        assert!(!answer.text().contains("a change"), "the database's own words stay in the log");
        admin.post("/api/v1/enrolments", body).await.expect(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let (store, _app, admin) = troubled(Background::Rests).await;
    store.gate.forget_permits(1);
    let arrived = store.arrived.load(Ordering::SeqCst);
    let time_passes = async {
        while store.arrived.load(Ordering::SeqCst) == arrived {
            task::yield_now().await;
        }
        tokio::time::pause();
        tokio::time::advance(core::time::Duration::from_secs(31)).await;
    };
    let asking = admin.post("/api/v1/enrolments", json!({ "host_name": "web-1" }));
    let (answer, ()) = tokio::join!(asking, time_passes);
    assert_eq!(answer.problem(StatusCode::GATEWAY_TIMEOUT).code, Code::Timeout);
    store.gate.add_permits(1);
}

#[tokio::test]
async fn a_damaged_database_tells_strangers_nothing() {
    let (store, _app, admin) = troubled(Background::Rests).await;
    *store.kind.lock().unwrap() = ErrorKind::Corrupt;
    store.failures.store(1, Ordering::SeqCst);
    let answer = admin.post("/api/v1/enrolments", json!({ "host_name": "web-1" })).await;
    assert_eq!(answer.problem(StatusCode::INTERNAL_SERVER_ERROR).code, Code::Internal);
    assert!(!answer.text().contains("a change"));
}

/// Lets a request make one change and holds it before the next, while something else happens.
async fn between_changes(
    store: &Troubled,
    request: impl Future<Output = Answer>,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let mut request = Box::pin(request);
    let mut wait = async |arrivals: u32| {
        while store.arrived.load(Ordering::SeqCst) < arrivals {
            assert!(request.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
    };
    let before = store.arrived.load(Ordering::SeqCst);
    let first = store.gate.acquire().await.unwrap();
    wait(before + 1).await;
    // Who asks for the gate now has it before the request's next change.
    let mut second = Box::pin(store.gate.acquire());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    let second = second.await.unwrap();
    wait(before + 2).await;
    meanwhile.await;
    drop(second);
    request.await
}

#[tokio::test]
async fn what_changes_while_a_password_is_hashed_counts() {
    let (store, app, _admin) = troubled(Background::Rests).await;
    let change = async |change: &dyn Fn(User) -> User| {
        let mut transaction = app.store.begin().await.unwrap();
        let user = transaction.users().named("alice").await.unwrap().unwrap();
        let (version, changed) = (user.version, change(user));
        transaction.users().update(&changed, version).await.unwrap();
        transaction.users().set_password(changed.id, &changed.password, app.now()).await.unwrap();
        transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    };
    let knock = async || {
        let body = json!({ "name": "alice", "password": PASSWORD });
        app.anonymous().post("/api/v1/session", body).await
    };
    let nothing = between_changes(&store, knock(), async {}).await;
    nothing.expect(StatusCode::CREATED);
    let disabled = change(&|user| User { disabled: true, ..user });
    between_changes(&store, knock(), disabled).await.problem(StatusCode::UNAUTHORIZED);
    let hash = app.store.read().await.unwrap().users().named("alice").await.unwrap().unwrap().password;
    change(&|user| User { disabled: false, ..user }).await;
    let other = change(&|user| User { password: PasswordHash::new("another"), ..user });
    between_changes(&store, knock(), other).await.problem(StatusCode::UNAUTHORIZED);
    change(&|user| User { password: hash.clone(), ..user }).await;

    let factor = async {
        let user = app.store.read().await.unwrap().users().named("alice").await.unwrap().unwrap();
        let totp = Totp {
            user: user.id,
            secret: SealedBlob::new(vec![1]),
            created: app.now(),
            last_step: 0,
            last_used: None,
        };
        let mut transaction = app.store.begin().await.unwrap();
        transaction.factors().set_totp(&totp).await.unwrap();
        transaction.commit(Audit::Routine("a fixture")).await.unwrap();
    };
    between_changes(&store, knock(), factor).await.problem(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_half_of_a_change() {
    let (store, app, admin) = troubled(Background::Rests).await;
    let closed = store.gate.acquire().await.unwrap();
    let mut request =
        Box::pin(admin.post("/api/v1/repositories", json!({ "name": "main", "location": "/srv/a" })));
    let before = store.arrived.load(Ordering::SeqCst);
    while store.arrived.load(Ordering::SeqCst) == before {
        assert!(request.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(request);
    drop(closed);
    app.shutdown.request();
    let _finish = app.shutdown.finish(core::time::Duration::from_secs(20)).await;
    let found = app.store.read().await.unwrap().repositories().named("main").await.unwrap();
    assert!(found.is_some());
}

#[tokio::test]
async fn a_panic_is_an_answer_and_hurts_nobody_else() {
    let (store, app, admin) = troubled(Background::Rests).await;
    store.panics.store(true, Ordering::SeqCst);
    for path in ["/api/v1/hosts", "/readyz"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.problem(StatusCode::INTERNAL_SERVER_ERROR).code, Code::Internal);
    }
    let body = json!({ "token": "rmb_unknown", "name": "bob", "password": "x" });
    app.anonymous().post("/api/v1/bootstrap", body).await.problem(StatusCode::INTERNAL_SERVER_ERROR);
    store.panics.store(false, Ordering::SeqCst);
    admin.get("/api/v1/hosts").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn a_background_task_that_panics_is_said_to_be_down_and_comes_back() {
    let (store, app, _admin) = troubled(Background::Runs).await;
    let ready = async |wanted| {
        while app.anonymous().get("/readyz").await.status != wanted {
            tokio::task::yield_now().await;
        }
    };
    patiently(ready(StatusCode::OK)).await;
    store.panics.store(true, Ordering::SeqCst);
    pass(11).await;
    patiently(ready(StatusCode::SERVICE_UNAVAILABLE)).await;
    let problem = app.anonymous().get("/readyz").await.problem(StatusCode::SERVICE_UNAVAILABLE);
    assert!(problem.detail.contains("background task"), "{problem:?}");
    store.panics.store(false, Ordering::SeqCst);
    pass(11).await;
    patiently(ready(StatusCode::OK)).await;
}

/// Lets time pass at once, as those see it who wait. A paused clock waits for the database.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::sleep(core::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

/// An answer that is read after its commit can be lost; the caller asks again with the same key, and it is done twice.
#[tokio::test]
async fn what_was_done_is_answered_without_another_look() {
    let (store, app, admin) = troubled(Background::Rests).await;
    let repository = make_repository(&admin, "main", "/srv/main").await;
    let host = enrol(&app, "web-1").await;
    let alert = raise(&app, host).await;
    let attach = format!("/api/v1/hosts/{host}/repositories/{repository}");
    admin.put(&attach, None, json!({})).await.expect(StatusCode::OK);
    store.is_blind_after.store(true, Ordering::SeqCst);

    let groups = format!("/api/v1/hosts/{host}/source-groups");
    let body = json!({ "name": "home", "includes": ["/home"], "repository": repository });
    let group: Value = admin.post(&groups, body).await.expect(StatusCode::CREATED).json();
    let times =
        json!({ "name": "nightly", "cron": "30 2 * * *", "zone": "UTC", "source_groups": [group["id"]] });
    let test = json!({ "host": host, "repository": repository });
    for (path, body) in [
        (format!("/api/v1/hosts/{host}/schedules"), times),
        ("/api/v1/jobs".to_owned(), json!({ "host": host, "kind": "backup" })),
        ("/api/v1/connection-tests".to_owned(), test),
        (format!("/api/v1/repositories/{repository}/upkeep/jobs"), json!({ "kind": "check" })),
        ("/api/v1/repositories".to_owned(), json!({ "name": "second", "location": "/srv/second" })),
        ("/api/v1/enrolments".to_owned(), json!({ "host_name": "web-2" })),
        (format!("/api/v1/hosts/{host}/enrolment"), json!({})),
        ("/api/v1/users".to_owned(), json!({ "name": "dave", "role": "operator" })),
        (format!("/api/v1/alerts/{alert}/acknowledge"), json!({})),
        (format!("/api/v1/alerts/{alert}/resolve"), json!({})),
    ] {
        let answer = admin.post(&path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
    }
    admin.put(&attach, None, json!({ "location": "/srv/elsewhere" })).await.expect(StatusCode::OK);
}
