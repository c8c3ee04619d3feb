//! Whether a request that changes something comes from one of our own pages.

use http::{HeaderMap, header};

/// Accepts what the browser itself calls same-origin; older browsers are judged by their Origin header.
///
/// A form post without either header comes from no current browser and is refused.
pub(crate) fn is_own(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    let origin_host = origin.and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    matches!((origin_host, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_our_own_pages_pass() {
        for own in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("origin", "https://backup.example:8443"), ("host", "backup.example:8443")],
        ] {
            assert!(is_own(&headers(own)), "{own:?}");
        }
        for foreign in [
            &[][..],
            &[("host", "backup.example")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://backup.example"),
                ("host", "backup.example"),
            ],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("origin", "null"), ("host", "null")],
            &[("origin", "https://evil.example"), ("host", "backup.example")],
            &[("origin", "https://backup.example.evil"), ("host", "backup.example")],
        ] {
            assert!(!is_own(&headers(foreign)), "{foreign:?}");
        }
    }
}
