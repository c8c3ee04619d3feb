//! What surrounds every request: where it comes from, its id, the security headers.

use core::net::{IpAddr, SocketAddr};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

/// The other end of the connection. Whoever embeds the service puts it into each request's extensions; without it
/// the address is unknown.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub SocketAddr);

/// The caller's address: the connection's own, unless that is a trusted proxy's; then the nearest one that it and
/// the trusted proxies behind it vouch for.
pub(super) fn caller_address(
    extensions: &Extensions,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let peer = extensions.get::<PeerAddress>()?.0.ip().to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let forwarded = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        // A hop that cannot be read was not written by a proxy of ours: what lies beyond it means nothing.
        let Some(address) = parse_hop(hop) else { return Some(nearest) };
        nearest = address;
        if !is_trusted(&nearest) {
            return Some(nearest);
        }
    }
    Some(nearest)
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

/// Headers that every answer of ours carries, unless it set its own.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) fn add_security_headers(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(PeerAddress(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(value));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        caller_address(&extensions, &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        assert_eq!(address("192.0.2.9", &["203.0.113.1"], &[]), "192.0.2.9");
        assert_eq!(address("192.0.2.9", &["203.0.113.1"], &["10.0.0.0/8"]), "192.0.2.9");
        assert_eq!(address("10.0.0.1", &["203.0.113.1"], &["10.0.0.0/8"]), "203.0.113.1");
        assert_eq!(address("::ffff:10.0.0.1", &["203.0.113.1"], &["10.0.0.0/8"]), "203.0.113.1");
    }

    #[test]
    fn what_the_caller_wrote_itself_is_not_believed() {
        assert_eq!(address("10.0.0.1", &["1.1.1.1, 203.0.113.1"], &["10.0.0.0/8"]), "203.0.113.1");
        assert_eq!(
            address("10.0.0.1", &["1.1.1.1", "203.0.113.1, 10.0.0.2"], &["10.0.0.0/8"]),
            "203.0.113.1"
        );
        assert_eq!(address("10.0.0.1", &["1.1.1.1, nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
    }

    #[test]
    fn addresses_with_ports_and_brackets_are_read() {
        assert_eq!(address("::1", &["[2001:db8::5]"], &["::1/128"]), "2001:db8::5");
        assert_eq!(address("::1", &["203.0.113.1:4711"], &["::1/128"]), "203.0.113.1");
    }
}
