//! The server on a real socket: limits, WebSockets, stopping.

use futures_util::StreamExt as _;
use http::StatusCode;
use restic_manager_core::shutdown::Finish;
use restic_manager_proto::{
    Scope,
    api::{events::FleetEvent, session::Session},
    vocabulary::Role,
};
use restic_manager_server::Server;
use serde_json::json;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use tokio_tungstenite::tungstenite::{
    self, Message, client::IntoClientRequest as _, protocol::frame::coding::CloseCode,
};
use tower::ServiceExt as _;

use crate::{
    api_tokens,
    support::{App, Client, ORIGIN, PASSWORD},
    world::{World, add_user_within, make_repository},
};

async fn serve<S>(server: Server, service: S) -> (SocketAddr, JoinHandle<Finish>)
where
    S: tower::Service<
            http::Request<hyper::body::Incoming>,
            Response = http::Response<restic_manager_server::Body>,
            Error = core::convert::Infallible,
        > + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(async move { server.serve(listener, service).await }))
}

/// Sends bytes and reads until the server closes.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    // A server that has refused may reset what is still on its way.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn it_serves_and_stops() {
    let app = App::fresh().await;
    let (address, served) = serve(app.server.clone(), app.service.clone()).await;
    let answer = exchange(address, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    let ready = exchange(address, b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    app.shutdown.request();
    assert_eq!(served.await.unwrap(), Finish::Clean);
    assert!(TcpStream::connect(address).await.is_err());
    app.anonymous().get("/readyz").await.problem(StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn headers_that_trickle_in_are_not_waited_for() {
    let app = App::fresh().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    // Time is paused and advances only when nothing else can happen: this returns when the server gives up.
    let answer = exchange(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let app = App::fresh().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let request = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"request-timeout\""), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_refused_before_it_comes() {
    let app = App::fresh().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let request = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n\
                    Connection: close\r\nContent-Length: 1000000000\r\n\r\n";
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let app = App::fresh().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    for hosts in ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nHost: y\r\n"] {
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.ends_with("name the host once\n"), "{answer}");
    }
    let old = exchange(address, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200"), "{old}");
}

#[tokio::test]
async fn connections_have_a_number() {
    let app = App::with(|config| config.limits.connections = 1).await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    first.read_exact(&mut answer).await.unwrap();
    let mut second = tokio::spawn(exchange(address, HEALTH));
    let early = tokio::time::timeout(core::time::Duration::from_millis(200), &mut second).await;
    assert!(early.is_err(), "it waits while the first is open");
    drop(first);
    assert!(second.await.unwrap().starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn headers_have_limits() {
    let app = App::fresh().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(200_000));
    let answer = exchange(address, long.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n", "X-Many: a\r\n".repeat(100));
    assert!(exchange(address, many.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert!(exchange(address, HEALTH).await.starts_with("HTTP/1.1 200"));
}

/// A service that holds each request until it is let go.
fn held(
    app: &App,
) -> (
    Arc<Notify>,
    Arc<Notify>,
    impl Clone
    + Send
    + Sync
    + tower::Service<
        http::Request<hyper::body::Incoming>,
        Response = http::Response<restic_manager_server::Body>,
        Error = core::convert::Infallible,
        Future: Send,
    > + use<>,
) {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inner, at, release) = (app.service.clone(), Arc::clone(&arrived), Arc::clone(&go));
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let (inner, at, release) = (inner.clone(), Arc::clone(&at), Arc::clone(&release));
        async move {
            at.notify_one();
            release.notified().await;
            inner.oneshot(request).await
        }
    });
    (arrived, go, service)
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_end() {
    let app = App::fresh().await;
    let (arrived, go, service) = held(&app);
    let (address, served) = serve(app.server.clone(), service).await;
    let asked = tokio::spawn(async move { exchange(address, HEALTH).await });
    arrived.notified().await;
    app.shutdown.request();
    go.notify_one();
    assert!(asked.await.unwrap().ends_with("ok\n"));
    assert_eq!(served.await.unwrap(), Finish::Clean);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let app = App::fresh().await;
    let (arrived, _go, service) = held(&app);
    let (address, served) = serve(app.server.clone(), service).await;
    let asked = tokio::spawn(async move { exchange(address, HEALTH).await });
    arrived.notified().await;
    app.shutdown.request();
    app.shutdown.request();
    assert_eq!(served.await.unwrap(), Finish::Forced);
    assert_eq!(asked.await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_given_up_at_the_deadline() {
    let app = App::fresh().await;
    let (arrived, _go, service) = held(&app);
    let (address, served) = serve(app.server.clone(), service).await;
    let _asked = tokio::spawn(async move { exchange(address, HEALTH).await });
    arrived.notified().await;
    app.shutdown.request();
    assert_eq!(served.await.unwrap(), Finish::Forced);
}

/// Opens the stream of events as a page would.
async fn open(
    address: SocketAddr,
    client: &Client,
    origin: &str,
) -> Result<
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<TcpStream>>,
    tungstenite::Error,
> {
    let mut request = format!("ws://{address}/api/v1/events").into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    if let Some(cookie) = &client.cookie {
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
    }
    if let Some(token) = &client.token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    tokio_tungstenite::connect_async(request).await.map(|(socket, _)| socket)
}

#[tokio::test]
async fn pages_hear_what_changes_and_why_it_ends() {
    let (app, admin) = App::with_admin().await;
    let (address, served) = serve(app.server.clone(), app.service.clone()).await;
    let mut socket = open(address, &admin, ORIGIN).await.unwrap();
    let id = make_repository(&admin, "main", "/srv/main").await;
    let Message::Text(text) = socket.next().await.unwrap().unwrap() else { panic!("not text") };
    let event: FleetEvent = serde_json::from_str(&text).unwrap();
    assert_eq!(event, FleetEvent::Repository { repository: id });
    app.shutdown.request();
    let Message::Close(Some(frame)) = socket.next().await.unwrap().unwrap() else {
        panic!("no reason given")
    };
    assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, "the server is stopping"));
    drop(socket);
    assert_eq!(served.await.unwrap(), Finish::Clean);
}

#[tokio::test]
async fn a_socket_ends_with_its_session() {
    let (app, admin) = App::with_admin().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let mut socket = open(address, &admin, ORIGIN).await.unwrap();
    admin.delete("/api/v1/session").await.expect(StatusCode::NO_CONTENT);
    let end = socket.next().await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
}

#[tokio::test]
async fn a_programs_socket_ends_when_its_makers_scope_changes() {
    let world = World::new().await;
    let app = &world.app;
    add_user_within(app, "bea", Role::Viewer, Scope::tags(["linux", "berlin"])).await;
    let bea = app.sign_in("bea", PASSWORD).await;
    let program = app.program(&api_tokens::make(app, &bea, Role::Viewer, false).await);
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let mut socket = open(address, &program, ORIGIN).await.unwrap();
    let user = bea.get("/api/v1/session").await.json::<Session>().user;
    let body = json!({ "role": "viewer", "disabled": false, "scope": { "kind": "tags", "tags": ["linux"] } });
    world.admin.put(&format!("/api/v1/users/{user}"), Some(1), body).await.expect(StatusCode::OK);
    let end = socket.next().await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    drop(open(address, &program, ORIGIN).await.unwrap());
}

#[tokio::test]
async fn sockets_are_for_our_own_pages_and_for_people_who_signed_in() {
    let (app, admin) = App::with_admin().await;
    let (address, _served) = serve(app.server.clone(), app.service.clone()).await;
    let status = async |client: &Client, origin: &str| match open(address, client, origin).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{other:?}"),
    };
    assert_eq!(status(&admin, "https://evil.example.net").await, 403);
    assert_eq!(status(&admin, "null").await, 403);
    assert_eq!(status(&app.anonymous(), ORIGIN).await, 401);
    admin.get("/api/v1/events").await.problem(StatusCode::BAD_REQUEST);
}
