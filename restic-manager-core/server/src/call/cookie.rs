//! Cookies, and the one of the session.

use core::time::Duration;
use http::{HeaderMap, HeaderValue, header};
use restic_manager_crypto::Token;

use crate::{config::CookieSecurity, failure::Failure};

/// The token in the session cookie, if there is one.
pub(crate) fn session_token(headers: &HeaderMap, security: CookieSecurity) -> Option<&str> {
    find(headers, name(security))
}

/// The value of a cookie.
pub(crate) fn find<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Gives the browser a session's token.
pub(crate) fn begin(
    token: &Token,
    lifetime: Duration,
    security: CookieSecurity,
) -> Result<HeaderValue, Failure> {
    set(name(security), token.expose(), lifetime, security)
}

/// Takes it away.
pub(crate) fn end(security: CookieSecurity) -> Result<HeaderValue, Failure> {
    set(name(security), "", Duration::ZERO, security)
}

/// Gives the browser a cookie for a while; for no time at all takes it away.
pub(crate) fn set(
    name: &str,
    value: &str,
    lifetime: Duration,
    security: CookieSecurity,
) -> Result<HeaderValue, Failure> {
    let seconds = lifetime.as_secs();
    let secure = match security {
        CookieSecurity::HttpsOnly => "; Secure",
        CookieSecurity::AlsoPlainHttp => "",
    };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie =
        HeaderValue::try_from(text).map_err(|error| Failure::internal("could not write a cookie", error))?;
    cookie.set_sensitive(true);
    Ok(cookie)
}

/// Whether an answer begins or ends a session.
pub(crate) fn sets_session(headers: &HeaderMap, security: CookieSecurity) -> bool {
    let name = name(security);
    let set = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    set.filter_map(|value| value.split_once('=')).any(|(key, _)| key == name)
}

const fn name(security: CookieSecurity) -> &'static str {
    match security {
        CookieSecurity::HttpsOnly => "__Host-rm_session",
        CookieSecurity::AlsoPlainHttp => "rm_session",
    }
}
