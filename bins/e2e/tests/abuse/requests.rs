//! Requests that are too much, too slow, or from somewhere else than they say.

use std::net::Ipv4Addr;
use std::time::Duration;

use restic_manager_e2e::{ADMIN, Outcome};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::support::{Caller, Fort, HOME};

/// Longer than any of the server's limits of time.
const HANGS_UP_WITHIN: Duration = Duration::from_secs(60);
const TRIES: usize = 60;

#[tokio::test]
async fn a_body_that_is_too_long_is_not_read() -> Outcome {
    let fort = Fort::start().await?;
    let long = |bytes: usize| Some(json!({ "name": "x".repeat(bytes), "password": "x" }));
    fort.caller(HOME).send("POST", "/api/v1/session", long(64 * 1024)).await?.expect(413)?;
    let admin = fort.signed_in(ADMIN).await?;
    admin.send("POST", "/api/v1/enrolments", long(5 * 1024 * 1024)).await?.expect(413)?;
    admin.get("/api/v1/session").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn headers_that_are_too_long_or_too_many_are_refused() -> Outcome {
    let fort = Fort::start().await?;
    let long = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(256 * 1024));
    let many: String = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    for request in [long, many] {
        let answer = raw(&fort.caller(HOME), request.as_bytes()).await?;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    fort.caller(HOME).get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() -> Outcome {
    let fort = Fort::start().await?;
    let head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ".as_slice();
    let body = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                 Content-Length: 1000\r\n\r\n{\"name\":"
        .as_slice();
    let caller = fort.caller(HOME);
    let (slow_head, slow_body) = tokio::join!(raw(&caller, head), raw(&caller, body));
    assert!(!slow_head?.contains(" 200 "));
    let answer = slow_body?;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    caller.get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn a_body_nested_without_end_is_refused() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.caller(HOME);
    let nested = format!("{{\"name\":{}", "[".repeat(8000));
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{nested}",
        nested.len()
    );
    let answer = raw(&caller, request.as_bytes()).await?;
    assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 422"), "{answer}");
    caller.get("/healthz").await?.expect(200)?;
    Ok(())
}

#[tokio::test]
async fn an_address_that_a_stranger_writes_into_a_header_does_not_count() -> Outcome {
    let fort = Fort::with("info", &[("RM_TRUSTED_PROXY", "127.0.0.9/32")]).await?;
    let stranger = fort.caller(Ipv4Addr::new(127, 0, 0, 8));
    let slowed = guess(|n| stranger.with("x-forwarded-for", format!("203.0.113.{n}"))).await?;
    assert!(slowed, "an address of its own for every guess");
    Ok(())
}

#[tokio::test]
async fn an_address_that_passes_the_trusted_proxy_is_the_one_it_saw() -> Outcome {
    let fort = Fort::with("info", &[("RM_TRUSTED_PROXY", "127.0.0.9/32")]).await?;
    let proxy = fort.caller(Ipv4Addr::new(127, 0, 0, 9));
    let slowed = guess(|n| proxy.with("x-forwarded-for", format!("198.51.100.{n}, 203.0.113.5"))).await?;
    assert!(slowed, "what the caller wrote before the proxy's word made it another address");
    let other = proxy.with("x-forwarded-for", "203.0.113.6");
    other.sign_in("nobody", "wrong").await?.expect(401)?;
    let addresses: Vec<_> = fort.audited().await?.iter().map(|entry| entry["address"].to_string()).collect();
    assert!(addresses.iter().any(|address| address.contains("203.0.113.5")), "{addresses:?}");
    assert!(!addresses.iter().any(|address| address.contains("198.51.100.")), "{addresses:?}");
    Ok(())
}

/// Whether guessing different accounts is slowed down.
async fn guess(caller: impl Fn(usize) -> Caller) -> Outcome<bool> {
    for n in 0..TRIES {
        if caller(n).sign_in(&format!("user-{n}"), "wrong").await?.status == 429 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes bytes, and reads until the server hangs up.
async fn raw(caller: &Caller, request: &[u8]) -> Outcome<String> {
    let mut stream = caller.connect().await?;
    // The server may hang up before it has read all of it.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let hangs_up = async {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece).await {
            answer.extend_from_slice(&piece[..length]);
            if request.starts_with(b"GET") && answer.ends_with(b"ok\n") {
                return;
            }
        }
    };
    tokio::time::timeout(HANGS_UP_WITHIN, hangs_up).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn metrics_are_refused_without_their_token_and_outside_of_their_network() -> Outcome {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let settings = [("RM_METRICS_TOKEN", TOKEN), ("RM_METRICS_TRUSTED_CIDR", "127.0.0.0/29")];
    let fort = Fort::with("info", &settings).await?;
    let (near, far) = (fort.caller(Ipv4Addr::new(127, 0, 0, 1)), fort.caller(Ipv4Addr::new(127, 0, 0, 99)));
    let bearer = |caller: &Caller, token: &str| caller.with("authorization", format!("Bearer {token}"));
    for path in ["/metrics", "/metrics/restic-exporter"] {
        near.get(path).await?.expect(401)?;
        bearer(&near, "0123456789abcdef0123456789abcdeg").get(path).await?.expect(401)?;
        fort.signed_in(ADMIN).await?.get(path).await?.expect(401)?;
        bearer(&far, TOKEN).get(path).await?.expect(403)?;
        bearer(&far, TOKEN).with("x-forwarded-for", "127.0.0.1").get(path).await?.expect(403)?;
        bearer(&near, TOKEN).get(path).await?.expect(200)?;
    }
    Ok(())
}
