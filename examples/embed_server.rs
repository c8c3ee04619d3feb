//! A restic-manager server with its pages, mounted in a program that has routes of its own:
//! `/hello` is answered here, all else by the server: pages, API and the WebSockets of agents.
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use bytes::Bytes;
use core::{convert::Infallible, future::ready, pin::Pin};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use restic_manager_core::shutdown::Shutdown;
use restic_manager_crypto::{Identity, Keyring, SystemRandom};
use restic_manager_server::{Body, BoxError, Config, Server, ServerService};
use restic_manager_store::memory::MemoryStore;
use restic_manager_web::{Web, web};
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

/// Not an `async fn`: inside a task, the compiler cannot see through the error type of a body.
fn answer(request: Request<Incoming>, manager: Web<ServerService>) -> Answering {
    if request.uri().path() == "/hello" {
        let hello = Response::new(boxed(Full::from("hello from the program around it")));
        return Box::pin(ready(Ok(hello)));
    }
    Box::pin(manager.oneshot(request.map(boxed)))
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

fn boxed<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
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
