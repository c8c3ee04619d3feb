//! The least that the same promise costs on this machine: take a POST, commit a row that survives a power cut, push one
//! WebSocket message.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming, client};
use hyper_util::rt::TokioIo;
use restic_manager_e2e::Outcome;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// About what a request and a command weigh.
const BODY_BYTES: usize = 128;
const MESSAGE_BYTES: usize = 1024;

struct Floor {
    database: SqliteConnection,
    push: WebSocketStream<TcpStream>,
}

/// Measures from before the request's connection is made until the message has arrived.
#[expect(clippy::disallowed_methods, reason = "measures")]
pub(crate) async fn times(folder: &Path, count: usize) -> Outcome<Vec<Duration>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let database = open(&folder.join("floor.sqlite")).await?;
    let serving = tokio::spawn(serve(listener, database));
    let stream = TcpStream::connect(address).await?;
    let (mut pushed, _) = tokio_tungstenite::client_async(format!("ws://{address}/"), stream).await?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let request = Request::post("/").body(Full::new(Bytes::from(vec![b'x'; BODY_BYTES])))?;
        let start = Instant::now();
        let ask = async {
            let (mut sender, connection) =
                client::conn::http1::handshake(TokioIo::new(TcpStream::connect(address).await?)).await?;
            tokio::spawn(connection);
            sender.send_request(request).await?.into_body().collect().await?;
            Outcome::Ok(())
        };
        let arrive = async {
            pushed.next().await;
            start.elapsed()
        };
        let (asked, arrived) = tokio::join!(ask, arrive);
        asked?;
        times.push(arrived);
    }
    serving.abort();
    Ok(times)
}

/// With the settings of the server's own database.
async fn open(path: &Path) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut database = options.connect().await?;
    sqlx::query("CREATE TABLE job (id INTEGER PRIMARY KEY, content BLOB)").execute(&mut database).await?;
    Ok(database)
}

async fn serve(listener: TcpListener, database: SqliteConnection) -> Outcome {
    let (stream, _) = listener.accept().await?;
    stream.set_nodelay(true)?;
    let push = tokio_tungstenite::accept_async(stream).await?;
    let floor = Arc::new(Mutex::new(Floor { database, push }));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let floor = Arc::clone(&floor);
        let service = service_fn(move |request| answer(Arc::clone(&floor), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    floor: Arc<Mutex<Floor>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut floor = floor.lock().await;
    let insert = sqlx::query("INSERT INTO job (content) VALUES ($1)").bind(body.to_vec());
    let kept = insert.execute(&mut floor.database).await.is_ok();
    if kept {
        // A message that is lost shows as a run that never ends.
        let _ = floor.push.send(Message::text("x".repeat(MESSAGE_BYTES))).await;
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"{}"))))
}
