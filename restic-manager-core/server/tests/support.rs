//! A server in this process and a client that behaves like a browser, or not.

use http::{Method, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use restic_manager_core::{clock::ManualClock, shutdown::Shutdown};
use restic_manager_crypto::{Identity, Keyring, PasswordCost, SeededRandom};
use restic_manager_proto::{
    SessionId, Timestamp,
    api::{Page, Problem, account::SignIn, api_tokens::CreatedApiToken, session::Session},
    vocabulary::Action,
};
use restic_manager_server::{Config, PeerAddress, Server, ServerService};
use restic_manager_store::{
    PageRequest, Store,
    audit::AuditScope,
    sqlite::{SqliteOptions, SqliteStore},
};
use restic_manager_testkit::Remote;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;

use crate::{BACKEND, backend::Place, heard::Heard, one_handle::OneHandle};

pub(crate) const ORIGIN: &str = "https://backup.example.com";
pub(crate) const PASSWORD: &str = "violet teapots argue";

/// Whether a server does what happens by itself with time.
#[derive(Clone, Copy)]
pub(crate) enum Background {
    Runs,
    Rests,
}

/// What the first server of a test draws goes on; one that is opened again on the same database has the same keys, and draws
/// something else than what is kept there.
fn again(random: Arc<SeededRandom>) -> Arc<SeededRandom> {
    static STARTED: AtomicU64 = AtomicU64::new(0);
    match STARTED.fetch_add(1, Ordering::Relaxed) {
        0 => random,
        number => Arc::new(SeededRandom::new(7 + number)),
    }
}

/// A server and all that a test may want to turn.
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) service: ServerService,
    /// The database, without what a test put around it.
    pub(crate) store: Arc<dyn Store>,
    one_handle: Arc<OneHandle>,
    place: Arc<Place>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) shutdown: Shutdown,
    /// What channels of the notifier `heard` were told.
    pub(crate) heard: Arc<Heard>,
    pub(crate) bootstrap_token: String,
    /// What agents pin.
    pub(crate) fingerprint: String,
    /// What browsers say where its pages come from.
    pub(crate) origin: String,
}

impl App {
    /// A server at its first start.
    pub(crate) async fn fresh() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with another configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(|store| store, change, Background::Rests).await
    }

    /// The same with something between the server and its database.
    pub(crate) async fn over(
        around: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        change: impl FnOnce(&mut Config),
        background: Background,
    ) -> Self {
        let (store, place) = BACKEND.open().await;
        Self::on(store, Arc::new(place), around, change, background).await
    }

    async fn on(
        store: Arc<dyn Store>,
        place: Arc<Place>,
        around: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        change: impl FnOnce(&mut Config),
        background: Background,
    ) -> Self {
        let one_handle = OneHandle::over(around(Arc::clone(&store)));
        let clock = Arc::new(ManualClock::at("2026-11-22T03:00:00Z".parse().unwrap()));
        let mut config = Config::new(ORIGIN.parse().unwrap());
        change(&mut config);
        let origin = config.base_url.to_string();
        let random = Arc::new(SeededRandom::new(7));
        let keyring = Keyring::generate(&random);
        let identity = Identity::generate(&random);
        let shutdown = Shutdown::new();
        let heard = Arc::<Heard>::default();
        let builder = Server::builder(Arc::clone(&one_handle) as _, keyring, identity, config)
            .clock(Arc::clone(&clock) as _)
            .random(again(random))
            .password_cost(PasswordCost::lowest())
            .notifier("heard", Arc::clone(&heard) as _)
            .shutdown(shutdown.clone());
        let server = match background {
            Background::Runs => builder.build(),
            Background::Rests => builder.without_background().build(),
        };
        let prepared = server.prepare().await.unwrap();
        let bootstrap_token =
            prepared.bootstrap_token.map(|token| token.expose().to_owned()).unwrap_or_default();
        let fingerprint = prepared.fingerprint;
        Self {
            service: server.service(),
            server,
            store,
            one_handle,
            place,
            clock,
            shutdown,
            heard,
            bootstrap_token,
            fingerprint,
            origin,
        }
    }

    /// Another process over the same data, with the same keys, at the same moment.
    pub(crate) async fn restarted(&self) -> Self {
        self.restarted_with(Background::Rests).await
    }

    /// The same, and what happens by itself with time happens or not.
    pub(crate) async fn restarted_with(&self, background: Background) -> Self {
        let (store, place) = (Arc::clone(&self.store), Arc::clone(&self.place));
        let restarted = Self::on(store, place, |store| store, |_| {}, background).await;
        restarted.clock.set(self.now());
        restarted
    }

    /// Stops it, does something to the file of its database, and starts another with the same keys, at the same moment, that
    /// does what happens by itself.
    pub(crate) async fn reopened(self, meanwhile: impl AsyncFnOnce(&Path)) -> Self {
        self.shutdown.request();
        let _finish = self.shutdown.finish(Duration::from_secs(20)).await;
        self.store.close().await.unwrap();
        let (place, now) = (Arc::clone(&self.place), self.now());
        meanwhile(&place.file()).await;
        let store = Arc::new(SqliteStore::open(SqliteOptions::new(place.file())).await.unwrap());
        let reopened = Self::on(store, place, |store| store, |_| {}, Background::Runs).await;
        reopened.clock.set(now);
        reopened
    }

    /// Serves this server on a socket of its own.
    pub(crate) async fn listen(&self) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (server, service) = (self.server.clone(), self.service.clone());
        let served = tokio::spawn(async move {
            let _finish = server.serve(listener, service).await;
        });
        Listening { address, served }
    }

    /// This server as its agents know it.
    pub(crate) fn remote(&self, address: SocketAddr) -> Remote {
        let fingerprint = self.fingerprint.parse().unwrap();
        Remote { address, fingerprint, clock: Arc::clone(&self.clock) as _ }
    }

    /// A server with an admin who is signed in.
    pub(crate) async fn with_admin() -> (Self, Client) {
        Self::fresh().await.administered().await
    }

    /// The same, and what happens by itself with time happens.
    pub(crate) async fn at_work() -> (Self, Client) {
        Self::over(|store| store, |_| {}, Background::Runs).await.administered().await
    }

    async fn administered(self) -> (Self, Client) {
        self.make_admin().await;
        let admin = self.sign_in("alice", PASSWORD).await;
        (self, admin)
    }

    pub(crate) async fn make_admin(&self) {
        let body = json!({ "token": self.bootstrap_token, "name": "alice", "password": PASSWORD });
        self.anonymous().post("/api/v1/bootstrap", body).await.expect(StatusCode::CREATED);
    }

    pub(crate) fn anonymous(&self) -> Client {
        let (service, origin) = (self.service.clone(), self.origin.clone());
        Client { service, origin, cookie: None, csrf: None, token: None }
    }

    /// A program with an API token: no cookie, no CSRF token, no Origin.
    pub(crate) fn program(&self, token: &CreatedApiToken) -> Client {
        Client { token: Some(token.token.expose().to_owned()), ..self.anonymous() }
    }

    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Client {
        let client = self.anonymous();
        let answer = client.post("/api/v1/session", json!({ "name": name, "password": password })).await;
        answer.expect(StatusCode::CREATED);
        let cookie = answer.cookie().expect("signing in sets a cookie");
        let session: Session = answer.json();
        Client { cookie: Some(cookie), csrf: Some(session.csrf_token.into_exposed()), ..client }
    }

    /// What the audit log holds, oldest first.
    pub(crate) async fn audited(&self) -> Vec<Action> {
        let mut read = self.store.read().await.unwrap();
        let page = read.audit().page(&AuditScope::Everything, PageRequest::first(500)).await.unwrap();
        page.items.into_iter().rev().map(|entry| entry.entry.action).collect()
    }

    /// The end of the audit log.
    pub(crate) async fn store_head(&self) -> restic_manager_store::audit::AuditHead {
        self.store.read().await.unwrap().audit().head().await.unwrap()
    }

    /// Whether the database's files hold a text in clear.
    pub(crate) fn is_kept(&self, text: &str) -> bool {
        self.place.holds(text)
    }

    pub(crate) fn now(&self) -> Timestamp {
        use restic_manager_core::clock::Clock as _;
        self.clock.now()
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let taken = self.one_handle.taken();
        if !std::thread::panicking() {
            assert!(
                taken.is_empty(),
                "a second handle on the database was taken at\n    {}",
                taken.join("\nand\n    ")
            );
        }
    }
}

