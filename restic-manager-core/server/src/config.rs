//! What an operator may choose, as typed values. Where they come from is the binary's business.

mod kept;
mod monitoring;

use core::{fmt, str::FromStr, time::Duration};
use http::{Uri, uri::Authority};
use ipnet::IpNet;
use std::path::PathBuf;

use crate::limits::{Limit, Number};
pub use kept::Kept;
pub(crate) use monitoring::Refused;
pub use monitoring::{Metrics, ParseScrapeTokenError, ParseWatchUrlError, ScrapeToken, WatchUrl};

/// The engine's configuration. [`Config::new`] has safe values for all but the address that people type.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where browsers and agents reach the server.
    pub base_url: BaseUrl,
    /// Whether cookies are for HTTPS alone.
    pub cookies: CookieSecurity,
    /// Proxies whose word about the caller's address counts.
    pub trusted_proxies: Vec<IpNet>,
    /// Who may scrape metrics.
    pub metrics: Metrics,
    /// Where an outside watch is told every minute that the server is well.
    pub outside_watch: Option<WatchUrl>,
    /// The folder with the agent's builds, for `/agent/binary`.
    pub bundled_assets: Option<PathBuf>,
    /// How long a login lasts.
    pub sessions: SessionLifetime,
    /// Who must have a second factor.
    pub second_factor: SecondFactor,
    /// How long an enrolment token can be spent.
    pub enrolment_lifetime: Duration,
    /// How old an agent's token becomes before it is replaced; zero for never.
    pub agent_token_lifetime: Duration,
    /// How long a link to set a password can be followed.
    pub setup_lifetime: Duration,
    /// What one caller may take.
    pub limits: Limits,
    /// How many jobs may run at once.
    pub budgets: Budgets,
    /// How long what has happened is kept.
    pub kept: Kept,
    /// The folder of the server's data, whose disk is watched.
    pub data_folder: Option<PathBuf>,
    /// Networks that are not public and that notifications may be sent to all the same.
    pub outgoing_allow: Vec<IpNet>,
}

impl Config {
    /// The defaults for a server at `base_url`.
    #[must_use]
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            cookies: CookieSecurity::HttpsOnly,
            trusted_proxies: Vec::new(),
            metrics: Metrics::default(),
            outside_watch: None,
            bundled_assets: None,
            sessions: SessionLifetime::default(),
            second_factor: SecondFactor::Optional,
            enrolment_lifetime: Duration::from_secs(60 * 60),
            agent_token_lifetime: Duration::from_secs(30 * 24 * 60 * 60),
            setup_lifetime: Duration::from_secs(60 * 60),
            limits: Limits::default(),
            budgets: Budgets::default(),
            kept: Kept::default(),
            data_folder: None,
            outgoing_allow: Vec::new(),
        }
    }
}

/// How many jobs that use a repository may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgets {
    /// In the whole fleet.
    pub fleet: u64,
    /// On one repository, unless it has a budget of its own.
    pub repository: u64,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { fleet: 100, repository: 10 }
    }
}

/// Whether cookies are for HTTPS alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieSecurity {
    /// `Secure`, under a `__Host-` name.
    HttpsOnly,
    /// Also over plain HTTP: for a trial on one machine.
    AlsoPlainHttp,
}

/// Who must have a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// Nobody; pages recommend it.
    Optional,
    /// Admins: one without acts as a viewer until there is one.
    RequiredForAdmins,
}

/// How long a login lasts.
#[derive(Clone, Copy, Debug)]
pub struct SessionLifetime {
    /// Without being used.
    pub idle: Duration,
    /// However often it is used.
    pub absolute: Duration,
    /// Its token is replaced when it is used and of this age.
    pub rotation: Duration,
    /// How long a replaced token is still good, for requests that were under way with it.
    pub grace: Duration,
    /// Where else it is good.
    pub binding: SessionBinding,
}

/// What a login is bound to, besides its token. Used from elsewhere it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionBinding {
    /// The network it began in: the address, or the first half of an IPv6 address.
    pub address: bool,
    /// The browser, by what it says it is.
    pub user_agent: bool,
}

impl Default for SessionLifetime {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(12 * 60 * 60),
            absolute: Duration::from_secs(7 * 24 * 60 * 60),
            rotation: Duration::from_secs(60 * 60),
            grace: Duration::from_secs(60),
            binding: SessionBinding::default(),
        }
    }
}

