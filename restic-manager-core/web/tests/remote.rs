//! The API of a server elsewhere: real sockets on the loopback, upgrades included.

use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use restic_manager_web::{
    Body, BodyError, BoxError,
    remote::{Api, ClientAddress, Forwarding},
    web,
};
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::{Service, ServiceExt as _};

use crate::fake::full;

/// Serves until the test ends.
async fn serve<S>(service: S) -> SocketAddr
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, peer) = listener.accept().await.unwrap();
            let service = service.clone().map_request(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ClientAddress(peer.ip()));
                request.map(|body| -> Body { body.map_err(BodyError::new).boxed_unsync() })
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    address
}

/// A server that writes down the headers it gets, and echoes after an upgrade.
async fn server(seen: Arc<Mutex<Vec<HeaderMap>>>) -> SocketAddr {
    serve(tower::service_fn(move |mut request: Request<Body>| {
        seen.lock().unwrap().push(request.headers().clone());
        let mut response = Response::new(full("{}"));
        if request.headers().contains_key(header::UPGRADE) {
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::CONNECTION, "upgrade".parse().unwrap());
            response.headers_mut().insert(header::UPGRADE, "websocket".parse().unwrap());
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut socket = TokioIo::new(upgrade.await.unwrap());
                let mut bytes = [0; 5];
                socket.read_exact(&mut bytes).await.unwrap();
                socket.write_all(&bytes).await.unwrap();
                socket.shutdown().await.unwrap();
            });
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(response))
    }))
    .await
}

async fn speak(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn an_upgrade_is_joined_byte_by_byte() {
    let seen = Arc::default();
    let server = server(Arc::clone(&seen)).await;
    let ui = serve(web(Api::new(&format!("http://{server}"), Forwarding::Nothing).unwrap())).await;
    let request = "GET /api/v1/events HTTP/1.1\nHost: backup.example\nOrigin: https://backup.example\nConnection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: x\n\nhello";
    let answer = speak(ui, request).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    assert!(answer.to_lowercase().contains("upgrade: websocket") && answer.ends_with("hello"), "{answer}");
    let headers = seen.lock().unwrap()[0].clone();
    assert_eq!(headers[header::HOST], "backup.example", "the server judges the origin against it");
    assert_eq!(headers["sec-websocket-key"], "x");
}

#[tokio::test]
async fn only_chosen_addresses_reach_the_server() {
    for (forwarding, told) in [
        (Forwarding::Nothing, None),
        (Forwarding::Connection, Some("127.0.0.1")),
        (Forwarding::AsReceived, Some("203.0.113.9")),
    ] {
        let seen = Arc::default();
        let server = server(Arc::clone(&seen)).await;
        let ui = serve(web(Api::new(&format!("http://{server}"), forwarding).unwrap())).await;
        let request = "GET /api/version HTTP/1.1\nHost: a\nX-Forwarded-For: 203.0.113.9\nTE: trailers\nConnection: close\n\n";
        let answer = speak(ui, request).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{}"), "{answer}");
        let headers = seen.lock().unwrap()[0].clone();
        assert_eq!(
            headers.get("x-forwarded-for").map(|value| value.to_str().unwrap()),
            told,
            "{forwarding:?}"
        );
        assert!(!headers.contains_key(header::TE));
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_explained() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ui = serve(web(Api::new(&format!("http://{nobody}"), Forwarding::Nothing).unwrap())).await;
    let answer = speak(ui, "GET /hosts HTTP/1.1\nHost: a\nAccept: text/html\nConnection: close\n\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("check that the server runs"), "{answer}");
}
