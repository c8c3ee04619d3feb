//! WebSockets from elsewhere.

use futures_util::StreamExt as _;
use restic_manager_e2e::{ADMIN, Outcome};
use restic_manager_proto::JobId;
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest as _};

use super::support::{Caller, Fort};

const EVENTS: &str = "/api/v1/events";

#[tokio::test]
async fn a_socket_opened_by_another_sites_page_is_refused() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?;
    let job = JobId::from_bytes([7; 16]);
    for path in [
        EVENTS.to_owned(),
        format!("/api/v1/jobs/{job}/stream"),
        "/ws/agent".to_owned(),
        "/ws/agent/pending".to_owned(),
    ] {
        for origin in ["https://evil.example.com", "null", "http://127.0.0.1:1"] {
            let refused = open(&caller, &path, Some(origin)).await?;
            assert_eq!(refused, Err(403), "{path} from {origin}");
        }
    }
    assert_eq!(open(&caller, EVENTS, Some(&caller.base_url)).await?, Ok(()));
    Ok(())
}

#[tokio::test]
async fn a_socket_without_a_session_is_refused() -> Outcome {
    let fort = Fort::start().await?;
    let nobody = fort.caller(super::support::HOME);
    assert_eq!(open(&nobody, EVENTS, Some(&nobody.base_url)).await?, Err(401));
    Ok(())
}

#[tokio::test]
async fn an_open_socket_ends_with_its_session() -> Outcome {
    let fort = Fort::start().await?;
    let caller = fort.signed_in(ADMIN).await?;
    let request = request(&caller, EVENTS, Some(&caller.base_url))?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, caller.connect().await?).await?;
    caller.send("DELETE", "/api/v1/session", None).await?.expect(204)?;
    let end = async { while let Some(Ok(_)) = socket.next().await {} };
    tokio::time::timeout(core::time::Duration::from_secs(20), end).await?;
    Ok(())
}

/// Whether a socket opens; the status of the refusal if not.
async fn open(caller: &Caller, path: &str, origin: Option<&str>) -> Outcome<Result<(), u16>> {
    let request = request(caller, path, origin)?;
    match tokio_tungstenite::client_async(request, caller.connect().await?).await {
        Ok(_) => Ok(Ok(())),
        Err(Error::Http(response)) => Ok(Err(response.status().as_u16())),
        Err(error) => Err(error.into()),
    }
}

fn request(
    caller: &Caller,
    path: &str,
    origin: Option<&str>,
) -> Outcome<tokio_tungstenite::tungstenite::handshake::client::Request> {
    let mut request = format!("ws://{}{path}", caller.authority()).into_client_request()?;
    if let Some(cookie) = &caller.cookie {
        request.headers_mut().insert("cookie", cookie.parse()?);
    }
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse()?);
    }
    Ok(request)
}
