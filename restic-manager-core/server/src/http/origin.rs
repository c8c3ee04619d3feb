//! Whether a request comes from our own pages.

use http::{HeaderMap, Uri, header};
use restic_manager_crypto::{Keyring, Mark};
use restic_manager_proto::{SessionId, api::Code};

use crate::{config::BaseUrl, failure::Failure};

/// Refuses what a browser says comes from another site. Programs say nothing of the kind and pass: without a
/// browser there is nobody whose cookie could be borrowed.
pub(super) fn check_site(headers: &HeaderMap, base_url: &BaseUrl) -> Result<(), Failure> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some("same-origin"), _) | (None, None) => Ok(()),
        // Typed into the address bar: no page sent it.
        (Some("none"), None) => Ok(()),
        (None | Some("none"), Some(origin)) if is_ours(origin, headers, base_url) => Ok(()),
        (_, origin) => Err(cross_site(origin, base_url)),
    }
}

/// The same for a WebSocket, where browsers always send an origin and nothing else can be relied on.
pub(super) fn check_socket(headers: &HeaderMap, base_url: &BaseUrl) -> Result<(), Failure> {
    match headers.get(header::ORIGIN).map(|value| value.to_str().unwrap_or("unreadable")) {
        Some(origin) if !is_ours(origin, headers, base_url) => Err(cross_site(Some(origin), base_url)),
        _ => Ok(()),
    }
}

/// Checks the proof that a changing request was made by a page that could read the session's secret.
pub(super) fn check_token(headers: &HeaderMap, keyring: &Keyring, session: SessionId) -> Result<(), Failure> {
    let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok());
    match sent {
        Some(sent) if keyring.is_mark(Mark::SessionForm, session.as_bytes(), sent) => Ok(()),
        Some(_) => Err(wrong_token("the X-CSRF-Token header does not belong to this session")),
        None => Err(wrong_token("the X-CSRF-Token header is missing")),
    }
}

/// The page has the address that the server was told, or the one that the browser asked for.
fn is_ours(origin: &str, headers: &HeaderMap, base_url: &BaseUrl) -> bool {
    if origin == base_url.to_string() {
        return true;
    }
    let Ok(uri) = origin.parse::<Uri>() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    matches!((uri.authority(), host), (Some(ours), Some(host)) if ours.as_str().eq_ignore_ascii_case(host))
}

fn cross_site(origin: Option<&str>, base_url: &BaseUrl) -> Failure {
    let origin = origin.unwrap_or("another site");
    Failure::new(
        Code::CrossSite,
        format!("the request was made by a page of {origin}, and this server is {base_url}"),
        format!("open {base_url}; if that is the wrong address, correct the server's base URL"),
    )
}

fn wrong_token(detail: &str) -> Failure {
    Failure::new(Code::CrossSite, detail, "read it from GET /api/v1/session and send it with the request")
}