/// What one caller, or all of them together, may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; more wait in the operating system's queue.
    pub connections: usize,
    /// Bytes of a request's line and headers. Held within what one read brings: up to twice as much may pass.
    pub header_bytes: usize,
    /// Headers of a request.
    pub header_count: usize,
    /// For a request's line and headers to arrive.
    pub header_time: Duration,
    /// Bytes of a signed-in caller's body. A source group with the most and longest paths fits.
    pub body_bytes: usize,
    /// Bytes of anybody else's body.
    pub public_body_bytes: usize,
    /// For a body to arrive.
    pub body_time: Duration,
    /// For an answer to be found.
    pub request_time: Duration,
    /// For a look to wait for a database that does not serve it, as while it is restarted; part of `request_time`.
    pub database_time: Duration,
    /// For open requests and sockets to end when the server stops.
    pub drain_time: Duration,
    /// Passwords being hashed at once; each takes 19 MiB.
    pub password_threads: usize,
    /// Passwords waiting to be hashed.
    pub password_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 12_000,
            header_bytes: 32 * 1024,
            header_count: 64,
            header_time: Duration::from_secs(10),
            body_bytes: 4 * 1024 * 1024,
            public_body_bytes: 16 * 1024,
            body_time: Duration::from_secs(20),
            request_time: Duration::from_secs(30),
            database_time: Duration::from_secs(10),
            drain_time: Duration::from_secs(20),
            password_threads: 2,
            password_queue: 32,
        }
    }
}

impl Limits {
    /// The same as a table.
    #[must_use]
    pub fn rows(&self) -> Vec<Limit> {
        let row = |name, number, what, place, test| Limit { name, number, what, place, test };
        let (count, time) = (Number::Count, Number::Time);
        let serving = "serve.rs";
        let dispatch = "http/dispatch.rs";
        let queue = "parts/passwords.rs";
        vec![
            row(
                "connections",
                count(self.connections),
                "open connections; more wait",
                "server.rs",
                "connections_have_a_number",
            ),
            row(
                "header_bytes",
                count(self.header_bytes),
                "bytes of a request's line and headers",
                serving,
                "headers_have_limits",
            ),
            row(
                "header_count",
                count(self.header_count),
                "headers of a request",
                serving,
                "headers_have_limits",
            ),
            row(
                "header_time",
                time(self.header_time),
                "for a request's line and headers to arrive",
                serving,
                "headers_that_trickle_in_are_not_waited_for",
            ),
            row(
                "body_bytes",
                count(self.body_bytes),
                "bytes of a signed-in caller's body",
                dispatch,
                "bodies_have_limits_and_strangers_get_less",
            ),
            row(
                "public_body_bytes",
                count(self.public_body_bytes),
                "bytes of anybody else's body",
                dispatch,
                "bodies_have_limits_and_strangers_get_less",
            ),
            row(
                "body_time",
                time(self.body_time),
                "for a body to arrive",
                dispatch,
                "a_body_that_does_not_come_is_not_waited_for",
            ),
            row(
                "request_time",
                time(self.request_time),
                "for an answer to be found",
                "http/service.rs",
                "an_answer_that_does_not_come_is_given_up",
            ),
            row(
                "drain_time",
                time(self.drain_time),
                "for requests and sockets to end when the server stops",
                serving,
                "what_does_not_end_is_given_up_at_the_deadline",
            ),
            row(
                "password_threads",
                count(self.password_threads),
                "passwords hashed at once, in memory that is used again",
                queue,
                "passwords_wait_in_turn_and_not_without_end",
            ),
            row(
                "password_queue",
                count(self.password_queue),
                "passwords that wait to be hashed",
                queue,
                "passwords_wait_in_turn_and_not_without_end",
            ),
        ]
    }
}

/// An origin: scheme, name and port, such as `https://backup.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    scheme: &'static str,
    authority: Authority,
}

impl BaseUrl {
    /// Name and port.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    /// The name, or the address, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Whether it is reached over HTTPS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// A text is not the address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a server; write scheme, name and port alone, such as https://backup.example.com")]
pub struct ParseBaseUrlError;

impl FromStr for BaseUrl {
    type Err = ParseBaseUrlError;

    fn from_str(text: &str) -> Result<Self, ParseBaseUrlError> {
        let uri: Uri = text.trim().trim_end_matches('/').parse().map_err(|_| ParseBaseUrlError)?;
        let scheme = match uri.scheme_str() {
            Some("https") => "https",
            Some("http") => "http",
            _ => return Err(ParseBaseUrlError),
        };
        let authority = uri.authority().ok_or(ParseBaseUrlError)?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(ParseBaseUrlError);
        }
        // Browsers write names in lower case and leave out the scheme's own port.
        let own_port = if scheme == "https" { ":443" } else { ":80" };
        let text = authority.as_str().to_ascii_lowercase();
        let text = text.strip_suffix(own_port).unwrap_or(&text);
        Ok(Self { scheme, authority: text.parse().map_err(|_| ParseBaseUrlError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn a_base_url_is_an_origin_and_nothing_else() {
        let parse = |text: &str| text.parse::<BaseUrl>().map(|url| url.to_string()).ok();
        assert_eq!(parse("https://Backup.Example.com:443/").as_deref(), Some("https://backup.example.com"));
        assert_eq!(parse("http://127.0.0.1:8080").as_deref(), Some("http://127.0.0.1:8080"));
        for wrong in
            ["", "backup.example.com", "ftp://a", "https://u:p@a", "https://a/b", "https://a?b", "https://"]
        {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
