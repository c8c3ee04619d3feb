//! A restic-manager server with its pages, mounted in a program that has routes of its own:
//! `/hello` is answered here, all else by the server: pages, API and the WebSockets of agents.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use core::convert::Infallible;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use restic_manager_core::shutdown::Shutdown;
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_server::{BoxError, Config, Server, ServerService};
use restic_manager_store::memory::MemoryStore;
use restic_manager_web::{Body, Web, web};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::{ServiceExt as _, service_fn};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    // A real one keeps database, keyring and identity on disk, as bins/server does.
    let random = SystemRandom::new();
    let (keyring, identity) = (Keyring::generate(&random), Identity::generate(&random));
    let config = Config::new(format!("http://{address}").parse()?);
    let shutdown = Shutdown::new();
    let server = Server::builder(Arc::new(MemoryStore::new()), keyring, identity, config)
        .shutdown(shutdown.clone())
        .build();
    println!("agents pin {}", server.prepare().await?.fingerprint);

    let manager = web(server.service());
    let program = service_fn(move |request| answer(request, manager.clone()));
    let serving = tokio::spawn(async move { server.serve(listener, program).await });

    for path in ["/hello", "/api/version", "/bootstrap"] {
        println!("\n{path}\n{}", ask(address, path).await?);
    }
    shutdown.request();
    println!("\nended: {:?}", serving.await?);
    Ok(())
}

async fn answer(
    request: Request<Incoming>,
    manager: Web<ServerService>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/hello" {
        let hello = Full::from("hello from the program around it");
        return Ok(Response::new(hello.map_err(|never| match never {}).boxed_unsync()));
    }
    manager.oneshot(request).await
}

/// The first line of an answer and the beginning of what it brings.
async fn ask(address: SocketAddr, path: &str) -> Result<String, BoxError> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Ok(format!("{}\n{}", head.lines().next().unwrap_or_default(), body.lines().next().unwrap_or_default()))
}
