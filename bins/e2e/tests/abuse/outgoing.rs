//! A server that is told to speak to addresses that only it can reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use restic_manager_e2e::{ADMIN, Failure, Outcome, until};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::support::{Caller, Fort};

const SOON: Duration = Duration::from_secs(60);

/// Something inside that answers whoever comes, and counts them.
async fn inside(answer: String) -> Outcome<(u16, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    Ok((port, visits))
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A test that is on its way, or the refusal of the form.
enum Sent {
    Refused(String),
    Waiting { channel: String, delivery: String },
}

/// Makes a channel to an address and sends a test.
async fn send_to(admin: &Caller, name: &str, url: &str) -> Outcome<Sent> {
    let fields = json!({ "url": url, "topic": "backups" });
    let body = json!({ "name": name, "kind": "ntfy", "fields": fields });
    let made = admin.send("POST", "/api/v1/channels", Some(body)).await?;
    if made.status == 422 {
        return Ok(Sent::Refused(made.body));
    }
    let channel = text(&made.expect(201)?.json()?["id"])?;
    let sent = admin.send("POST", &format!("/api/v1/channels/{channel}/test"), Some(json!({}))).await?;
    Ok(Sent::Waiting { channel, delivery: text(&sent.expect(202)?.json()?["id"])? })
}

/// What became of it.
async fn came_of_it(admin: &Caller, sent: Sent) -> Outcome<String> {
    let (channel, delivery) = match sent {
        Sent::Refused(why) => return Ok(format!("refused: {why}")),
        Sent::Waiting { channel, delivery } => (channel, delivery),
    };
    until("the test to be over", SOON, || async {
        let page = admin.get(&format!("/api/v1/deliveries?channel={channel}")).await?.json()?;
        let found =
            page["items"].as_array().and_then(|all| all.iter().find(|one| one["id"] == *delivery)).cloned();
        Ok(found
            .filter(|one| one["state"] != "waiting")
            .map(|one| format!("{}: {}", one["state"], one["answer"])))
    })
    .await
}

fn text(value: &Value) -> Outcome<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("no text: {value}")))
}

#[tokio::test]
async fn addresses_of_the_servers_own_network_are_not_spoken_to() -> Outcome {
    let fort = Fort::start().await?;
    let admin = fort.signed_in(ADMIN).await?;
    let (port, visits) = inside(TAKEN.to_owned()).await?;
    let mut sent = Vec::new();
    for (number, host) in [
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "127.1",
        "0177.0.0.1",
        "0x7f000001",
        "2130706433",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "user@127.0.0.1",
        "hooks.example.com@127.0.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "[fd00::1]",
        "[fe80::1]",
    ]
    .into_iter()
    .enumerate()
    {
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://{host}:{port}/");
            sent.push((send_to(&admin, &format!("{scheme} {number}"), &url).await?, url));
        }
    }
    for (sent, url) in sent {
        let said = came_of_it(&admin, sent).await?;
        assert!(said.starts_with("refused: ") || said.contains("RM_OUTGOING_ALLOW"), "{url}: {said}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0, "somebody came through");
    Ok(())
}

#[tokio::test]
async fn a_redirect_leads_nowhere() -> Outcome {
    let fort = Fort::with("info", &[("RM_OUTGOING_ALLOW", "127.0.0.1/32")]).await?;
    let admin = fort.signed_in(ADMIN).await?;
    let (inner, reached) = inside(TAKEN.to_owned()).await?;
    for status in [301, 302, 303, 307, 308] {
        let answer = format!(
            "HTTP/1.1 {status} Go\r\nlocation: http://127.0.0.1:{inner}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (port, asked) = inside(answer).await?;
        let sent =
            send_to(&admin, &format!("redirect {status}"), &format!("http://127.0.0.1:{port}/")).await?;
        let said = came_of_it(&admin, sent).await?;
        assert!(said.contains("redirects are not followed"), "{said}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "it was followed");
    Ok(())
}

#[tokio::test]
async fn a_secret_is_not_sent_to_another_place_than_it_was_set_for() -> Outcome {
    let fort = Fort::start().await?;
    let admin = fort.signed_in(ADMIN).await?;
    let fields = json!({ "url": "https://ntfy.example.com", "topic": "backups" });
    let secrets = json!({ "token": "tk_a-token-of-somebody" });
    let body = json!({ "name": "ntfy", "kind": "ntfy", "fields": fields, "secrets": secrets });
    let made = admin.send("POST", "/api/v1/channels", Some(body)).await?.expect(201)?.json()?;
    let path = format!("/api/v1/channels/{}", text(&made["id"])?);
    let elsewhere = json!({ "url": "https://elsewhere.example.com", "topic": "backups" });
    let change = json!({ "name": "ntfy", "fields": elsewhere, "enabled": true });
    let change = admin.with("if-match", "\"1\"".to_owned()).send("PUT", &path, Some(change)).await?;
    assert!(change.expect(422)?.body.contains("secrets.token"));
    let kept = admin.get(&path).await?.json()?;
    assert_eq!(kept["fields"]["url"], "https://ntfy.example.com");
    Ok(())
}
