//! Who may look at metrics, and who is told that the server is alive.

use core::{fmt, net::IpAddr, str::FromStr};
use ipnet::IpNet;
use restic_manager_core::notify::Target;
use restic_manager_crypto::SecretString;

/// Who may scrape metrics: whoever shows the token and comes from one of the networks, where both are configured. Without
/// either there are no metrics.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// What a scraper shows.
    pub token: Option<ScrapeToken>,
    /// Where scrapers come from.
    pub networks: Vec<IpNet>,
    /// Whether hosts and source groups are left out, for fleets that are too large for a row each.
    pub only_totals: bool,
}

/// Why a scraper is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It comes from elsewhere.
    Network,
    /// It shows no token, or another one.
    Token,
}

impl Metrics {
    /// Whether there are metrics at all.
    #[must_use]
    pub fn are_offered(&self) -> bool {
        self.token.is_some() || !self.networks.is_empty()
    }

    /// Whether somebody from `address` who shows `token` may have them. An address that is not known is in no network.
    pub(crate) fn admit(&self, address: Option<IpAddr>, token: Option<&str>) -> Result<(), Refused> {
        let is_near = |address: IpAddr| self.networks.iter().any(|network| network.contains(&address));
        if !self.networks.is_empty() && !address.is_some_and(is_near) {
            return Err(Refused::Network);
        }
        match (&self.token, token) {
            (None, _) if self.networks.is_empty() => Err(Refused::Token),
            (None, _) => Ok(()),
            (Some(own), Some(shown)) if own.0 == SecretString::new(shown) => Ok(()),
            (Some(_), _) => Err(Refused::Token),
        }
    }
}

/// The token that a scraper shows as `Authorization: Bearer …`.
#[derive(Clone, Debug)]
pub struct ScrapeToken(SecretString);

impl ScrapeToken {
    /// Characters that a token has at least, so that nobody guesses it.
    pub const SHORTEST: usize = 16;
}

/// A text is no token for scrapers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a token for metrics: write {} to 256 letters, digits and signs without spaces, such as `openssl rand -hex 32` prints",
    ScrapeToken::SHORTEST
)]
pub struct ParseScrapeTokenError;

impl FromStr for ScrapeToken {
    type Err = ParseScrapeTokenError;

    fn from_str(text: &str) -> Result<Self, ParseScrapeTokenError> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_plain && (Self::SHORTEST..=256).contains(&text.len()) {
            Ok(Self(SecretString::new(text)))
        } else {
            Err(ParseScrapeTokenError)
        }
    }
}

/// Where an outside watch is told that the server is alive. The address is a secret: who has it can pretend to be this server.
#[derive(Clone, PartialEq, Eq)]
pub struct WatchUrl(Target);

impl WatchUrl {
    pub(crate) const fn target(&self) -> &Target {
        &self.0
    }
}

impl fmt::Debug for WatchUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchUrl(…)")
    }
}

/// A text is not the address of an outside watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the address of a watch; write it as the monitor shows it, such as https://hc-ping.com/your-uuid, without user and password"
)]
pub struct ParseWatchUrlError;

impl FromStr for WatchUrl {
    type Err = ParseWatchUrlError;

    fn from_str(text: &str) -> Result<Self, ParseWatchUrlError> {
        Target::parse(text).map(Self).map_err(|_| ParseWatchUrlError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn metrics(token: bool, networks: &[&str]) -> Metrics {
        Metrics {
            token: token.then(|| TOKEN.parse().unwrap()),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            only_totals: false,
        }
    }

    #[test]
    fn all_that_is_configured_must_hold() {
        let near = Some("10.1.2.3".parse().unwrap());
        let far = Some("192.0.2.1".parse().unwrap());
        let wrong = "0123456789abcdeg";
        for (token, networks, address, shown, expected) in [
            (false, &[][..], near, Some(TOKEN), Err(Refused::Token)),
            (true, &[], far, Some(TOKEN), Ok(())),
            (true, &[], far, Some(wrong), Err(Refused::Token)),
            (true, &[], far, Some(""), Err(Refused::Token)),
            (true, &[], far, None, Err(Refused::Token)),
            (false, &["10.0.0.0/8"], near, None, Ok(())),
            (false, &["10.0.0.0/8"], far, None, Err(Refused::Network)),
            (false, &["10.0.0.0/8"], None, None, Err(Refused::Network)),
            (true, &["10.0.0.0/8"], near, Some(TOKEN), Ok(())),
            (true, &["10.0.0.0/8"], near, None, Err(Refused::Token)),
            (true, &["10.0.0.0/8"], far, Some(TOKEN), Err(Refused::Network)),
        ] {
            let metrics = metrics(token, networks);
            assert_eq!(metrics.admit(address, shown), expected, "{token} {networks:?} {address:?} {shown:?}");
        }
        assert!(!metrics(false, &[]).are_offered());
        assert!(metrics(true, &[]).are_offered() && metrics(false, &["::/0"]).are_offered());
    }

    #[test]
    fn tokens_are_long_and_fit_a_header_and_nothing_shows_them() {
        for wrong in ["", "short", "0123456789 abcdef", "0123456789abcdeé", &"x".repeat(257)] {
            assert!(wrong.parse::<ScrapeToken>().is_err(), "{wrong}");
        }
        assert!(!format!("{:?}", metrics(true, &[])).contains(TOKEN));
        let url: WatchUrl = "https://hc-ping.com/secret-part".parse().unwrap();
        assert!(!format!("{url:?}").contains("secret-part"));
        for wrong in ["", "hc-ping.com/x", "ftp://a/b", "https://user:word@a/b", "/path"] {
            assert!(wrong.parse::<WatchUrl>().is_err(), "{wrong}");
        }
    }
}