/// A server that listens, and the task that serves it.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    pub(crate) served: JoinHandle<()>,
}

/// Somebody who makes requests.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) service: ServerService,
    pub(crate) origin: String,
    pub(crate) cookie: Option<String>,
    pub(crate) csrf: Option<String>,
    /// Of a program.
    pub(crate) token: Option<String>,
}

impl Client {
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, None)).await
    }

    /// Reads, and keeps the session's cookie as a browser does.
    pub(crate) async fn browse(&mut self, path: &str) -> Answer {
        let answer = self.get(path).await;
        self.cookie = answer.cookie().or(self.cookie.take());
        answer
    }

    /// The id of this client's session.
    pub(crate) async fn own_session(&self) -> SessionId {
        let sessions: Page<SignIn> = self.get("/api/v1/account/sessions").await.json();
        sessions.items.iter().find(|session| session.current).expect("who asks is signed in").id
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::POST, path, Some(body))).await
    }

    pub(crate) async fn put(&self, path: &str, version: Option<i64>, body: Value) -> Answer {
        let mut request = self.request(Method::PUT, path, Some(body));
        if let Some(version) = version {
            request.headers_mut().insert(header::IF_MATCH, format!("\"{version}\"").parse().unwrap());
        }
        self.send(request).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, None)).await
    }

    /// A request as this client's browser, or this program, would make it.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> http::Request<Full<bytes::Bytes>> {
        let mut request = http::Request::builder().method(method).uri(path);
        request = match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request.header(header::ORIGIN, &self.origin),
        };
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(|body| body.to_string()).unwrap_or_default();
        request.extension(PeerAddress("192.0.2.1:4711".parse().unwrap())).body(Full::from(bytes)).unwrap()
    }

    pub(crate) async fn send(&self, request: http::Request<Full<bytes::Bytes>>) -> Answer {
        let service = self.service.clone();
        // A task, as a connection is one: who goes away drops it.
        let answered = tokio::spawn(async move {
            let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status, headers: parts.headers, body }
        });
        AbortOnDropHandle::new(answered).await.unwrap()
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(&self, status: StatusCode) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The refusal; fails the test when the status is another.
    #[track_caller]
    pub(crate) fn problem(&self, status: StatusCode) -> Problem {
        self.expect(status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        let problem: Problem = self.json();
        assert!(!problem.detail.is_empty() && !problem.next_step.is_empty(), "{problem:?}");
        assert!(problem.request_id.is_some());
        problem
    }

    /// Name and value of the session's cookie, if it was set.
    pub(crate) fn cookie(&self) -> Option<String> {
        let cookies = self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        let mut pairs = cookies.filter_map(|value| value.split(';').next());
        pairs.find(|pair| pair.contains("rm_session=")).map(str::to_owned)
    }
}
