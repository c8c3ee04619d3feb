//! The cookie by which a browser shows that an account was opened from it before. It opens nothing: it only keeps the
//! guesses of strangers from locking its owner out.

use core::time::Duration;
use http::{HeaderMap, HeaderValue};
use restic_manager_crypto::{Keyring, Mark, Random};
use restic_manager_store::fold;

use super::cookie;
use crate::{config::CookieSecurity, failure::Failure};

const NONCE: usize = 16;
/// Browsers keep no cookie for longer than about so.
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// What the browser shows, not yet believed.
pub(crate) fn shown(headers: &HeaderMap, security: CookieSecurity) -> Option<String> {
    cookie::find(headers, name(security)).filter(|text| text.len() <= 128).map(str::to_owned)
}

/// The browser, if it was given to the account of this name.
pub(crate) fn recognise<'s>(keyring: &Keyring, shown: Option<&'s str>, account: &str) -> Option<&'s str> {
    let (nonce, mark) = shown?.split_once('.')?;
    keyring.is_mark(Mark::KnownDevice, &subject(nonce, account), mark).then_some(nonce)
}

/// The cookie for a browser from which an account was just opened; a known one keeps its name.
pub(crate) fn remember(
    keyring: &Keyring,
    random: &dyn Random,
    known: Option<&str>,
    account: &str,
    security: CookieSecurity,
) -> Result<HeaderValue, Failure> {
    let nonce = known.map_or_else(|| fresh(random), str::to_owned);
    let mark = keyring.mark(Mark::KnownDevice, &subject(&nonce, account));
    cookie::set(name(security), &format!("{nonce}.{}", mark.expose()), LIFETIME, security)
}

fn fresh(random: &dyn Random) -> String {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    nonce.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn subject(nonce: &str, account: &str) -> Vec<u8> {
    [nonce.as_bytes(), &[0], fold(account).as_bytes()].concat()
}

const fn name(security: CookieSecurity) -> &'static str {
    match security {
        CookieSecurity::HttpsOnly => "__Host-rm_device",
        CookieSecurity::AlsoPlainHttp => "rm_device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use restic_manager_crypto::SeededRandom;

    #[test]
    fn a_browser_is_known_for_the_account_that_it_opened() {
        let (random, secure) = (SeededRandom::new(1), CookieSecurity::HttpsOnly);
        let keyring = Keyring::generate(&random);
        let cookie = remember(&keyring, &random, None, "Alice", secure).unwrap();
        let text = cookie.to_str().unwrap();
        assert!(text.starts_with("__Host-rm_device=") && text.ends_with("; HttpOnly; SameSite=Lax; Secure"));
        let value = text.split(['=', ';']).nth(1).unwrap();
        let nonce = recognise(&keyring, Some(value), " alice").unwrap();
        assert_eq!(recognise(&keyring, Some(value), "bob"), None);
        assert_eq!(recognise(&keyring, Some(&value.replacen(nonce, "0000", 1)), "alice"), None);
        assert_eq!(recognise(&Keyring::generate(&random), Some(value), "alice"), None);
        assert_eq!(recognise(&keyring, None, "alice"), None);
        assert_eq!(recognise(&keyring, Some("nonsense"), "alice"), None);
        let again = remember(&keyring, &random, Some(nonce), "alice", secure).unwrap();
        assert_eq!(again, cookie);
    }
}
