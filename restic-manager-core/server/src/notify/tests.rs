//! The guard at work: what names lead to, and what the other end tries.

use core::net::IpAddr;
use restic_manager_core::notify::{Message, Outcome, Target, Values, compose};
use restic_manager_proto::{
    SecretText, Timestamp,
    vocabulary::{ChannelKind, NoticeKind},
};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{
    Courier,
    resolve::{Resolve, Resolving},
};

/// Answers each question with the next of these.
struct Answers(Vec<Vec<IpAddr>>, Arc<AtomicUsize>);

impl Resolve for Answers {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move { self.0.get(asked).cloned().ok_or_else(|| io::Error::other("asked too often")) })
    }
}

fn message() -> Message {
    let made = Timestamp::from_milliseconds(1_795_316_400_000);
    compose("id-1".to_owned(), NoticeKind::Test, vec![], 0, 0, "https://backup.example.com", made)
}

async fn send(
    courier: &Courier,
    kind: ChannelKind,
    fields: &[(&str, &str)],
    secrets: &[(&str, &str)],
) -> Outcome {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), SecretText::new(*value))).collect();
    courier.send(kind, &Values { fields: &fields, secrets: &secrets }, &message(), message().created).await
}

fn why(outcome: Outcome) -> String {
    match outcome {
        Outcome::Again { why, .. } | Outcome::Gone { why } => why,
        Outcome::Delivered => panic!("it was delivered"),
    }
}

fn courier(allowed: &[&str]) -> Courier {
    Courier::new(allowed.iter().map(|network| network.parse().unwrap()).collect(), BTreeMap::new())
}

/// A server that says the same to every request, and keeps what it was asked.
async fn double(answer: String) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            kept.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

#[tokio::test]
async fn addresses_that_nobody_allowed_are_not_connected_to() {
    let (port, asked) = double("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let guarded = courier(&[]);
    for host in [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "0.0.0.0",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            let said = why(send(&guarded, ChannelKind::Apprise, &[("url", &url)], &[("key", "k")]).await);
            assert!(said.contains("RM_OUTGOING_ALLOW"), "{url}: {said}");
        }
    }
    let mail = [
        ("host", "127.0.0.1"),
        ("port", "25"),
        ("security", "none"),
        ("from", "a@b.example"),
        ("to", "c@d.example"),
    ];
    assert!(why(send(&guarded, ChannelKind::Email, &mail, &[]).await).contains("RM_OUTGOING_ALLOW"));
    assert_eq!(asked.lock().unwrap().len(), 0, "nothing came through");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_asked_once_and_pinned() {
    let (port, asked) = double("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let questions = Arc::new(AtomicUsize::new(0));
    let (harmless, private) = ("127.0.0.2".parse().unwrap(), "127.0.0.1".parse().unwrap());
    // At first it leads to what is allowed; whoever asked again would be led to another address.
    let resolver = Answers(vec![vec![harmless], vec![private]], Arc::clone(&questions));
    let rebound = courier(&["127.0.0.2/32"]).with_resolver(resolver);
    let url = format!("http://rebinding.example:{port}/");
    let outcome = send(&rebound, ChannelKind::Apprise, &[("url", &url)], &[("key", "k")]).await;
    assert_ne!(outcome, Outcome::Delivered, "nobody listens at the address that was judged");
    assert_eq!((questions.load(Ordering::SeqCst), asked.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn one_private_address_among_public_ones_is_enough_to_refuse() {
    let mixed = vec!["1.1.1.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    let resolver = Answers(vec![mixed], Arc::default());
    let guarded = courier(&[]).with_resolver(resolver);
    let said =
        why(send(&guarded, ChannelKind::Apprise, &[("url", "https://mixed.example")], &[("key", "k")]).await);
    assert!(said.contains("10.0.0.1"), "{said}");
}

#[tokio::test]
async fn nothing_is_said_in_plain_to_public_addresses() {
    let resolver = Answers(vec![vec!["1.1.1.1".parse().unwrap()]], Arc::default());
    let guarded = courier(&[]).with_resolver(resolver);
    let said =
        why(send(&guarded, ChannelKind::Apprise, &[("url", "http://plain.example")], &[("key", "k")]).await);
    assert!(said.contains("without encryption"), "{said}");
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_is_not_followed() {
    let (inner, reached) = double("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let (port, asked) = double(format!(
        "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    let url = format!("http://127.0.0.1:{port}");
    let said =
        why(send(&courier(&["127.0.0.0/8"]), ChannelKind::Apprise, &[("url", &url)], &[("key", "k")]).await);
    assert!(said.contains("redirects are not followed"), "{said}");
    assert_eq!((asked.lock().unwrap().len(), reached.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn a_request_is_what_was_prepared_and_secrets_that_come_back_are_not_told() {
    let (port, asked) =
        double("HTTP/1.1 403 No\r\ncontent-length: 32\r\n\r\nno such key: very-secret-key-123".to_owned())
            .await;
    let url = format!("http://127.0.0.1:{port}/base");
    let outcome = send(
        &courier(&["127.0.0.0/8"]),
        ChannelKind::Apprise,
        &[("url", &url)],
        &[("key", "very-secret-key-123")],
    )
    .await;
    assert_eq!(why(outcome), "HTTP status 403: no such key: …");
    let asked = asked.lock().unwrap().remove(0);
    assert!(asked.starts_with("POST /base/notify/very-secret-key-123 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{asked}");
}

#[tokio::test]
async fn an_endless_answer_is_read_no_further_than_needed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    let url = format!("http://127.0.0.1:{port}");
    let outcome =
        send(&courier(&["127.0.0.0/8"]), ChannelKind::Apprise, &[("url", &url)], &[("key", "k")]).await;
    assert_eq!(outcome, Outcome::Delivered);
}

#[tokio::test]
async fn what_is_no_http_is_a_failure() {
    for answer in [
        "",
        "220 mail.example.com ESMTP\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        &"x".repeat(200_000),
    ] {
        let (port, _asked) = double(answer.to_owned()).await;
        let url = format!("http://127.0.0.1:{port}");
        let outcome =
            send(&courier(&["127.0.0.0/8"]), ChannelKind::Apprise, &[("url", &url)], &[("key", "k")]).await;
        assert!(why(outcome).starts_with("the request failed"), "{:.40}", answer);
    }
}

#[tokio::test]
async fn the_outside_watch_may_lead_into_the_own_network() {
    let (port, asked) =
        double("HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let target = |path: &str| Target::parse(&format!("http://127.0.0.1:{port}/{path}")).unwrap();
    let guarded = courier(&[]);
    assert_eq!(guarded.ask(&target("ping/secret-part")).await, Ok(302));
    let asked = asked.lock().unwrap().clone();
    assert!(asked.len() == 1 && asked[0].starts_with("GET /ping/secret-part HTTP/1.1"), "{asked:?}");
    // Nobody listens there; what is told of it goes into the log.
    let nobody = Target::parse("http://127.0.0.1:9/ping/secret-part").unwrap();
    let why = guarded.ask(&nobody).await.unwrap_err();
    assert!(why.contains("127.0.0.1") && !why.contains("secret-part"), "{why}");
}
