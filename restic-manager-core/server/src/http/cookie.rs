//! The session cookie.

use core::time::Duration;
use http::{HeaderMap, HeaderValue, header};
use restic_manager_crypto::Token;

use crate::{config::CookieSecurity, failure::Failure};

/// The token in the session cookie, if there is one.
pub(super) fn session_token(headers: &HeaderMap, security: CookieSecurity) -> Option<&str> {
    let name = name(security);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Gives the browser a session's token.
pub(super) fn begin(
    token: &Token,
    lifetime: Duration,
    security: CookieSecurity,
) -> Result<HeaderValue, Failure> {
    cookie(token.expose(), lifetime.as_secs(), security)
}

/// Takes it away.
pub(super) fn end(security: CookieSecurity) -> Result<HeaderValue, Failure> {
    cookie("", 0, security)
}

fn cookie(value: &str, seconds: u64, security: CookieSecurity) -> Result<HeaderValue, Failure> {
    let name = name(security);
    let secure = match security {
        CookieSecurity::HttpsOnly => "; Secure",
        CookieSecurity::AlsoPlainHttp => "",
    };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie = HeaderValue::try_from(text)
        .map_err(|error| Failure::internal("could not write the session cookie", error))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

const fn name(security: CookieSecurity) -> &'static str {
    match security {
        CookieSecurity::HttpsOnly => "__Host-rm_session",
        CookieSecurity::AlsoPlainHttp => "rm_session",
    }
}
