//! Where a request goes, read from an address that a person typed.

use core::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};
use http::Uri;

const LONGEST: usize = 2048;

/// The address of an HTTP request. `Debug` shows scheme, host and port alone: paths and queries hold tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is asked over TLS.
    pub is_https: bool,
    /// The name or the IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Path and query, from the slash on.
    pub path: String,
}

/// A text is not an address that a notification is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TargetError(&'static str);

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// When it has another scheme, a user, a fragment, no host, or a host that only looks like a number.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let wrong = TargetError("an address such as https://hooks.example.com/path");
        if text.len() > LONGEST {
            return Err(TargetError("at most 2048 bytes"));
        }
        if text.contains(['#', '\\']) || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(TargetError("an address without spaces, backslashes and a part after `#`"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(TargetError("an address that begins with https://")),
        };
        let authority = uri.authority().ok_or(wrong)?;
        if authority.as_str().contains('@') {
            return Err(TargetError(
                "an address without user name and password; they have fields of their own",
            ));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        check_host(&host)?;
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" if is_https => 443,
            "" => 80,
            text => text.trim_start_matches(':').parse().map_err(|_| wrong)?,
        };
        if port == 0 {
            return Err(wrong);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            is_https,
            host,
            port,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        })
    }

    /// The same address with another path below its own: `more` begins with a slash.
    #[must_use]
    pub fn below(&self, more: &str) -> Self {
        let base = self.path.split('?').next().unwrap_or_default().trim_end_matches('/');
        Self { path: format!("{base}{more}"), ..self.clone() }
    }

    /// What stands in the `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match (self.is_https, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}

/// A host is a name, or an IP address in its usual form. What systems would read as a number in another form is neither.
pub(super) fn check_host(host: &str) -> Result<(), TargetError> {
    if host.parse::<Ipv4Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let plain = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_')
    };
    if name.len() > 253 || !name.split('.').all(plain) {
        return Err(TargetError("the name of a host, or an IP address"));
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let number = last.bytes().all(|c| c.is_ascii_digit()) || last.starts_with("0x");
    if number { Err(TargetError("an IP address in its usual form, such as 192.0.2.7")) } else { Ok(()) }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}://{}…)", if self.is_https { "https" } else { "http" }, self.authority())
    }
}
