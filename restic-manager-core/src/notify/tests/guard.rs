//! Tricks that lead a server to addresses of its own network, each with how it is refused.

use core::net::IpAddr;
use proptest::prelude::*;

use crate::notify::{Target, is_allowed, is_public};

/// Addresses that no name may lead to.
const PRIVATE: &[&str] = &[
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:c0a8:101::1",
];

#[test]
fn addresses_of_nobody_are_not_public() {
    for address in PRIVATE {
        assert!(!is_public(address.parse().unwrap()), "{address}");
        assert!(!is_allowed(address.parse().unwrap(), &[]), "{address}");
    }
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "172.32.0.0",
        "8.8.8.8",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn a_network_that_was_named_is_allowed_and_nothing_beside_it() {
    let allowed = ["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
    for (address, expected) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("10.2.0.1", false),
        ("fd01::1", true),
        ("fc00::1", false),
        ("127.0.0.1", false),
    ] {
        assert_eq!(is_allowed(address.parse().unwrap(), &allowed), expected, "{address}");
    }
}

/// Forms of addresses that one reader takes for a name and another for a number, and what hides another address.
#[test]
fn addresses_in_disguise_are_no_targets() {
    for trick in [
        "http://0177.0.0.1/",
        "http://0x7f.0.0.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://017700000001/",
        "http://127.1/",
        "http://127.0.0.1.:80/x\u{2028}",
        "http://127.0.1/",
        "http://user@127.0.0.1/",
        "https://hooks.example.com@127.0.0.1/",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com#@127.0.0.1/",
        "https://hooks.example.com/#x",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "//127.0.0.1/",
        "hooks.example.com",
        "https://",
        "https:///x",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:/",
        "https://ex ample.com/",
        "https://exa\nmple.com/",
        "https://1.2.3.4.5/",
        "https://1.2.3.04/",
        "https://①②⑦.⓪.⓪.①/",
        "https://[fe80::1%25eth0]/",
        "https://a..b/",
        "data:text/plain,x",
    ] {
        assert!(Target::parse(trick).is_err(), "{trick}");
    }
}

#[test]
fn a_target_is_what_stands_there() {
    let target = Target::parse("HTTPS://Hooks.Example.com/a/b?c=d").unwrap();
    assert_eq!((target.is_https, target.host.as_str(), target.port), (true, "hooks.example.com", 443));
    assert_eq!((target.path.as_str(), target.authority().as_str()), ("/a/b?c=d", "hooks.example.com"));
    assert_eq!(target.below("/x").path, "/a/b/x");
    let target = Target::parse("http://[::1]:8080").unwrap();
    assert_eq!((target.host.as_str(), target.port, target.authority().as_str()), ("::1", 8080, "[::1]:8080"));
    assert_eq!(format!("{:?}", Target::parse("https://h/secret?token=1").unwrap()), "Target(https://h…)");
}

proptest! {
    #[test]
    fn what_hides_an_ipv4_address_is_as_public_as_it(bits: u32) {
        let v4 = core::net::Ipv4Addr::from(bits);
        let [a, b] = [(bits >> 16) as u16, bits as u16];
        let public = is_public(IpAddr::V4(v4));
        for hidden in [[0, 0, 0, 0, 0, 0xffff, a, b], [0x64, 0xff9b, 0, 0, 0, 0, a, b], [0x2002, a, b, 0, 0, 0, 0, 1]] {
            prop_assert_eq!(is_public(IpAddr::V6(hidden.into())), public);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = Target::parse(&text);
        if let Ok(target) = Target::parse(&format!("https://{text}/")) {
            prop_assert!(!target.host.contains(['@', '#', '\\', ' ']));
        }
    }
}
